import { describe, fold, memoryTensor, stringTensor, weightBytes, type Feed, type Model, type PassContext, type Tensor } from '@onnxpress/core';
import type { Part } from './part.ts';

/** What is the same in every run is computed once, as long as the file does not grow by more than it may. */
export function foldConstants(foldBytes: number): Part {
  let left = foldBytes;
  const told = new Set<string>();
  return {
    name: 'constants',
    async run({ model, ctx, mayChange }) {
      const before = weightBytes(model);
      const report = await fold(model, {
        maxBytes: left,
        maxTotalBytes: left,
        evaluate: (batch) => evaluate(batch, ctx),
        keep: (v) => v.producer !== undefined && !mayChange(v.producer),
        signal: ctx.signal,
      });
      left -= Math.max(0, weightBytes(model) - before);
      if (report.folded > 0) ctx.count('folded', report.folded);
      for (const { node, reason } of report.leftAlone) {
        const why = `${describe(node)} is not folded: ${reason}`;
        if (!told.has(why)) ctx.missed(why);
        told.add(why);
      }
    },
  };
}

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
