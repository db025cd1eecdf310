import { dtypeOf } from '../../dtype.ts';
import { axisOf } from '../../grid/grid.ts';
import { each, tensor, unknowns, withDim, type Facts, type Rule, type Rules } from '../facts.ts';

/** Random numbers, windows and spectra: what is made from few inputs or none. */
const named = (f: Facts, attribute: string, fallback: number): ReturnType<typeof dtypeOf> => dtypeOf(f.node.int(attribute, fallback));

const random: Rule = (f) => tensor(named(f, 'dtype', 1), f.node.ints('shape'));

const randomLike: Rule = (f) => {
  const dtype = f.node.int('dtype');
  return tensor(dtype === undefined ? f.dtype(0) : dtypeOf(dtype), f.dims(0));
};

const window: Rule = (f) => tensor(named(f, 'output_datatype', 1), [f.sizes.known(f.contents(0)?.[0] ?? null)]);

/** The spectrum has a real and an imaginary part; a one-sided one has about half of the frequencies. */
const fourier: Rule = (f) => {
  const dims = f.dims(0);
  if (!dims) return tensor(f.dtype(0), undefined);
  const given = f.opset < 20 ? f.node.int('axis', 1) : f.has(2) ? f.numbers(2)?.[0] : -2;
  const axis = given === undefined ? undefined : axisOf(given, dims.length);
  if (axis === undefined) return tensor(f.dtype(0), unknowns(dims.length));
  const oneSided = f.node.int('onesided', 0) !== 0;
  const inverse = f.node.int('inverse', 0) !== 0;
  const length = f.has(1) ? f.sizes.known(f.contents(1)?.[0] ?? null) : dims[axis]!;
  if (oneSided && inverse) {
    const whole = f.has(1) ? length : f.sizes.mul(f.sizes.sub(length, 1), 2);
    return tensor(f.dtype(0), withDim(withDim(dims, axis, whole), dims.length - 1, 1));
  }
  const kept = oneSided ? f.sizes.add(f.sizes.floorDiv(length, 2), 1) : length;
  return tensor(f.dtype(0), withDim(withDim(dims, axis, kept), dims.length - 1, 2));
};

const shortTimeFourier: Rule = (f) => {
  const { sizes } = f;
  const step = f.contents(1)?.[0] ?? null;
  const length = f.has(3) ? (f.contents(3)?.[0] ?? null) : f.dim(2, 0);
  const frames = sizes.add(sizes.floorDiv(sizes.sub(f.dim(0, 1), length), step), 1);
  const bins = f.node.int('onesided', 1) !== 0 ? sizes.add(sizes.floorDiv(length, 2), 1) : length;
  return tensor(f.dtype(0), [f.dim(0, 0), sizes.known(frames), sizes.known(bins), 2]);
};

export const GENERATION: Rules = {
  ...each('RandomNormal RandomUniform', random),
  ...each('RandomNormalLike RandomUniformLike Bernoulli', randomLike),
  ...each('HannWindow HammingWindow BlackmanWindow', window),
  Multinomial: (f) => tensor(named(f, 'dtype', 6), [f.dim(0, 0), f.node.int('sample_size', 1)]),
  MelWeightMatrix: (f) => tensor(named(f, 'output_datatype', 1), [f.sizes.add(f.sizes.floorDiv(f.contents(1)?.[0] ?? null, 2), 1), f.sizes.known(f.contents(0)?.[0] ?? null)]),
  DFT: fourier,
  STFT: shortTimeFourier,

  StringNormalizer: (f) => {
    const dims = f.dims(0);
    const filters = f.node.attrs.has('stopwords');
    return tensor('string', filters ? dims && withDim(dims, dims.length - 1, null) : dims);
  },
  StringSplit: (f) => [tensor('string', f.dims(0) && [...f.dims(0)!, null]), tensor('int64', f.dims(0))],

  TfIdfVectorizer: (f) => {
    const dims = f.dims(0);
    const indexes = f.node.ints('ngram_indexes');
    const width = indexes && indexes.length > 0 ? indexes.reduce((a, b) => Math.max(a, b)) + 1 : null;
    return tensor('float32', dims && [...dims.slice(0, -1), width]);
  },
};
