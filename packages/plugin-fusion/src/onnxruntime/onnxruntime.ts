import { definePass, inferNode, inferTypes, rewrite, type Miss } from '@onnxpress/core';
import { workOn } from '../simplify/part.ts';
import { stopping } from '../simplify/rules.ts';
import { sparing } from '../simplify/sparing.ts';
import { convActivation, convSum } from './fused-conv.ts';
import { gemmActivation, matmulScale, matmulTranspose } from './fused-matmul.ts';

/** In the order in which they are tried at a node. */
const RULES = [convSum, convActivation, matmulTranspose, matmulScale, gemmActivation] as const;

/** What onnxruntime would fuse each time it loads the model on a processor: done once, so that it starts faster. */
export const onnxruntime = definePass({
  name: 'fusion/onnxruntime',
  summary: 'Makes convolutions with activations and sums, and products of transposed or scaled matrices, one operator of onnxruntime each. The result runs in onnxruntime only. Run it last: other passes know ONNX’s own operators better.',
  numerics: 'rounding',
  options: {
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Nodes that stay as they are: globs over node or weight names, op:Type, or domain:name.' },
  },
  run(model, options, ctx) {
    const work = workOn(model, options.exclude, ctx);
    inferTypes(model);
    ctx.signal.throwIfAborted();
    const misses: Miss[] = [];
    const fired = rewrite(model, RULES.map((r) => stopping(sparing(r, work), work)), { infer: inferNode, missed: (miss) => void misses.push(miss) });
    for (const [name, count] of fired) ctx.count(name, count);
    ctx.missed(() => new Set(misses.map((m) => m.text)));
  },
});
