import { isFloat, nodeRule, type Node, type Value } from '@onnxpress/core';
import { isAll, spreadsOver } from '../numbers.ts';

/** From here on the second input of an elementwise operator is spread over the first without being asked. */
const BROADCASTS_SINCE = 7;

interface Neutral {
  /** The other input may come first too. */
  readonly commutes: boolean;
  number(float: boolean): number;
}

/**
 * What leaves the other operand as it is, to the bit: x + 0.0 turns -0.0 into 0.0 and so does x - -0.0, but x + -0.0 and x - 0.0 change nothing.
 */
const NEUTRAL: Readonly<Record<string, Neutral>> = {
  Add: { commutes: true, number: (float) => (float ? -0 : 0) },
  Sub: { commutes: false, number: () => 0 },
  Mul: { commutes: true, number: () => 1 },
  Div: { commutes: false, number: () => 1 },
  Pow: { commutes: false, number: () => 1 },
  And: { commutes: true, number: () => 1 },
  Or: { commutes: true, number: () => 0 },
  Xor: { commutes: true, number: () => 0 },
};

/** x + -0.0, x - 0, x · 1, x / 1, x ^ 1, x and true, x or false: exact, for every x. */
export const neutralOperand = nodeRule('neutral-operand', {
  operators: ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'And', 'Or', 'Xor'],
  depth: 1,
  apply(node, _op, graph) {
    if ((graph.opsets.get('') ?? 0) < BROADCASTS_SINCE) return 'the opset spreads inputs by an attribute';
    const neutral = NEUTRAL[node.opType]!; // there is one for each of the operators
    const [a, b] = node.inputs;
    if (!a || !b) return 'an input is missing';
    return kept(node, a, b, neutral) ?? (neutral.commutes ? kept(node, b, a, neutral) : undefined) ?? `neither "${a.name}" nor "${b.name}" is neutral`;
  },
});

function kept(node: Node, x: Value, c: Value, { number }: Neutral): Value | undefined {
  const type = c.type;
  if (type?.kind !== 'tensor' || !isAll(c, number(isFloat(type.dtype)))) return undefined;
  return node.inputs.length === 2 && spreadsOver(c, x) ? x : undefined;
}
