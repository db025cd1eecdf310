import { castTensor, codeOf, Node, attr, type Model, type PassContext, type Value } from '@onnxpress/core';
import { reasonAgainst, type HalfType } from './narrow.ts';

/** Smaller constants are not worth the Cast. */
const WORTH_BYTES = 1024;

/** Stores float32 initializers in half precision, with one Cast in front of their readers: half the bytes, and the runtime computes as before on rounded numbers. */
export function storeWeights(model: Model, to: HalfType, chosen: (v: Value) => boolean, ctx: Pick<PassContext, 'missed' | 'count'>): void {
  for (const graph of model.graphs()) {
    for (const value of [...graph.initializers.values()]) {
      const { constant, useCount } = value;
      if (constant.dtype !== 'float32' || constant.byteLength < WORTH_BYTES || useCount === 0 || value.isOutput || value.isInput || !chosen(value)) continue;
      const why = reasonAgainst(constant, to);
      if (why !== undefined) {
        ctx.missed(`"${value.name}" stays float32: it ${why}.`);
        continue;
      }
      const stored = graph.addInitializer(`${value.name}_${to}`, castTensor(constant, to));
      const [first] = graph.nodes;
      const cast = graph.add(new Node('Cast', [stored], { attrs: [['to', attr.int(codeOf('float32'))]] }), { before: first });
      cast.output.infer(value.type);
      for (const { node, index } of value.uses) if (node !== cast) node.setInput(index, cast.output);
      graph.removeInitializer(value);
      ctx.count('weights stored');
    }
  }
}
