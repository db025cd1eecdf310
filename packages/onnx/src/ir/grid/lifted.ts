import { complete, fits, one, setting, type Arithmetic, type Evaluation, type Evaluator } from './evaluation.ts';
import { axisOf, countOfDims, zip, type Grid } from './grid.ts';
import { transpose } from './movement.ts';

/* What computes on single elements, lifted to grids. */

/** An operator of two inputs, element by element. */
export const binary =
  (f: <T>(e: Evaluation<T>, a: T, b: T) => T | undefined): Evaluator =>
  (e) => {
    const [a, b] = e.inputs;
    return a && b && !e.node.attrs.has('broadcast') && fits(e, [a, b]) ? one(complete(zip([a, b], (x, y) => f(e, x, y)))) : undefined;
  };

export const variadic =
  (f: <T>(e: Evaluation<T>, a: T, b: T) => T | undefined): Evaluator =>
  <T>(e: Evaluation<T>) => {
    const all = e.inputs.filter((g) => g !== undefined);
    if (all.length !== e.inputs.length || !fits(e, all)) return undefined;
    return one(complete(zip<T, T | undefined>(all, (...values) => values.slice(1).reduce<T | undefined>((x, y) => (x === undefined ? undefined : f(e, x, y)), values[0]))));
  };

export const logic =
  (f: (a: boolean, b: boolean) => boolean): Evaluator =>
  binary((e, a, b) => {
    const [x, y] = [e.math.number(a), e.math.number(b)];
    return x === undefined || y === undefined ? undefined : e.math.integer(f(x !== 0, y !== 0) ? 1 : 0);
  });

export const reduction =
  (f: <T>(e: Evaluation<T>, a: T, b: T) => T | undefined, empty: number | undefined): Evaluator =>
  <T>(e: Evaluation<T>) => {
    const data = e.inputs[0];
    const given = setting(e, 1, 'axes');
    if (!data || (e.node.inputs[1] && !given)) return undefined;
    const rank = data.dims.length;
    const noAxes = !given || given.length === 0;
    if (noAxes && e.node.int('noop_with_empty_axes', 0) !== 0) return one(data);
    const axes = noAxes ? data.dims.map((_, i) => i) : given.map((a) => axisOf(a, rank));
    if (!axes.every((a) => a !== undefined)) return undefined;
    const kept = data.dims.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
    const turned = transpose(data, [...kept, ...axes]);
    const run = countOfDims(axes.map((a) => data.dims[a]!));
    const start = run === 0 && empty !== undefined ? e.math.integer(empty) : undefined;
    if (!turned || (run === 0 && start === undefined)) return undefined;
    const keep = e.node.int('keepdims', 1) !== 0;
    const dims = data.dims.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d]));
    const values = Array.from({ length: countOfDims(dims) }, (_, i): T | undefined =>
      run === 0 ? start : turned.values.slice(i * run + 1, (i + 1) * run).reduce<T | undefined>((x, y) => (x === undefined ? undefined : f(e, x, y)), turned.values[i * run]),
    );
    return one(complete({ dims, values }));
  };

export function mapped<T>(e: Evaluation<T>, f: (v: T) => T | undefined): Grid<T>[] | undefined {
  const [data] = e.inputs;
  const result = data && complete({ dims: data.dims, values: data.values.map(f) });
  return result && [result];
}

export const flipped = <T>(v: number | undefined, math: Arithmetic<T>): T | undefined => (v === undefined ? undefined : math.integer(v === 0 ? 1 : 0));

export function absolute<T>(v: T, math: Arithmetic<T>): T | undefined {
  const negative = math.sub(math.integer(0), v);
  return negative === undefined ? undefined : math.max(v, negative);
}
