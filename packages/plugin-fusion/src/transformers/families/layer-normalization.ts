import { attribute, constant, float32s, oneOf, optional, rule, value, type Bound, type Holes, type Node, type Ops, type Pattern, type Rule, type Value } from '@onnxpress/core';
import { anchored, quiet } from '../anchored.ts';
import { isLast, isLastAxis, isPerLast, numberOf, sameShape, sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';

/** What every form of layer normalization is made of. */
export const NORMALIZATION = {
  gamma: optional(value({ rank: 1, dtype: 'float32' })),
  beta: optional(value({ rank: 1, dtype: 'float32' })),
  /** Of an operator. */
  epsilon: attribute.float({ absent: undefined }),
  axis: attribute.int({ absent: undefined }),
  /** Of the written-out form. */
  small: optional(constant({ scalar: true, dtype: 'float32' })),
  meanAxes: optional(constant()),
  varianceAxes: optional(constant()),
} as const;

/** (x - mean(x)) / sqrt(variance(x) + small) · gamma + beta over `x`, as an operator or written out as exporters do; where gamma is 1 or beta 0, models do without it. */
export function normalized(v: Holes<typeof NORMALIZATION>, op: Ops<Pattern>, x: Pattern): Pattern {
  const centered = op.Sub(x, op.ReduceMean(x, v.meanAxes));
  const squared = oneOf(op.Pow(centered, constant({ scalar: 2 })), op.Mul(centered, centered));
  const variance = op.Add(op.ReduceMean(squared, v.varianceAxes), v.small);
  const deviation = oneOf(op.Sqrt(variance), op.Pow(variance, constant({ scalar: 0.5 })));
  const normal = oneOf(op.Div(centered, deviation), op.Mul(centered, op.Reciprocal(deviation)), op.Mul(centered, op.Div(constant({ scalar: 1 }), deviation)));
  const scaled = op.Mul(normal, v.gamma);
  return oneOf(op.Add(scaled, v.beta), scaled, op.Add(normal, v.beta), normal, op.LayerNormalization(x, v.gamma, v.beta, { epsilon: v.epsilon, axis: v.axis }));
}

type Found = Bound<typeof NORMALIZATION>;

/** Why what was found is no layer normalization of `x` over its last axis, or not all of it. `y`: what comes of it. */
export function unfit(found: Omit<Found, 'small' | 'epsilon'>, x: Value, y: Value): string | undefined {
  const { meanAxes, varianceAxes, gamma, beta, axis } = found;
  for (const axes of [meanAxes, varianceAxes]) if (axes && !isLastAxis(axes, x)) return 'mean and variance are not over the last axis';
  if (axis !== undefined && !isLast(axis, x)) return 'it normalizes more than the last axis';
  if (sizeOf(x, -1) === undefined) return `the last axis of "${x.name}" is not known`;
  for (const v of [gamma, beta]) if (v && !isPerLast(v, x)) return `"${v.name}" is not known to have one number per element of the last axis`;
  const waits = (!beta && isFollowed(y, x, 'Add')) || (!beta && !gamma && isFollowed(y, x, 'Mul'));
  return waits ? 'a factor or a sum that belongs to it follows' : undefined;
}

/** Whether only an operator with a constant per element of the last axis reads the value: the rule waits for the larger form. */
const isFollowed = (y: Value, x: Value, operator: string): boolean =>
  !y.producer?.is('LayerNormalization') && y.useCount === 1 && !y.isOutput && y.uses.some(({ node }) => node.is(operator) && node.inputs.some((v) => v !== undefined && v !== y && v.isConstant() && isPerLast(v, x)));

/** The factors, which operators want even where they are 1. */
export const gammaOf = ({ gamma }: Pick<Found, 'gamma'>, x: Value, op: Ops<Value>): Value => gamma ?? filled(1, x, op);

/** What is added, for operators that want it even where it is 0. */
export const betaOf = ({ beta }: Pick<Found, 'beta'>, x: Value, op: Ops<Value>): Value => beta ?? filled(0, x, op);

const filled = (number: number, x: Value, op: Ops<Value>): Value => op.constant(float32s([sizeOf(x, -1)!], new Float32Array(sizeOf(x, -1)!).fill(number))); // known, as checked

export const GROWS = 'operators want a factor per element even where it is 1';

export const epsilonOf = ({ small, epsilon }: Pick<Bound<typeof NORMALIZATION>, 'small' | 'epsilon'>): number => Math.fround(small ? numberOf(small) : epsilon!); // one of the forms matched

/** Layer normalization written out: one LayerNormalization, from opset 17 on. */
const layerNormalization = rule('layer-normalization', {
  vars: { x: value({ dtype: 'float32' }), ...NORMALIZATION },
  match: ({ x, ...holes }, op) => normalized(holes, op, x),
  where: (found, root) => (root.is('LayerNormalization') ? 'it is one already' : (unfit(found, found.x, root.output) ?? true)),
  grows: GROWS,
  build: (found, op) => op.LayerNormalization(found.x, gammaOf(found, found.x, op), found.beta, { epsilon: epsilonOf(found), axis: -1 }),
});

const SUM = { x: value({ dtype: 'float32' }), skip: value({ dtype: 'float32' }), ...NORMALIZATION } as const;
const BIASED = { ...SUM, bias: constant({ rank: 1 }) } as const;

function fitsSum(found: Bound<typeof SUM> & { readonly bias?: Value }, root: Node): true | string {
  const { x, skip, bias } = found;
  if (!sameShape(x, skip)) return `"${x.name}" and "${skip.name}" are not known to have one shape`;
  if (x.rank !== 2 && x.rank !== 3) return 'onnxruntime has it for two and three axes';
  if (bias && !isPerLast(bias, x)) return `"${bias.name}" is not one number per element of the last axis`;
  return unfit(found, x, root.output) ?? true;
}

function skipped(found: Bound<typeof SUM> & { readonly bias?: Value }, op: Ops<Value>): readonly [Value, Value] {
  const [y, , , sum] = op.in('com.microsoft').outputs(4).SkipLayerNormalization(found.x, found.skip, gammaOf(found, found.x, op), found.beta, found.bias, { epsilon: epsilonOf(found) });
  return [y, sum];
}

const alone = (found: Bound<typeof SUM> & { readonly bias?: Value }, op: Ops<Value>): Value =>
  op.in('com.microsoft').SkipLayerNormalization(found.x, found.skip, gammaOf(found, found.x, op), found.beta, found.bias, { epsilon: epsilonOf(found) });

/** A sum and the layer normalization of it: one SkipLayerNormalization, which gives the sum too where others read it, and takes the bias that came before. */
const skipLayerNormalizations: readonly Rule[] = [
  rule('skip-layer-normalization', { vars: BIASED, match: (v, op) => normalized(v, op, op.Add(op.Add(v.x, v.bias), v.skip)), where: fitsSum, grows: GROWS, build: alone }),
  rule('skip-layer-normalization', { vars: SUM, match: (v, op) => normalized(v, op, op.Add(v.x, v.skip)), where: fitsSum, grows: GROWS, build: alone }),
  rule('skip-layer-normalization', { vars: BIASED, match: (v, op) => withSum(v, op, op.Add(op.Add(v.x, v.bias), v.skip)), where: fitsSum, grows: GROWS, build: skipped }),
  rule('skip-layer-normalization', { vars: SUM, match: (v, op) => withSum(v, op, op.Add(v.x, v.skip)), where: fitsSum, grows: GROWS, build: skipped }),
];

function withSum(v: Holes<typeof NORMALIZATION>, op: Ops<Pattern>, sum: Pattern): readonly Pattern[] {
  return [normalized(v, op, sum), sum];
}

export const layerNormalizations = (target: Target): readonly Rule[] =>
  [...forRuntime(target, skipLayerNormalizations.map((r) => quiet(anchored(r, ['ReduceMean', 'LayerNormalization'], 5)))), quiet(anchored(layerNormalization, ['ReduceMean'], 5))];
