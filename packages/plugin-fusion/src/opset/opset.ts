import { definePass, HIGHEST_OPSET, raiseOpset } from '@onnxpress/core';

/**
 * Raises the standard operators to a newer opset, node by node. What cannot be said there fails the step, with the node and what to do; nothing is renumbered on trust. The meaning stays to the bit; the runtime may have
 * another kernel for the newer version (of AveragePool it has), which adds in another order: so the numbers are rounded anew. */
export const opset = definePass({
  name: 'fusion/opset',
  summary: 'Raises the model to a newer opset of ONNX: every node whose operator changed is written so that it computes the same, in subgraphs and functions too.',
  numerics: 'rounding',
  options: {
    to: { type: 'integer', minimum: 7, maximum: HIGHEST_OPSET, required: true, description: 'The opset to raise to. A model that has it already stays as it is; a newer one is refused, for what newer operators say cannot always be said in older ones.' },
  },
  run(model, { to }, ctx) {
    ctx.signal.throwIfAborted();
    const { from, converted } = raiseOpset(model, to);
    if (from !== undefined && from < to) ctx.count('opsets raised', to - from);
    const nodes = [...converted.values()].reduce((sum, n) => sum + n, 0);
    if (nodes > 0) ctx.count('converted', nodes);
  },
});
