import type { Node } from '../graph.ts';
import { bigintsOf } from '../values.ts';
import { complete, ends, fits, numberGrid, numbers, one, setting, type Evaluation, type Evaluator } from './evaluation.ts';
import { axisOf, broadcastDims, countOfDims, filled, vector, zip, type Grid } from './grid.ts';
import { absolute, binary, flipped, logic, mapped, reduction, variadic } from './lifted.ts';
import { concat, expandTo, gather, gatherElements, gatherND, pad, reshape, scatterElements, scatterND, slice, split, tile, transpose } from './movement.ts';

/** The elements of the node's outputs; undefined for an operator that is not here, or where some input does not suffice. */
export function evaluate<T>(e: Evaluation<T>): readonly (Grid<T> | undefined)[] | undefined {
  if (e.node.domain !== '') return undefined;
  const found = (EVALUATORS as Readonly<Record<string, Evaluator>>)[e.node.opType]?.(e);
  return found?.every((g) => !g || g.values.length <= e.most) ? found : undefined;
}

/** Whether `evaluate` knows the operator. */
export const isEvaluated = (node: Node): boolean => node.domain === '' && Object.hasOwn(EVALUATORS, node.opType);

/** An operator that moves elements of input 0 (and those of the other inputs in the list, 'all' for every one) and never looks at them. */
export const MOVED_INPUTS: Readonly<Record<string, readonly number[] | 'all'>> = {
  Identity: [0], Reshape: [0], Flatten: [0], Squeeze: [0], Unsqueeze: [0], Transpose: [0], Slice: [0], Gather: [0], GatherElements: [0], GatherND: [0],
  Expand: [0], Tile: [0], Split: [0], Concat: 'all', Where: [1, 2], ScatterElements: [0, 2], ScatterND: [0, 2], Pad: [0, 2],
};

