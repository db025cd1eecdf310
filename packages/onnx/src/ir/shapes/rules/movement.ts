import { dtypeOf } from '../../dtype.ts';
import { axisOf } from '../../grid/grid.ts';
import { endsOf } from '../../grid/evaluate.ts';
import { sliceRange } from '../../grid/movement.ts';
import type { Dim, ValueType } from '../../types.ts';
import { tensor, unknowns, withDim, type Dims, type Facts, type Rule, type Rules } from '../facts.ts';

/** The type of input 0 with other dimensions. */
const moved = (f: Facts, dims: Dims): ValueType | undefined => tensor(f.dtype(0), dims);

/** A shape that an input holds: its contents, or as many unknowns as it has elements. A name among the contents is a size; a negative number is none. */
export function shapeIn(f: Facts, index: number): Dims {
  const contents = f.contents(index);
  if (contents) return contents.map((d) => f.sizes.known(d));
  const length = f.length(index);
  return length === undefined ? undefined : unknowns(length);
}

/** What Reshape makes: zeros copy, one -1 takes what is left. */
function reshaped(f: Facts): Dims {
  const attribute = f.node.ints('shape');
  const asked = f.has(1) ? f.contents(1) : attribute;
  const length = f.length(1);
  if (!asked) return length === undefined ? undefined : unknowns(length);
  const { sizes } = f;
  const data = f.dims(0);
  const copies = f.node.int('allowzero', 0) === 0;
  // A size that has a name may be 0 in some run, and then means another; exporters do not reshape to nothing.
  const dims = asked.map((d, i): Dim => (d === 0 && copies ? (data?.[i] ?? null) : d));
  if (!dims.includes(-1)) return fillOne(f, dims, data);
  return dims.map((d) => (d === -1 ? left(f, data, dims) : sizes.known(d)));
}

/** What -1 stands for. Dimensions that were copied from their own place cancel even where they are unknown. */
function left(f: Facts, data: Dims, dims: readonly Dim[]): Dim {
  if (!data) return null;
  const { sizes } = f;
  const asked = f.contents(1) ?? [];
  const copied = dims.map((_, i) => asked[i] === 0 && f.node.int('allowzero', 0) === 0 && data[i] === null);
  const total = sizes.product(data.filter((_, i) => !copied[i]));
  const known = sizes.product(dims.filter((d, i) => d !== -1 && !copied[i]));
  if (known === 0) return null;
  return sizes.divideExactly(total, known) ?? sizes.floorDiv(total, known);
}

/** Where one dimension of a shape is not known, it is what the number of elements leaves. */
function fillOne(f: Facts, dims: readonly Dim[], data: Dims): Dims {
  const { sizes } = f;
  const missing = dims.flatMap((d, i) => (d === null ? [i] : []));
  const known = dims.map((d) => sizes.known(d));
  if (missing.length !== 1 || !data || data.includes(null)) return known;
  const product = sizes.product(dims.filter((d) => d !== null));
  const size = product === 0 ? null : sizes.divideExactly(sizes.product(data), product);
  return withDim(known, missing[0]!, sizes.known(size));
}

const squeeze: Rule = (f) => {
  const dims = f.dims(0);
  const given = f.setting('axes', 1);
  if (!dims) return moved(f, undefined);
  if (!given && (f.has(1) || f.node.attrs.has('axes'))) {
    const count = f.length(1);
    return moved(f, count === undefined ? undefined : unknowns(dims.length - count));
  }
  if (!given) return moved(f, dims.every((d) => d === 1 || f.sizes.atLeast(d, 2) || d === 0) ? dims.filter((d) => d !== 1) : undefined);
  const axes = given.map((a) => axisOf(a, dims.length));
  return moved(f, axes.includes(undefined) ? undefined : dims.filter((_, i) => !axes.includes(i)));
};

const unsqueeze: Rule = (f) => {
  const dims = f.dims(0);
  const given = f.setting('axes', 1);
  const count = given?.length ?? f.length(1);
  if (!dims || count === undefined) return moved(f, undefined);
  const rank = dims.length + count;
  const axes = given?.map((a) => axisOf(a, rank));
  if (!axes || axes.includes(undefined) || new Set(axes).size !== count) return moved(f, unknowns(rank));
  const rest = [...dims];
  return moved(f, Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!)));
};

