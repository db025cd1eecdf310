import { anyOf, constant, oneOf, optional, rule, value, type Ops, type Pattern, type Rule } from '@onnxpress/core';
import { anchored, quiet } from '../anchored.ts';
import { isPerLast, numberOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';

const number = (scalar: number): Pattern => constant({ scalar });
const x = value({ dtype: 'float32' });

/** a · b · c in whatever order. */
const product = (op: Ops<Pattern>, a: Pattern, b: Pattern, c: Pattern): Pattern => oneOf(op.Mul(op.Mul(a, b), c), op.Mul(op.Mul(a, c), b), op.Mul(op.Mul(b, c), a));

/** x / 2 · (1 + erf(x / √2)). */
const exact = (op: Ops<Pattern>): Pattern => product(op, x, number(0.5), op.Add(op.Erf(oneOf(op.Div(x, number(Math.SQRT2)), op.Mul(x, number(Math.SQRT1_2)))), number(1)));

/** x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³))), the inside also as x · √(2/π) · (1 + 0.044715 · x²). */
function approximate(op: Ops<Pattern>): Pattern {
  const root = number(Math.sqrt(2 / Math.PI));
  const square = oneOf(op.Pow(x, number(2)), op.Mul(x, x));
  const cube = oneOf(op.Pow(x, number(3)), op.Mul(x, square));
  const sum = op.Add(x, oneOf(op.Mul(cube, number(0.044715)), op.Mul(op.Mul(x, number(0.044715)), square)));
  const factor = op.Add(oneOf(op.Mul(square, number(0.044715)), op.Mul(op.Mul(x, number(0.044715)), x)), number(1));
  return product(op, x, number(0.5), op.Add(op.Tanh(oneOf(op.Mul(sum, root), product(op, x, root, factor))), number(1)));
}

const exactGelu = (target: Target): Rule =>
  rule('gelu', {
    vars: { x },
    match: (_, op) => exact(op),
    build: ({ x }, op) => (target === 'onnx' ? op.Gelu(x) : op.in('com.microsoft').Gelu(x)),
  });

const tanhGelu = (target: Target): Rule =>
  rule('gelu-tanh', {
    vars: { x },
    match: (_, op) => approximate(op),
    build: ({ x }, op) => (target === 'onnx' ? op.Gelu(x, { approximate: 'tanh' }) : op.in('com.microsoft').FastGelu(x)),
  });

/** x · sigmoid(alpha · x), of which SiLU is the one with alpha 1. */
const quickGelu = rule('gelu-quick', {
  vars: { x, alpha: optional(constant({ scalar: true, dtype: 'float32' })) },
  match: ({ x, alpha }, op) => op.Mul(x, op.Sigmoid(oneOf(op.Mul(x, alpha), x))),
  build: ({ x, alpha }, op) => op.in('com.microsoft').QuickGelu(x, { alpha: alpha ? numberOf(alpha) : 1 }),
});

const bias = constant({ rank: 1, dtype: 'float32' });

const biasGelu = rule('gelu-bias', {
  vars: { x, bias },
  match: ({ x, bias }, op) => anyOf(['Gelu', 'com.microsoft.Gelu'], [op.Add(x, bias)]),
  where: ({ x, bias }) => isPerLast(bias, x) || `"${bias.name}" is not one number per element of the last axis`,
  build: ({ x, bias }, op) => op.in('com.microsoft').BiasGelu(x, bias),
});

const biasFastGelu = rule('gelu-tanh-bias', {
  vars: { x, bias },
  match: ({ x, bias }, op) => oneOf(op.in('com.microsoft').FastGelu(op.Add(x, bias)), op.Gelu(op.Add(x, bias), { approximate: 'tanh' })),
  where: ({ x, bias }) => isPerLast(bias, x) || `"${bias.name}" is not one number per element of the last axis`,
  build: ({ x, bias }, op) => op.in('com.microsoft').FastGelu(x, bias),
});

export const gelus = (target: Target): readonly Rule[] => [
  anchored(exactGelu(target), ['Erf'], 3),
  anchored(tanhGelu(target), ['Tanh'], 3),
  ...forRuntime(target, [anchored(quickGelu, ['Sigmoid'], 1), quiet(biasGelu), quiet(biasFastGelu)]),
];