const EVALUATORS = {
  Identity: (e) => one(e.inputs[0]),
  Add: binary((e, a, b) => e.math.add(a, b)),
  Sub: binary((e, a, b) => e.math.sub(a, b)),
  Mul: binary((e, a, b) => e.math.mul(a, b)),
  Div: binary((e, a, b) => e.math.div(a, b)),
  Mod: binary((e, a, b) => e.math.mod(a, b, e.node.int('fmod', 0) !== 0)),
  Min: variadic((e, a, b) => e.math.min(a, b)),
  Max: variadic((e, a, b) => e.math.max(a, b)),
  Sum: variadic((e, a, b) => e.math.add(a, b)),
  Equal: binary((e, a, b) => e.math.equal(a, b)),
  Less: binary((e, a, b) => e.math.less(a, b)),
  Greater: binary((e, a, b) => e.math.less(b, a)),
  LessOrEqual: binary((e, a, b) => e.math.lessOrEqual(a, b)),
  GreaterOrEqual: binary((e, a, b) => e.math.lessOrEqual(b, a)),
  And: logic((a, b) => a && b),
  Or: logic((a, b) => a || b),
  Xor: logic((a, b) => a !== b),
  Not: <T>(e: Evaluation<T>) => mapped(e, (v) => flipped(e.math.number(v), e.math)),
  Neg: <T>(e: Evaluation<T>) => mapped(e, (v) => e.math.sub(e.math.integer(0), v)),
  Abs: <T>(e: Evaluation<T>) => mapped(e, (v) => absolute(v, e.math)),
  ReduceSum: reduction((e, a, b) => e.math.add(a, b), 0),
  ReduceProd: reduction((e, a, b) => e.math.mul(a, b), 1),
  ReduceMin: reduction((e, a, b) => e.math.min(a, b), undefined),
  ReduceMax: reduction((e, a, b) => e.math.max(a, b), undefined),

  Where: <T>(e: Evaluation<T>) => {
    const [condition, a, b] = e.inputs;
    if (!condition || !a || !b || !fits(e, [condition, a, b])) return undefined;
    return one(complete(zip<T, T | undefined>([condition, a, b], (c, x, y) => e.math.choose(c, x, y))));
  },

  Range: <T>(e: Evaluation<T>) => {
    const [start, limit, delta] = e.inputs.map((g) => g?.values[0]);
    if (start === undefined || limit === undefined || delta === undefined) return undefined;
    const step = e.math.number(delta);
    const span = e.math.sub(limit, start);
    const length = span === undefined ? undefined : e.math.number(span);
    if (step === undefined || step === 0 || length === undefined) return undefined;
    const count = Math.max(0, Math.ceil(length / step));
    if (count > e.most) return undefined;
    return one(complete(vector(Array.from({ length: count }, (_, i) => e.math.add(start, e.math.integer(i * step))))));
  },

  ConstantOfShape: (e) => {
    const dims = numbers(e, 0);
    const value = e.node.attrs.get('value');
    if (!dims || dims.some((d) => d < 0) || countOfDims(dims) > e.most || value?.type !== 'tensor' || !/^(u?int(8|16|32|64)|bool)$/.test(value.value.dtype)) return undefined;
    const number = Number(bigintsOf(value.value)[0] ?? NaN);
    return Number.isSafeInteger(number) ? one(filled(dims, e.math.integer(number))) : undefined;
  },

  Concat: (e) => {
    const all = e.inputs.filter((g) => g !== undefined);
    const axis = e.node.int('axis');
    return axis === undefined || all.length !== e.inputs.length ? undefined : one(concat(all, axis));
  },

  Split: (e) => {
    const [data] = e.inputs;
    const axis = data && axisOf(e.node.int('axis', 0), data.dims.length);
    if (!data || axis === undefined) return undefined;
    const given = setting(e, 1, 'split');
    if (e.node.inputs[1] && !given) return undefined;
    const [size, parts] = [data.dims[axis]!, e.node.outputs.length];
    const each = Math.ceil(size / parts);
    return split(data, axis, given ?? Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(each, size - i * each))));
  },

  Slice: (e) => {
    const [data] = e.inputs;
    const [from, to] = [ends(e, 1, 'starts'), ends(e, 2, 'ends')];
    const axes = setting(e, 3, 'axes');
    const steps = e.node.inputs[4] ? numbers(e, 4) : [];
    if (!data || !from || !to || !steps || (e.node.inputs[3] && !axes)) return undefined;
    return one(slice(data, from, to, axes ?? from.map((_, i) => i), steps));
  },

  Gather: (e) => {
    const indices = numberGrid(e, 1);
    const [data] = e.inputs;
    return data && indices ? one(gather(data, indices, e.node.int('axis', 0))) : undefined;
  },

  GatherElements: (e) => {
    const indices = numberGrid(e, 1);
    const [data] = e.inputs;
    return data && indices ? one(gatherElements(data, indices, e.node.int('axis', 0))) : undefined;
  },

  GatherND: (e) => {
    const indices = numberGrid(e, 1);
    const [data] = e.inputs;
    return data && indices ? one(gatherND(data, indices, e.node.int('batch_dims', 0))) : undefined;
  },

  ScatterElements: (e) => {
    const indices = numberGrid(e, 1);
    const [data, , updates] = e.inputs;
    return data && indices && updates && e.node.string('reduction', 'none') === 'none' ? one(scatterElements(data, indices, updates, e.node.int('axis', 0))) : undefined;
  },

  ScatterND: (e) => {
    const indices = numberGrid(e, 1);
    const [data, , updates] = e.inputs;
    return data && indices && updates && e.node.string('reduction', 'none') === 'none' ? one(scatterND(data, indices, updates)) : undefined;
  },

  Unsqueeze: (e) => {
    const [data] = e.inputs;
    const given = setting(e, 1, 'axes');
    if (!data || !given) return undefined;
    const rank = data.dims.length + given.length;
    const axes = given.map((a) => axisOf(a, rank));
    if (new Set(axes).size !== axes.length || axes.includes(undefined)) return undefined;
    const rest = [...data.dims];
    return one(reshape(data, Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!))));
  },

  Squeeze: (e) => {
    const [data] = e.inputs;
    const given = setting(e, 1, 'axes');
    if (!data || (e.node.inputs[1] && !given)) return undefined;
    const axes = given?.map((a) => axisOf(a, data.dims.length));
    return one(reshape(data, data.dims.filter((d, i) => (axes ? !axes.includes(i) : d !== 1))));
  },

  Reshape: (e) => {
    const [data] = e.inputs;
    const asked = setting(e, 1, 'shape');
    if (!data || !asked) return undefined;
    const dims = asked.map((d, i) => (d === 0 && e.node.int('allowzero', 0) === 0 ? (data.dims[i] ?? 0) : d));
    const rest = countOfDims(dims.filter((d) => d !== -1));
    return one(reshape(data, dims.map((d) => (d === -1 ? data.values.length / rest : d))));
  },

  Flatten: (e) => {
    const [data] = e.inputs;
    if (!data) return undefined;
    const axis = e.node.int('axis', 1);
    const at = axis < 0 ? axis + data.dims.length : axis;
    return one(reshape(data, [countOfDims(data.dims.slice(0, at)), countOfDims(data.dims.slice(at))]));
  },

  Transpose: (e) => {
    const [data] = e.inputs;
    return data && one(transpose(data, e.node.ints('perm') ?? data.dims.map((_, i) => data.dims.length - 1 - i)));
  },

  Expand: (e) => {
    const [data] = e.inputs;
    const dims = numbers(e, 1);
    const wide = data && dims && broadcastDims([data.dims, dims]);
    return wide && countOfDims(wide) <= e.most ? one(expandTo(data, wide)) : undefined;
  },

  Tile: (e) => {
    const [data] = e.inputs;
    const repeats = numbers(e, 1);
    return data && repeats && e.opset >= 6 && data.values.length * countOfDims(repeats) <= e.most ? one(tile(data, repeats)) : undefined;
  },

  Pad: (e) => {
    const [data, , given] = e.inputs;
    const pads = numbers(e, 1);
    const axes = e.node.inputs[3] ? numbers(e, 3) : data?.dims.map((_, i) => i);
    if (!data || !pads || !axes || e.opset < 11 || pads.length !== axes.length * 2 || (e.node.inputs[2] && !given) || e.node.string('mode', 'constant') !== 'constant') return undefined;
    const before = data.dims.map(() => 0);
    const after = data.dims.map(() => 0);
    for (const [i, named] of axes.entries()) {
      const axis = axisOf(named, data.dims.length);
      if (axis === undefined) return undefined;
      before[axis] = pads[i]!;
      after[axis] = pads[axes.length + i]!;
    }
    const dims = data.dims.map((d, i) => d + before[i]! + after[i]!);
    return countOfDims(dims) <= e.most ? one(pad(data, before, after, given ? given.values[0]! : e.math.integer(0))) : undefined;
  },

  NonZero: (e) => {
    const data = numberGrid(e, 0);
    if (!data) return undefined;
    const hits = data.values.flatMap((v, i) => (v === 0 ? [] : [i]));
    const rank = data.dims.length;
    const rows = data.dims.map((d, axis) => {
      const step = countOfDims(data.dims.slice(axis + 1));
      return hits.map((flat) => Math.floor(flat / step) % d);
    });
    return rank === 0 ? undefined : [{ dims: [rank, hits.length], values: rows.flat().map((v) => e.math.integer(v)) }];
  },

  CumSum: <T>(e: Evaluation<T>) => {
    const [data] = e.inputs;
    const at = numbers(e, 1)?.[0];
    const axis = data && at !== undefined ? axisOf(at, data.dims.length) : undefined;
    if (!data || axis === undefined || e.node.int('exclusive', 0) !== 0 || e.node.int('reverse', 0) !== 0) return undefined;
    const step = countOfDims(data.dims.slice(axis + 1));
    const values: (T | undefined)[] = [];
    for (const [i, v] of data.values.entries()) {
      const before = Math.floor(i / step) % data.dims[axis]! === 0 ? e.math.integer(0) : values[i - step];
      values.push(before === undefined ? undefined : e.math.add(before, v));
    }
    return one(complete({ dims: data.dims, values }));
  },
} satisfies Record<string, Evaluator>;
