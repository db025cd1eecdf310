import { Calibration, CALIBRATION_KINDS, samplesOf, type Collector, type Model, type Node, type PassContext, type Stage, type Use, type Value } from '@onnxpress/core';
import { isFloat32 } from './region.ts';

/** Of a value on the calibration data. */
export interface Seen {
  readonly largest: number;
  /** Root of the mean square. */
  readonly size: number;
}

/** Values that are observed in one run of a part of the model. */
const TOGETHER = 48;

/** How large the float values that these nodes read and make become on the data. Values that nothing in the main graph reads are not seen. */
export async function rangesOf(model: Model, nodes: readonly Node[], data: string, ctx: PassContext): Promise<Map<Value, Seen>> {
  const order = new Map(model.graph.ordered().map((n, i) => [n, i]));
  const uses = new Map<Value, Use>();
  for (const node of nodes) {
    node.inputs.forEach((v, index) => {
      if (isFloat32(v) && !v.isConstant() && !uses.has(v)) uses.set(v, { node, index });
    });
    for (const v of node.outputs) {
      const reader = isFloat32(v) && !uses.has(v) ? v.uses.find((u) => order.has(u.node)) : undefined;
      if (reader) uses.set(v, reader);
    }
  }
  const sorted = [...uses].sort(([, a], [, b]) => order.get(a.node)! - order.get(b.node)!); // readers of the main graph
  const stages: Stage[] = [];
  for (let i = 0; i < sorted.length; i += TOGETHER) {
    const part = sorted.slice(i, i + TOGETHER);
    stages.push({ observe: part.map(([, use]) => use), changes: part.map(([, use]) => use.node) });
  }
  const seen = new Map<Value, Seen>();
  const calibration = await Calibration.open(model, stages, samplesOf(model, await ctx.dataset(data, CALIBRATION_KINDS), ctx.signal), ctx);
  try {
    for (const [index, stage] of stages.entries()) {
      ctx.progress(index, stages.length, 'calibrating');
      const found = await calibration.observe(index, sizes);
      stage.observe.forEach(({ node, index: input }, i) => seen.set(node.inputs[input]!, found[i]!)); // as they were chosen above
    }
  } finally {
    await calibration.dispose();
  }
  return seen;
}

function sizes(): Collector<Seen> {
  let [largest, squares, count] = [0, 0, 0];
  return {
    allowsInfinity: true,
    add({ data, columns, weights }) {
      for (let i = 0; i < data.length; i++) {
        if (weights?.[Math.floor(i / columns)] === 0) continue;
        const magnitude = Math.abs(data[i]!);
        if (magnitude > largest) largest = magnitude;
        squares += magnitude * magnitude;
        count++;
      }
    },
    done: () => ({ largest, size: Math.sqrt(squares / (count || 1)) }),
  };
}
