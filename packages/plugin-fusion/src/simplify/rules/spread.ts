import { copyOf, nodeRule, sameDim, type Dim, type Value } from '@onnxpress/core';

/** From here on elementwise operators spread their inputs without being asked. */
const SPREADS_SINCE = 7;

/** An Expand before an elementwise operator that would spread the value as far by itself. */
export const expandBeforeSpreading = nodeRule('expand-before-spreading', {
  operators: ['Where', 'Add', 'Sub', 'Mul', 'Div', 'Pow', 'Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'And', 'Or', 'Xor'],
  depth: 2,
  apply(node, _op, graph) {
    if ((graph.opsets.get('') ?? 0) < SPREADS_SINCE) return 'the opset spreads inputs by an attribute';
    const to = node.output.dims;
    if (!to) return 'the rank of its result is not known';
    for (const [i, v] of node.inputs.entries()) {
      const from = v?.producer?.is('Expand') ? v.producer.inputs[0] : undefined;
      if (!from) continue;
      const inputs = node.inputs.map((other, j) => (i === j ? from : other));
      if (spreadTo(to, inputs)) return copyOf(node, inputs).output;
    }
    return 'no input is expanded, or not as far by the others';
  },
});

/** Whether the inputs, spread over each other, have this shape in every run, given that they fit each other. */
function spreadTo(to: readonly Dim[], inputs: readonly (Value | undefined)[]): boolean {
  const shapes = inputs.map((v) => v?.dims);
  return shapes.every((s) => s !== undefined && s.length <= to.length) && shapes.some((s) => s?.length === to.length) && to.every((d, i) => shapes.some((s) => sameAt(s!, i - to.length, d)));
}

/** `at` counts from the end. */
const sameAt = (shape: readonly Dim[], at: number, to: Dim): boolean => -at <= shape.length && sameDim(shape.at(at)!, to);
