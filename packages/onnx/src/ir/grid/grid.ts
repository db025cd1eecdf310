/** A small dense array, row-major: numbers, sizes, texts, or places in another array. */
export interface Grid<T> {
  readonly dims: readonly number[];
  readonly values: readonly T[];
}

export const countOfDims = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

export const vector = <T>(values: readonly T[]): Grid<T> => ({ dims: [values.length], values });
export const single = <T>(value: T): Grid<T> => ({ dims: [], values: [value] });
export const filled = <T>(dims: readonly number[], value: T): Grid<T> => ({ dims, values: Array.from({ length: countOfDims(dims) }, () => value) });

/** How far apart neighbours of each axis are. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  let step = 1;
  for (let i = dims.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= dims[i]!;
  }
  return strides;
}

/** The axis counted from the front. Undefined where there is none such. */
export function axisOf(axis: number, rank: number): number | undefined {
  const at = axis < 0 ? axis + rank : axis;
  return at >= 0 && at < rank ? at : undefined;
}

/** The elements at `offset` + coordinates · `strides`, for all coordinates within `dims`. */
export function view<T>(g: Grid<T>, dims: readonly number[], strides: readonly number[], offset = 0): Grid<T> {
  const values: T[] = [];
  const walk = (axis: number, at: number): void => {
    if (axis === dims.length) {
      values.push(g.values[at]!);
      return;
    }
    for (let i = 0; i < dims[axis]!; i++) walk(axis + 1, at + i * strides[axis]!);
  };
  if (!dims.includes(0)) walk(0, offset);
  return { dims, values };
}

/** The dims that several shapes broadcast to; undefined where they do not. */
export function broadcastDims(all: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...all.map((d) => d.length));
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const sizes = new Set(all.map((d) => d[d.length - rank + i] ?? 1).filter((n) => n !== 1));
    if (sizes.size > 1) return undefined;
    out.push([...sizes][0] ?? 1);
  }
  return out;
}

/** Repeats the elements along axes of size one. The dims must broadcast. */
export function expand<T>(g: Grid<T>, dims: readonly number[]): Grid<T> {
  if (dims.length === g.dims.length && dims.every((d, i) => d === g.dims[i])) return g;
  const own = stridesOf(g.dims);
  const lead = dims.length - g.dims.length;
  const strides = dims.map((_, i) => (i < lead || g.dims[i - lead] === 1 ? 0 : own[i - lead]!));
  return view(g, dims, strides);
}

/** Element by element over several grids that broadcast. */
export function zip<T, R>(all: readonly Grid<T>[], f: (...values: T[]) => R): Grid<R> | undefined {
  const dims = broadcastDims(all.map((g) => g.dims));
  if (!dims) return undefined;
  const wide = all.map((g) => expand(g, dims));
  return { dims, values: Array.from({ length: countOfDims(dims) }, (_, i) => f(...wide.map((g) => g.values[i]!))) };
}
