import type { DType } from '../../dtype.ts';
import type { Dim } from '../../types.ts';
import { each, tensor, unknowns, type Dims, type Facts, type Rule, type Rules } from '../facts.ts';

/** The geometry of a sliding window over `rank` spatial axes. */
interface Window {
  readonly kernel: readonly Dim[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begins, then ends; undefined where auto_pad decides. */
  readonly pads: readonly number[] | undefined;
  readonly autoPad: string;
  readonly ceil: boolean;
}

export function windowOf(f: Facts, rank: number, weights: Dims): Window {
  const ones = Array.from({ length: rank }, () => 1);
  const autoPad = f.node.string('auto_pad', 'NOTSET');
  const kernel = f.node.ints('kernel_shape') ?? weights ?? unknowns(rank);
  const pads = autoPad === 'NOTSET' ? (f.node.ints('pads') ?? [...ones, ...ones].map(() => 0)) : undefined;
  return { kernel, strides: f.node.ints('strides') ?? ones, dilations: f.node.ints('dilations') ?? ones, pads, autoPad, ceil: f.node.int('ceil_mode', 0) !== 0 };
}

/** How many places the window takes on one axis. */
function slid(f: Facts, size: Dim, w: Window, axis: number): Dim {
  const { sizes } = f;
  const stride = w.strides[axis] ?? 1;
  if (w.autoPad.startsWith('SAME')) return sizes.ceilDiv(size, stride);
  const extent = sizes.add(sizes.mul(sizes.sub(w.kernel[axis] ?? null, 1), w.dilations[axis] ?? 1), 1);
  const [before, after] = w.pads ? [w.pads[axis] ?? 0, w.pads[w.strides.length + axis] ?? 0] : [0, 0];
  const room = sizes.sub(sizes.add(size, before + after), extent);
  const places = sizes.add(w.ceil ? sizes.ceilDiv(room, stride) : sizes.floorDiv(room, stride), 1);
  if (!w.ceil || stride === 1) return sizes.known(places);
  // With ceil_mode a last window that would start in the end padding does not count; which it is depends on the size.
  if (typeof places !== 'number' || typeof size !== 'number') return null;
  return (places - 1) * stride >= size + before ? places - 1 : places;
}

/** `channels` of the result, and the spatial axes slid over. */
function slidShape(f: Facts, dims: readonly Dim[], channels: Dim, w: Window, last: boolean): Dim[] {
  const spatial = last ? dims.slice(1, -1) : dims.slice(2);
  const slidden = spatial.map((d, i) => slid(f, d, w, i));
  return last ? [dims[0]!, ...slidden, channels] : [dims[0]!, channels, ...slidden];
}

/** A convolution of input `x` with the weights in input `w`. */
export const convolution =
  (x: number, w: number, dtype: (f: Facts) => DType | undefined, layout: 'first' | 'last' = 'first'): Rule =>
  (f) => {
    const dims = f.dims(x);
    const weights = f.dims(w);
    const last = layout === 'last' || f.node.int('channels_last', 0) !== 0;
    const rank = dims?.length ?? weights?.length;
    if (!dims || dims.length < 3) return tensor(dtype(f), rank === undefined ? undefined : last ? unknowns(rank) : [null, weights?.[0] ?? null, ...unknowns(rank - 2)]);
    const window = windowOf(f, dims.length - 2, weights?.slice(2));
    return tensor(dtype(f), slidShape(f, dims, weights?.[0] ?? null, window, last));
  };

/** Pooling of input `x`: `outputs` results of the same shape, the first of the input's type and the second of int64. */
export const pooling =
  (layout: 'first' | 'last' = 'first', x = 0): Rule =>
  (f) => {
    const dims = f.dims(x);
    const last = layout === 'last' || f.node.int('channels_last', 0) !== 0;
    if (!dims || dims.length < 3) return [tensor(f.dtype(x), dims && unknowns(dims.length)), tensor('int64', dims && unknowns(dims.length))];
    const window = windowOf(f, dims.length - 2, undefined);
    const shape = slidShape(f, dims, last ? dims.at(-1)! : dims[1]!, window, last);
    return [tensor(f.dtype(x), shape), tensor('int64', shape)];
  };

export const globalPooling: Rule = (f) => {
  const dims = f.dims(0);
  const last = f.node.int('channels_last', 0) !== 0;
  return tensor(f.dtype(0), dims?.map((d, i) => (i === 0 || i === (last ? dims.length - 1 : 1) ? d : 1)));
};

const transposed: Rule = (f) => {
  const dims = f.dims(0);
  const weights = f.dims(1);
  const { sizes } = f;
  const rank = dims?.length ?? weights?.length;
  const channels = sizes.mul(weights?.[1] ?? null, f.node.int('group', 1));
  if (!dims || dims.length < 3) return tensor(f.dtype(0), rank === undefined ? undefined : [null, channels, ...unknowns(rank - 2)]);
  const w = windowOf(f, dims.length - 2, weights?.slice(2));
  const extra = f.node.ints('output_padding');
  const asked = f.node.ints('output_shape');
  const grown = dims.slice(2).map((size, i): Dim => {
    if (asked) return asked.at(i - (dims.length - 2)) ?? null;
    const stride = w.strides[i] ?? 1;
    if (w.autoPad.startsWith('SAME')) return sizes.mul(size, stride);
    const extent = sizes.add(sizes.mul(sizes.sub(w.kernel[i] ?? null, 1), w.dilations[i] ?? 1), 1);
    const [before, after] = w.pads ? [w.pads[i] ?? 0, w.pads[w.strides.length + i] ?? 0] : [0, 0];
    return sizes.known(sizes.add(sizes.add(sizes.mul(sizes.sub(size, 1), stride), extent), (extra?.[i] ?? 0) - before - after));
  });
  return tensor(f.dtype(0), [dims[0]!, channels, ...grown]);
};

/** The last of what Resize, Upsample and the like scale by, with the dimensions. */
function scaled(f: Facts, dims: readonly Dim[], scales: readonly number[] | undefined): Dim[] {
  return dims.map((d, i) => {
    const scale = scales?.[i];
    if (scale === undefined) return null;
    if (scale === 1) return d;
    if (Number.isInteger(scale)) return f.sizes.mul(d, scale);
    if (Number.isInteger(1 / scale)) return f.sizes.floorDiv(d, 1 / scale);
    return typeof d === 'number' ? roundedDown(d, scale) : null;
  });
}

/** floor(size * scale), unless float32 and exact arithmetic might disagree on it. */
function roundedDown(size: number, scale: number): Dim {
  const exact = size * scale;
  return Math.abs(exact - Math.round(exact)) < 1e-3 ? null : Math.floor(exact);
}

const resize: Rule = (f) => {
  const dims = f.dims(0);
  const [scales, wanted] = f.opset < 11 ? [1, -1] : [2, 3];
  if (!dims) return tensor(f.dtype(0), undefined);
  const axes = f.node.ints('axes')?.map((a) => (a < 0 ? a + dims.length : a)) ?? dims.map((_, i) => i);
  const place = <T>(values: readonly T[], other: T): T[] => dims.map((_, i) => (axes.includes(i) ? values[axes.indexOf(i)]! : other));
  if (f.has(wanted) && f.length(wanted) !== 0) {
    const asked = f.contents(wanted);
    const policy = f.node.string('keep_aspect_ratio_policy', 'stretch');
    if (asked?.length !== axes.length) return tensor(f.dtype(0), dims.map((d, i) => (axes.includes(i) ? null : d)));
    if (policy !== 'stretch') return tensor(f.dtype(0), keepingAspect(dims, axes, asked, policy));
    const sizes = place<Dim>(asked.map((d) => f.sizes.known(d)), -1);
    return tensor(f.dtype(0), sizes.map((d, i) => (d === -1 ? dims[i]! : d)));
  }
  const by = f.constants(scales);
  return tensor(f.dtype(0), scaled(f, dims, by?.length === axes.length ? place(by, 1) : undefined));
};

/** One scale for all axes: the least or the largest of those that the sizes ask for. */
function keepingAspect(dims: readonly Dim[], axes: readonly number[], asked: readonly Dim[], policy: string): Dim[] {
  const ratios = axes.map((axis, i) => Number(asked[i] ?? NaN) / Number(dims[axis] ?? NaN));
  const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return dims.map((d, i) => (axes.includes(i) ? rounded(Number(d ?? NaN) * scale) : d));
}

/** To the nearest integer, unless float32 might decide otherwise. */
const rounded = (v: number): Dim => (Number.isNaN(v) || Math.abs(v - Math.floor(v) - 0.5) < 1e-3 ? null : Math.round(v));

const upsample: Rule = (f) => {
  const dims = f.dims(0);
  const attribute = f.node.attrs.get('scales');
  const scales = f.has(1) ? f.constants(1) : attribute?.type === 'floats' ? attribute.value : undefined;
  return tensor(f.dtype(0), dims && scaled(f, dims, scales));
};

export const CONVOLUTION: Rules = {
  Conv: convolution(0, 1, (f) => f.dtype(0)),
  ConvInteger: convolution(0, 1, () => 'int32'),
  QLinearConv: convolution(0, 3, (f) => f.dtype(7)),
  DeformConv: convolution(0, 1, (f) => f.dtype(0)),
  ConvTranspose: transposed,
  ...each('AveragePool MaxPool LpPool', pooling()),
  ...each('GlobalAveragePool GlobalMaxPool GlobalLpPool', globalPooling),
  Resize: resize,
  Upsample: upsample,

  MaxUnpool: (f) => {
    const dims = f.dims(0);
    if (f.has(2)) return tensor(f.dtype(0), f.contents(2)?.map((d) => f.sizes.known(d)) ?? (dims && unknowns(dims.length)));
    if (!dims) return tensor(f.dtype(0), undefined);
    const w = windowOf(f, dims.length - 2, undefined);
    const half = w.strides.length;
    const grown = dims.slice(2).map((d, i) => f.sizes.sub(f.sizes.add(f.sizes.mul(f.sizes.sub(d, 1), w.strides[i] ?? 1), w.kernel[i] ?? null), (w.pads?.[i] ?? 0) + (w.pads?.[half + i] ?? 0)));
    return tensor(f.dtype(0), [dims[0]!, dims[1] ?? null, ...grown]);
  },

  MaxRoiPool: (f) => tensor(f.dtype(0), [f.dim(1, 0), f.dim(0, 1), ...(f.node.ints('pooled_shape') ?? unknowns(2))]),
  RoiAlign: (f) => tensor(f.dtype(0), [f.dim(1, 0), f.dim(0, 1), f.node.int('output_height', 1), f.node.int('output_width', 1)]),

  GridSample: (f) => {
    const [dims, grid] = [f.dims(0), f.dims(1)];
    return tensor(f.dtype(0), dims && grid ? [dims[0]!, dims[1] ?? null, ...grid.slice(1, -1)] : dims && unknowns(dims.length));
  },

  AffineGrid: (f) => {
    const size = f.contents(1)?.map((d) => f.sizes.known(d));
    return tensor(f.dtype(0), size && [size[0]!, ...size.slice(2), size.length - 2]);
  },

  Col2Im: (f) => {
    const image = f.contents(1)?.map((d) => f.sizes.known(d));
    const block = f.contents(2);
    const count = image?.length ?? f.length(1);
    const channels = block ? f.sizes.floorDiv(f.dim(0, 1), f.sizes.product(block)) : null;
    return tensor(f.dtype(0), count === undefined ? undefined : [f.dim(0, 0), channels, ...(image ?? unknowns(count))]);
  },

  ImageDecoder: (f) => tensor('uint8', [null, null, f.node.string('pixel_format', 'RGB') === 'Grayscale' ? 1 : 3]),
  NonMaxSuppression: () => tensor('int64', [null, 3]),
};
