import { attribute, constant, float32s, named, oneOf, optional, rule, value, type Bound, type Holes, type Ops, type Pattern, type Rule, type Value } from '@onnxpress/core';
import { anchored, quiet } from '../anchored.ts';
import { isLast, isLastAxis, isPerLast, numberOf, sameShape, sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';

const RMS = {
  gamma: optional(value({ rank: 1, dtype: 'float32' })),
  axes: optional(constant()),
  small: optional(constant({ scalar: true, dtype: 'float32' })),
  epsilon: attribute.float({ absent: undefined }),
  axis: attribute.int({ absent: undefined }),
} as const;

/** x / sqrt(mean(x²) + small) · gamma, as an operator or written out; models whose gamma is 1 do without it. */
function normalized(v: Holes<typeof RMS>, op: Ops<Pattern>, x: Pattern): Pattern {
  const square = oneOf(op.Pow(x, constant({ scalar: 2 })), op.Mul(x, x));
  const root = op.Sqrt(op.Add(op.ReduceMean(square, v.axes), v.small));
  const normal = oneOf(op.Mul(x, oneOf(op.Div(constant({ scalar: 1 }), root), op.Reciprocal(root))), op.Div(x, root));
  return oneOf(op.Mul(normal, v.gamma), normal, op.RMSNormalization(x, v.gamma, { epsilon: v.epsilon, axis: v.axis }));
}

type Found = Bound<typeof RMS>;

/** Why what was found does not normalize the last axis of `x`. */
function unfit({ axes, axis, gamma }: Found, x: Value): string | undefined {
  if (axes && !isLastAxis(axes, x)) return 'the mean is not over the last axis';
  if (axis !== undefined && !isLast(axis, x)) return 'it normalizes more than the last axis';
  if (gamma) return isPerLast(gamma, x) ? undefined : `"${gamma.name}" is not known to have one number per element of the last axis`;
  return sizeOf(x, -1) === undefined ? `the last axis of "${x.name}" is not known` : undefined;
}

const epsilonOf = ({ small, epsilon }: Found): number => Math.fround(small ? numberOf(small) : epsilon!); // one of the forms matched

const gammaOf = ({ gamma }: Found, x: Value, op: Ops<Value>): Value => gamma ?? op.constant(float32s([sizeOf(x, -1)!], new Float32Array(sizeOf(x, -1)!).fill(1))); // known, as checked

/** Whether a factor behind it belongs to the normalization: the rule waits for the larger form. */
const isPart = (y: Value, x: Value): boolean =>
  y.useCount === 1 && !y.isOutput && y.uses.some(({ node }) => node.is('Mul') && node.inputs.some((v) => v !== undefined && v !== y && v.isConstant() && isPerLast(v, x)));

/** Whether it is a value less its mean. */
function isCentered(x: Value): boolean {
  const [from, mean] = x.producer?.is('Sub') ? x.producer.inputs : [];
  return from !== undefined && mean?.producer?.is('ReduceMean') === true && mean.producer.inputs[0] === from;
}

const GROWS = 'operators want a factor per element even where it is 1';

/** Normalization by the root of the mean square written out: one RMSNormalization, from opset 23 on. */
const rmsNormalization = rule('rms-normalization', {
  vars: { x: value({ dtype: 'float32' }), ...RMS },
  match: ({ x, ...holes }, op) => normalized(holes, op, x),
  where(found, root) {
    if (root.is('RMSNormalization')) return 'it is one already';
    if (isCentered(found.x)) return 'it is part of a layer normalization';
    return !found.gamma && isPart(root.output, found.x) ? 'a factor follows' : (unfit(found, found.x) ?? true);
  },
  grows: GROWS,
  build: (found, op) => op.RMSNormalization(found.x, gammaOf(found, found.x, op), { epsilon: epsilonOf(found), axis: -1 }),
});

const SUM = { x: value({ dtype: 'float32' }), skip: value({ dtype: 'float32' }), ...RMS, normal: value() } as const;

function fitsSum(found: Bound<typeof SUM>): true | string {
  const { x, skip, normal } = found;
  if (!sameShape(x, skip)) return `"${x.name}" and "${skip.name}" are not known to have one shape`;
  if (x.rank !== 2 && x.rank !== 3) return 'onnxruntime has it for two and three axes';
  return !found.gamma && isPart(normal, x) ? 'a factor follows' : (unfit(found, x) ?? true);
}

/** A sum and the normalization of it: one SkipSimplifiedLayerNormalization, which gives the sum too where others read it. */
const skipRmsNormalizations: readonly Rule[] = [
  rule('skip-rms-normalization', {
    vars: SUM,
    match: (v, op) => named(v.normal, normalized(v, op, op.Add(v.x, v.skip))),
    where: fitsSum,
    grows: GROWS,
    build: (found, op) => op.in('com.microsoft').SkipSimplifiedLayerNormalization(found.x, found.skip, gammaOf(found, found.x, op), { epsilon: epsilonOf(found) }),
  }),
  rule('skip-rms-normalization', {
    vars: SUM,
    match(v, op) {
      const sum = op.Add(v.x, v.skip);
      return [named(v.normal, normalized(v, op, sum)), sum];
    },
    where: fitsSum,
    grows: GROWS,
    build(found, op) {
      const [y, , , sum] = op.in('com.microsoft').outputs(4).SkipSimplifiedLayerNormalization(found.x, found.skip, gammaOf(found, found.x, op), { epsilon: epsilonOf(found) });
      return [y, sum];
    },
  }),
];

export const rmsNormalizations = (target: Target): readonly Rule[] => [...forRuntime(target, skipRmsNormalizations), rmsNormalization].map((r) => quiet(anchored(r, ['ReduceMean', 'RMSNormalization'], 5)));