const concat: Rule = (f) => {
  const all = f.node.inputs.map((_, i) => f.dims(i));
  const dtype = f.node.inputs.map((_, i) => f.dtype(i)).find((d) => d);
  const rank = all.find((d) => d)?.length;
  const axis = rank === undefined ? undefined : f.axis('axis', f.opset < 4 ? 1 : 0, rank);
  if (rank === undefined || axis === undefined) return tensor(dtype, undefined);
  return tensor(dtype, Array.from({ length: rank }, (_, i) => (i === axis ? f.sizes.sum(all.map((d) => d?.[axis] ?? null)) : agreed(all.map((d) => d?.[i] ?? null)))));
};

/** Sizes that must be equal: a number, else the first name. */
const agreed = (dims: readonly Dim[]): Dim => dims.find((d) => typeof d === 'number') ?? dims.find((d) => d !== null) ?? null;

/** The sizes along the axis when it is cut into `parts`. Up to opset 17 all are equal; later the last ones may be smaller. */
function partSizes(f: Facts, size: Dim, parts: number): Dim[] {
  const { sizes } = f;
  const equal = f.opset < 18 ? sizes.floorDiv(size, parts) : sizes.divideExactly(size, parts);
  if (typeof size !== 'number') return Array.from({ length: parts }, () => equal);
  const each = Math.ceil(size / parts);
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(each, size - i * each)));
}

const split: Rule = (f) => {
  const dims = f.dims(0);
  const parts = f.node.outputs.length;
  const axis = dims && f.axis('axis', 0, dims.length);
  if (!dims || axis === undefined) return f.node.outputs.map(() => moved(f, dims && unknowns(dims.length)));
  const given = f.has(1) ? shapeIn(f, 1) : f.node.ints('split');
  const along = given ?? partSizes(f, dims[axis]!, parts);
  return f.node.outputs.map((_, i) => moved(f, withDim(dims, axis, along[i] ?? null)));
};

const slice: Rule = (f) => {
  const dims = f.dims(0);
  if (!dims) return moved(f, undefined);
  const starts = f.has(1) ? f.contents(1) : endsOf(f.node, 'starts');
  const ends = f.has(2) ? f.contents(2) : endsOf(f.node, 'ends');
  const count = starts?.length ?? ends?.length ?? f.length(1) ?? f.length(2);
  const axes = f.setting('axes', 3) ?? (f.has(3) || count === undefined ? undefined : Array.from({ length: count }, (_, i) => i));
  if (!axes) return moved(f, unknowns(dims.length));
  const steps = f.has(4) ? f.contents(4) : undefined;
  const out = [...dims];
  for (const [i, named] of axes.entries()) {
    const axis = axisOf(named, dims.length);
    if (axis === undefined) return moved(f, unknowns(dims.length));
    out[axis] = slicedDim(f, dims[axis]!, starts?.[i] ?? null, ends?.[i] ?? null, f.has(4) ? (steps?.[i] ?? null) : 1);
  }
  return moved(f, out);
};

/** How many elements are left of one axis. */
function slicedDim(f: Facts, size: Dim, start: Dim, end: Dim, step: Dim): Dim {
  const { sizes } = f;
  if (typeof step !== 'number' || step === 0) return null;
  if (typeof size === 'number' && typeof start === 'number' && typeof end === 'number') return sliceRange(size, start, end, step).count;
  if (step === -1 && (start === -1 || reachesEnd(f, start, size)) && typeof end === 'number' && end < -(2 ** 30)) return size;
  if (step < 0) return null;
  if (step === 1 && typeof start === 'number' && start < 0 && start > -(2 ** 30) && reachesEnd(f, end, size)) return sizes.min(-start, size);
  // A start beyond the end gives an empty slice either way, so that it need not be clamped.
  const [from, to] = [sizes.atLeast(start, 0) ? start : clamped(f, start, size), clamped(f, end, size)];
  if (from === null || to === null) return null;
  const length = sizes.max(0, sizes.sub(to, from));
  return step === 1 ? length : sizes.ceilDiv(length, step);
}

