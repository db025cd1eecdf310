import { axisOf, broadcastDims, countOfDims, expand, stridesOf, view, type Grid } from './grid.ts';

/* What moves elements and never looks at them. Each function returns undefined where its arguments do not fit the grid. */

export const reshape = <T>(g: Grid<T>, dims: readonly number[]): Grid<T> | undefined => (countOfDims(dims) === g.values.length ? { dims, values: g.values } : undefined);

export function transpose<T>(g: Grid<T>, perm: readonly number[]): Grid<T> | undefined {
  if (perm.length !== g.dims.length || new Set(perm).size !== perm.length || !perm.every((p) => p >= 0 && p < perm.length)) return undefined;
  const strides = stridesOf(g.dims);
  return view(
    g,
    perm.map((p) => g.dims[p]!),
    perm.map((p) => strides[p]!),
  );
}

/** One axis of ONNX's Slice: where it starts, after clamping, and how many elements it takes. */
export function sliceRange(size: number, start: number, end: number, step: number): { start: number; count: number } {
  const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v < 0 ? v + size : v, low), high);
  const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const to = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  return { start: from, count: Math.max(0, Math.ceil((to - from) / step)) };
}

export function slice<T>(g: Grid<T>, starts: readonly number[], ends: readonly number[], axes: readonly number[], steps: readonly number[]): Grid<T> | undefined {
  const strides = stridesOf(g.dims);
  const dims = [...g.dims];
  let offset = 0;
  for (const [i, named] of axes.entries()) {
    const axis = axisOf(named, dims.length);
    const [start, end, step] = [starts[i], ends[i], steps[i] ?? 1];
    if (axis === undefined || start === undefined || end === undefined || step === 0) return undefined;
    const range = sliceRange(g.dims[axis]!, start, end, step);
    offset += range.start * strides[axis]!;
    dims[axis] = range.count;
    strides[axis]! *= step;
  }
  return view(g, dims, strides, offset);
}

export function concat<T>(all: readonly Grid<T>[], along: number): Grid<T> | undefined {
  const [first] = all;
  const axis = first && axisOf(along, first.dims.length);
  if (axis === undefined || !all.every((g) => g.dims.length === first!.dims.length && g.dims.every((d, i) => i === axis || d === first!.dims[i]))) return undefined;
  const dims = first!.dims.map((d, i) => (i === axis ? all.reduce((sum, g) => sum + g.dims[axis]!, 0) : d));
  const outer = countOfDims(dims.slice(0, axis));
  const values: T[] = [];
  for (let o = 0; o < outer; o++) {
    for (const g of all) {
      const run = countOfDims(g.dims.slice(axis));
      for (let i = 0; i < run; i++) values.push(g.values[o * run + i]!);
    }
  }
  return { dims, values };
}

export function split<T>(g: Grid<T>, along: number, sizes: readonly number[]): Grid<T>[] | undefined {
  const axis = axisOf(along, g.dims.length);
  if (axis === undefined || sizes.reduce((a, b) => a + b, 0) !== g.dims[axis]) return undefined;
  const strides = stridesOf(g.dims);
  let from = 0;
  return sizes.map((size) => {
    const part = view(
      g,
      g.dims.map((d, i) => (i === axis ? size : d)),
      strides,
      from * strides[axis]!,
    );
    from += size;
    return part;
  });
}

export function gather<T>(g: Grid<T>, indices: Grid<number>, along: number): Grid<T> | undefined {
  const axis = axisOf(along, g.dims.length);
  if (axis === undefined) return undefined;
  const size = g.dims[axis]!;
  const rows = indices.values.map((i) => axisOf(i, size));
  if (!rows.every((r) => r !== undefined)) return undefined;
  const outer = countOfDims(g.dims.slice(0, axis));
  const inner = countOfDims(g.dims.slice(axis + 1));
  const values: T[] = [];
  for (let o = 0; o < outer; o++) for (const r of rows) for (let i = 0; i < inner; i++) values.push(g.values[(o * size + r) * inner + i]!);
  return { dims: [...g.dims.slice(0, axis), ...indices.dims, ...g.dims.slice(axis + 1)], values };
}

export function gatherElements<T>(g: Grid<T>, indices: Grid<number>, along: number): Grid<T> | undefined {
  const axis = axisOf(along, g.dims.length);
  if (axis === undefined || indices.dims.length !== g.dims.length) return undefined;
  const places = elementPlaces(g.dims, indices, axis);
  return places && { dims: indices.dims, values: places.map((p) => g.values[p]!) };
}

