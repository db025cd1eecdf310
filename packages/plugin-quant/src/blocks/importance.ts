import { Calibration, CALIBRATION_KINDS, samplesOf, stagesOf, type Collector, type Model, type PassContext } from '@onnxpress/core';
import type { WeightGroup } from './group.ts';

/** Mean x² of the inputs of each product of the main graph. A weight that several nodes read is weighed by what the first of them reads. */
export async function importancesOf(model: Model, groups: readonly WeightGroup[], data: string, ctx: PassContext): Promise<Map<WeightGroup, Float64Array>> {
  const readers = new Map(groups.flatMap((group) => {
    const product = group.targets.find((t) => t.kind !== 'embedding' && t.node.graph === model.graph);
    return product ? [[product.node, group] as const] : [];
  }));
  const stages = stagesOf(model, [...readers.keys()].map((node) => ({ node, index: 0 })));
  const dataset = await ctx.dataset(data, CALIBRATION_KINDS);
  const calibration = await Calibration.open(model, stages, samplesOf(model, dataset, ctx.signal), ctx);
  const found = new Map<WeightGroup, Float64Array>();
  try {
    for (const [index, stage] of stages.entries()) {
      ctx.progress(index, stages.length, 'looking at activations');
      const [squares] = await calibration.observe(index, () => meanSquares());
      for (const node of stage.changes) found.set(readers.get(node)!, squares!); // a stage observes one value, for nodes that were asked for
    }
  } finally {
    await calibration.dispose();
  }
  ctx.count('calibration tokens', calibration.tokens);
  return found;
}

/** Mean x² of each column over the rows that count, in float64. */
function meanSquares(): Collector<Float64Array> {
  let sums = new Float64Array(0);
  let count = 0;
  return {
    add({ data, rows, columns, weights }) {
      if (sums.length === 0) sums = new Float64Array(columns);
      for (let row = 0; row < rows; row++) {
        if (weights?.[row] === 0) continue;
        count++;
        for (let j = 0, i = row * columns; j < columns; j++, i++) sums[j]! += data[i]! * data[i]!;
      }
    },
    done: () => sums.map((sum) => sum / Math.max(1, count)),
  };
}