const reachesEnd = (f: Facts, at: Dim, size: Dim): boolean => (typeof at === 'number' && at > 2 ** 30) || f.sizes.atMost(size, at);

/** A start or end of a slice with positive step, as a place from 0 to `size`. */
function clamped(f: Facts, at: Dim, size: Dim): Dim {
  const { sizes } = f;
  if (at === null || at === 0) return at;
  if (typeof at === 'number' && at > 2 ** 30) return size; // what exporters write for "to the end"
  if (typeof at === 'number' && at < -(2 ** 30)) return 0;
  if (sizes.atLeast(at, 0)) return sizes.min(at, size);
  if (typeof at === 'number' || sizes.atMost(at, -1)) return sizes.max(0, sizes.add(size, at));
  return null;
}

const gather: Rule = (f) => {
  const [dims, indices] = [f.dims(0), f.dims(1)];
  const axis = dims && f.axis('axis', 0, dims.length);
  if (!dims || !indices || axis === undefined) return moved(f, undefined);
  return moved(f, [...dims.slice(0, axis), ...indices, ...dims.slice(axis + 1)]);
};

const gatherND: Rule = (f) => {
  const [dims, indices] = [f.dims(0), f.dims(1)];
  const width = indices?.at(-1);
  const batch = f.node.int('batch_dims', 0);
  if (!dims || !indices || typeof width !== 'number') return moved(f, undefined);
  return moved(f, [...indices.slice(0, -1), ...dims.slice(batch + width)]);
};

const transpose: Rule = (f) => {
  const dims = f.dims(0);
  const perm = f.node.ints('perm') ?? dims?.map((_, i) => dims.length - 1 - i);
  if (!dims) return moved(f, f.node.ints('perm') && unknowns(f.node.ints('perm')!.length));
  return moved(f, perm?.length === dims.length ? perm.map((p) => dims[p] ?? null) : undefined);
};

const tile: Rule = (f) => {
  const dims = f.dims(0);
  if (f.opset < 6) return moved(f, dims && unknowns(dims.length));
  const repeats = f.contents(1);
  return moved(f, dims?.map((d, i) => f.sizes.mul(d, repeats ? (repeats[i] ?? null) : null)));
};

const pad: Rule = (f) => {
  const dims = f.dims(0);
  const pads = f.has(1) ? f.contents(1) : (f.node.ints('pads') ?? f.node.ints('paddings'));
  if (!dims) return moved(f, undefined);
  const axes = f.has(3) ? f.numbers(3)?.map((a) => axisOf(a, dims.length)) : dims.map((_, i) => i);
  if (!pads || !axes || axes.includes(undefined) || pads.length !== axes.length * 2) return moved(f, unknowns(dims.length));
  const added = (i: number): Dim => {
    const at = axes.indexOf(i);
    return at < 0 ? 0 : f.sizes.add(pads[at]!, pads[axes.length + at]!);
  };
  return moved(f, dims.map((d, i) => f.sizes.add(d, added(i))));
};

/** Blocks of depth become space, or the other way round. */
const blocks =
  (deeper: boolean): Rule =>
  (f) => {
    const dims = f.dims(0);
    const size = f.node.int('blocksize');
    if (dims?.length !== 4 || size === undefined) return moved(f, dims && unknowns(dims.length));
    const [n, c, h, w] = dims as [Dim, Dim, Dim, Dim]; // four of them
    const { sizes } = f;
    const area = size * size;
    if (deeper) return moved(f, [n, sizes.mul(c, area), sizes.floorDiv(h, size), sizes.floorDiv(w, size)]);
    return moved(f, [n, sizes.floorDiv(c, area), sizes.mul(h, size), sizes.mul(w, size)]);
  };

