import { dtypeOf } from '../../dtype.ts';
import { axisOf } from '../../grid/grid.ts';
import type { Dim } from '../../types.ts';
import { moved, tensor, unknowns, withDim, type Dims, type Facts, type Rule, type Rules } from '../facts.ts';

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

const transpose: Rule = (f) => {
  const dims = f.dims(0);
  const perm = f.node.ints('perm') ?? dims?.map((_, i) => dims.length - 1 - i);
  if (!dims) return moved(f, f.node.ints('perm') && unknowns(f.node.ints('perm')!.length));
  return moved(f, perm?.length === dims.length ? perm.map((p) => dims[p] ?? null) : undefined);
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

/** What gives the same elements another shape, and what is made from a shape. */
export const RESHAPING: Rules = {
  Shape: (f) => {
    const rank = f.rank(0);
    const all = Array.from({ length: rank ?? 0 });
    return tensor('int64', [rank === undefined ? null : all.slice(f.node.int('start', 0), f.node.int('end', rank)).length]);
  },
  Size: () => tensor('int64', []),
  Reshape: (f) => moved(f, reshaped(f)),
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  DepthToSpace: blocks(false),
  SpaceToDepth: blocks(true),

  Flatten: (f) => {
    const dims = f.dims(0);
    const axis = f.node.int('axis', 1);
    const at = dims && axis < 0 ? axis + dims.length : axis;
    return moved(f, dims ? [f.sizes.product(dims.slice(0, at)), f.sizes.product(dims.slice(at))] : unknowns(2));
  },

  Expand: (f) => moved(f, f.broadcast(f.dims(0), f.shape(1))),

  ConstantOfShape: (f) => {
    const value = f.node.attrs.get('value');
    return tensor(value?.type === 'tensor' ? value.value.dtype : 'float32', f.shape(0));
  },

  Range: (f) => {
    const [start, limit, delta] = [0, 1, 2].map((i) => f.contents(i)?.[0] ?? f.constants(i)?.[0] ?? null) as [Dim, Dim, Dim]; // three of them
    return tensor(f.dtype(0), [rangeLength(f, start, limit, delta)]);
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
