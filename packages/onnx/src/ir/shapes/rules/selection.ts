import { axisOf } from '../../grid/grid.ts';
import { endsOf } from '../../grid/evaluation.ts';
import { sliceRange } from '../../grid/movement.ts';
import type { Dim } from '../../types.ts';
import { moved, tensor, unknowns, withDim, type Facts, type Rule, type Rules } from '../facts.ts';

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
  const given = f.has(1) ? f.shape(1) : f.node.ints('split');
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

/** What takes, joins and repeats elements. */
export const SELECTION: Rules = {
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  GatherND: gatherND,
  GatherElements: (f) => moved(f, f.dims(1)),
  Tile: tile,
  Pad: pad,
  CenterCropPad: (f) => {
    const dims = f.dims(0);
    const asked = f.shape(1);
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
};