export const MOVEMENT: Rules = {
  Shape: (f) => {
    const rank = f.rank(0);
    const all = Array.from({ length: rank ?? 0 });
    return tensor('int64', [rank === undefined ? null : all.slice(f.node.int('start', 0), f.node.int('end', rank)).length]);
  },
  Size: () => tensor('int64', []),
  Reshape: (f) => moved(f, reshaped(f)),
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  GatherND: gatherND,
  GatherElements: (f) => moved(f, f.dims(1)),
  Transpose: transpose,
  Tile: tile,
  Pad: pad,
  DepthToSpace: blocks(false),
  SpaceToDepth: blocks(true),

  Flatten: (f) => {
    const dims = f.dims(0);
    const axis = f.node.int('axis', 1);
    const at = dims && axis < 0 ? axis + dims.length : axis;
    return moved(f, dims ? [f.sizes.product(dims.slice(0, at)), f.sizes.product(dims.slice(at))] : unknowns(2));
  },

  Expand: (f) => moved(f, f.broadcast(f.dims(0), shapeIn(f, 1))),

  ConstantOfShape: (f) => {
    const value = f.node.attrs.get('value');
    return tensor(value?.type === 'tensor' ? value.value.dtype : 'float32', shapeIn(f, 0));
  },

  Range: (f) => {
    const [start, limit, delta] = [0, 1, 2].map((i) => f.contents(i)?.[0] ?? f.constants(i)?.[0] ?? null) as [Dim, Dim, Dim]; // three of them
    return tensor(f.dtype(0), [rangeLength(f, start, limit, delta)]);
  },

  CenterCropPad: (f) => {
    const dims = f.dims(0);
    const asked = shapeIn(f, 1);
    const axes = (f.node.ints('axes') ?? dims?.map((_, i) => i))?.map((a) => axisOf(a, dims?.length ?? 0));
    return moved(f, dims?.map((d, i) => (axes?.includes(i) ? (asked?.[axes.indexOf(i)] ?? null) : d)));
  },

  Compress: (f) => {
    const dims = f.dims(0);
    if (!f.node.attrs.has('axis')) return moved(f, [null]);
    const axis = dims && f.axis('axis', 0, dims.length);
    return moved(f, axis === undefined ? dims && unknowns(dims.length) : withDim(dims!, axis, null));
  },

  NonZero: (f) => tensor('int64', [f.rank(0) || null, null]),

  Unique: (f) => {
    const dims = f.dims(0);
    const flat = !f.node.attrs.has('axis');
    const axis = flat || !dims ? undefined : f.axis('axis', 0, dims.length);
    const kept = flat ? [null] : axis === undefined ? undefined : withDim(dims!, axis, null);
    return [moved(f, kept), ...Array.from({ length: 3 }, () => tensor('int64', [null]))];
  },

  OneHot: (f) => {
    const dims = f.dims(0);
    const depth = f.contents(1)?.[0] ?? f.constants(1)?.[0] ?? null;
    const axis = dims && axisOf(f.node.int('axis', -1), dims.length + 1);
    return tensor(f.dtype(2), axis === undefined ? undefined : [...dims!.slice(0, axis), f.sizes.known(depth), ...dims!.slice(axis)]);
  },

  EyeLike: (f) => {
    const dtype = f.node.int('dtype');
    return dtype === undefined ? f.type(0) : tensor(dtypeOf(dtype), f.dims(0));
  },
};

/** Null for fractions where float32 might count one more or less. */
function rangeLength(f: Facts, start: Dim, limit: Dim, delta: Dim): Dim {
  const { sizes } = f;
  if (typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number' && delta !== 0) {
    const steps = (limit - start) / delta;
    const sure = [start, limit, delta].every(Number.isSafeInteger) || Math.abs(steps - Math.round(steps)) > 1e-3;
    return sure ? Math.max(0, Math.ceil(steps)) : null;
  }
  if (![start, limit, delta].every((v) => typeof v === 'string' || Number.isSafeInteger(v)) || typeof delta !== 'number' || delta === 0) return null;
  const span = delta > 0 ? sizes.sub(limit, start) : sizes.sub(start, limit);
  return span === null ? null : sizes.max(0, sizes.ceilDiv(span, Math.abs(delta)));
}