/** Where GatherElements reads, and ScatterElements writes: the index replaces the coordinate on one axis. */
function elementPlaces(dims: readonly number[], indices: Grid<number>, axis: number): number[] | undefined {
  const strides = stridesOf(dims);
  const own = stridesOf(indices.dims);
  const places: number[] = [];
  for (const [flat, index] of indices.values.entries()) {
    const at = axisOf(index, dims[axis]!);
    if (at === undefined) return undefined;
    let place = at * strides[axis]!;
    for (let i = 0; i < dims.length; i++) if (i !== axis) place += (Math.floor(flat / own[i]!) % indices.dims[i]!) * strides[i]!;
    places.push(place);
  }
  return places;
}

export function scatterElements<T>(g: Grid<T>, indices: Grid<number>, updates: Grid<T>, along: number): Grid<T> | undefined {
  const axis = axisOf(along, g.dims.length);
  const places = axis === undefined || indices.dims.length !== g.dims.length ? undefined : elementPlaces(g.dims, indices, axis);
  if (!places || updates.values.length !== places.length) return undefined;
  const values = [...g.values];
  for (const [i, p] of places.entries()) values[p] = updates.values[i]!;
  return { dims: g.dims, values };
}

/** The first places and the size of the blocks that rows of indices point to. */
function blocks(dims: readonly number[], indices: Grid<number>, batch: number): { starts: number[]; size: number; tail: readonly number[] } | undefined {
  const width = indices.dims.at(-1);
  if (width === undefined || batch + width > dims.length) return undefined;
  const strides = stridesOf(dims);
  const tail = dims.slice(batch + width);
  const perBatch = countOfDims(indices.dims.slice(batch, -1));
  const starts: number[] = [];
  for (let row = 0; row < indices.values.length / Math.max(width, 1); row++) {
    let at = batch === 0 ? 0 : Math.floor(row / perBatch) * strides[batch - 1]!;
    for (let k = 0; k < width; k++) {
      const i = axisOf(indices.values[row * width + k]!, dims[batch + k]!);
      if (i === undefined) return undefined;
      at += i * strides[batch + k]!;
    }
    starts.push(at);
  }
  return { starts, size: countOfDims(tail), tail };
}

export function gatherND<T>(g: Grid<T>, indices: Grid<number>, batch: number): Grid<T> | undefined {
  const found = blocks(g.dims, indices, batch);
  if (!found) return undefined;
  return { dims: [...indices.dims.slice(0, -1), ...found.tail], values: found.starts.flatMap((s) => g.values.slice(s, s + found.size)) };
}

export function scatterND<T>(g: Grid<T>, indices: Grid<number>, updates: Grid<T>): Grid<T> | undefined {
  const found = blocks(g.dims, indices, 0);
  if (!found || found.starts.length * found.size !== updates.values.length) return undefined;
  const values = [...g.values];
  for (const [row, start] of found.starts.entries()) for (let i = 0; i < found.size; i++) values[start + i] = updates.values[row * found.size + i]!;
  return { dims: g.dims, values };
}

/** ONNX's Expand: both shapes broadcast to the result. */
export function expandTo<T>(g: Grid<T>, dims: readonly number[]): Grid<T> | undefined {
  const wide = broadcastDims([g.dims, dims]);
  return wide && expand(g, wide);
}

export function tile<T>(g: Grid<T>, repeats: readonly number[]): Grid<T> | undefined {
  if (repeats.length !== g.dims.length || repeats.some((r) => r < 0)) return undefined;
  let out: Grid<T> | undefined = g;
  for (const [axis, times] of repeats.entries()) {
    if (times === 0) out = { dims: out!.dims.map((d, i) => (i === axis ? 0 : d)), values: [] };
    else if (times > 1) out = concat(
      Array.from({ length: times }, () => out!),
      axis,
    );
  }
  return out;
}

/** Adds `value` around the grid, or cuts where a pad is negative. */
export function pad<T>(g: Grid<T>, before: readonly number[], after: readonly number[], value: T): Grid<T> | undefined {
  const dims = g.dims.map((d, i) => d + before[i]! + after[i]!);
  if (dims.some((d) => d < 0)) return undefined;
  const own = stridesOf(g.dims);
  const out = stridesOf(dims);
  const values = Array.from({ length: countOfDims(dims) }, (_, flat) => {
    let at = 0;
    for (let i = 0; i < dims.length; i++) {
      const c = (Math.floor(flat / out[i]!) % dims[i]!) - before[i]!;
      if (c < 0 || c >= g.dims[i]!) return value;
      at += c * own[i]!;
    }
    return g.values[at]!;
  });
  return { dims, values };
}
