import { describe, fold, memoryTensor, stringTensor, structureBytes, weightsOf, type Feed, type Model, type PassContext, type Tensor } from '@onnxpress/core';
import type { Part } from './part.ts';

/** What a first round may add before anything was saved: the nodes that go with a fold take more, and are not counted yet. */
const HEAD_START = 1024;

/**
 * What is the same in every run is computed once. The file may become `extra` bytes larger than it was, and what other parts save can be spent too: weights
 * that are stored small and computed at load (half precision, a filled shape) become constants only where there is room.
 */
export function foldConstants(model: Model, extra: number): Part {
  const size = sizeOf(model);
  const told = new Set<string>();
  return {
    name: 'constants',
    async run(work) {
      const { ctx, mayChange } = work;
      work.infer();
      const report = await fold(model, {
        inferred: true,
        maxBytes: () => Math.max(0, size + HEAD_START + extra - sizeOf(model)),
        maxTotalBytes: 0,
        evaluate: (batch) => evaluate(batch, ctx),
        keep: (v) => v.producer !== undefined && !mayChange(v.producer),
        signal: ctx.signal,
      });
      if (report.folded > 0) ctx.count('folded', report.folded);
      for (const { node, reason } of report.leftAlone) {
        const why = `${describe(node)} is not folded: ${reason}`;
        if (!told.has(why)) ctx.missed(why);
        told.add(why);
      }
    },
  };
}

/** Bytes of the model as a file, weights beside it included. */
const sizeOf = (model: Model): number => weightsOf(model).reduce((sum, t) => sum + t.byteLength, structureBytes(model).length);

/** Runs a model without inputs as it stands, on one thread: the same bytes on every machine of a kind. */
async function evaluate(model: Model, { runtime }: PassContext): Promise<Tensor[]> {
  const session = await runtime.load(model, { provider: 'cpu', threads: 1, optimize: 'none' });
  try {
    const results = await session.run({});
    return model.graph.outputs.map((v) => tensorOfFeed(results[v.name]!)); // a run gives every output
  } finally {
    await session.dispose();
  }
}

function tensorOfFeed({ dtype, dims, data }: Feed): Tensor {
  return ArrayBuffer.isView(data) ? memoryTensor(dtype, dims, data) : stringTensor(dims, data);
}
