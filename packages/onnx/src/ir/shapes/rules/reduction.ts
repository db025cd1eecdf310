import { axisOf } from '../../grid/grid.ts';
import type { Dim } from '../../types.ts';
import { each, tensor, unknowns, withDim, type Dims, type Rule, type Rules } from '../facts.ts';

/** The shape after the axes are reduced. `given` undefined: all of them. */
function reduced(dims: Dims, given: readonly number[] | undefined, keep: boolean): Dims {
  if (!dims) return given === undefined && !keep ? [] : undefined;
  const axes = given ? given.map((a) => axisOf(a, dims.length)) : dims.map((_, i) => i);
  if (axes.includes(undefined)) return undefined;
  return dims.flatMap((d, i): Dim[] => (axes.includes(i) ? (keep ? [1] : []) : [d]));
}

export const reduction: Rule = (f) => {
  const dims = f.dims(0);
  const keep = f.node.int('keepdims', 1) !== 0;
  const input = f.node.domain === '' && f.has(1);
  const given = input ? (f.length(1) === 0 ? [] : f.numbers(1)) : f.node.ints('axes');
  if (input && !given) {
    const count = f.length(1);
    const rank = dims && (keep ? dims.length : count === undefined ? undefined : dims.length - count);
    return tensor(f.dtype(0), rank === undefined ? undefined : unknowns(rank));
  }
  if (!given || given.length === 0) return f.node.int('noop_with_empty_axes', 0) !== 0 ? f.type(0) : tensor(f.dtype(0), reduced(dims, undefined, keep));
  return tensor(f.dtype(0), reduced(dims, given, keep));
};

const argument: Rule = (f) => tensor('int64', reduced(f.dims(0), [f.node.int('axis', 0)], f.node.int('keepdims', 1) !== 0));

const topK: Rule = (f) => {
  const dims = f.dims(0);
  const axis = dims && f.axis('axis', -1, dims.length);
  const k = f.opset < 10 ? (f.node.int('k') ?? null) : (f.contents(1)?.[0] ?? null);
  const out = axis === undefined ? dims && unknowns(dims.length) : withDim(dims!, axis, f.sizes.known(k));
  return [tensor(f.dtype(0), out), tensor('int64', out)];
};

/** The loss, and with a second output the logarithms of the probabilities. */
const loss: Rule = (f) => {
  const scores = f.dims(0);
  const each = scores && [...scores.slice(0, 1), ...scores.slice(2)];
  return [tensor(f.dtype(0), f.node.string('reduction', 'mean') === 'none' ? each : []), f.type(0)];
};

export const REDUCTION: Rules = {
  ...each('ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare', reduction),
  ...each('ArgMax ArgMin', argument),
  TopK: topK,
  ...each('SoftmaxCrossEntropyLoss NegativeLogLikelihoodLoss', loss),
};
