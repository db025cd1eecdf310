import { bigintsOf, countOf, isFloat, isInteger, lazyTensor, numbersOf, sameDim, tensorOf, type Tensor, type Value } from '@onnxpress/core';

/** Larger constants are weights: nobody fills them with ones. */
const MOST_ELEMENTS = 65_536;

const known = new WeakMap<Tensor, number | undefined>();

/** The number that every element is, to the sign of a zero; undefined where they differ, are too many, or are no numbers. */
export function uniformOf(t: Tensor): number | undefined {
  if (!known.has(t)) known.set(t, findUniform(t));
  return known.get(t);
}

function findUniform(t: Tensor): number | undefined {
  const count = countOf(t.dims);
  if (count === 0 || count > MOST_ELEMENTS || t.dtype === 'uint64') return undefined;
  if (isInteger(t.dtype) || t.dtype === 'bool') {
    const all = bigintsOf(t);
    return all.every((v) => v === all[0]) ? Number(all[0]) : undefined;
  }
  if (!isFloat(t.dtype)) return undefined;
  const all = numbersOf(t);
  return all.every((v) => Object.is(v, all[0])) ? all[0] : undefined;
}

/** Whether a constant holds this number and nothing else. 0 and -0 differ. */
export const isAll = (v: Value | undefined, number: number): boolean => v?.constant !== undefined && Object.is(uniformOf(v.constant), number);

/** Whether two values have the same shape in every run. */
export function sameShape(a: Value, b: Value): boolean {
  const [x, y] = [a.dims, b.dims];
  return x !== undefined && x.length === y?.length && x.every((d, i) => sameDim(d, y[i]));
}

/** Whether an operation on both, element by element, has the shape of `x` in every run. */
export function spreadsOver(c: Value, x: Value): boolean {
  const [small, large] = [c.dims, x.dims];
  if (small?.length === 0) return true;
  if (!small || !large || small.length > large.length) return false;
  return small.every((d, i) => d === 1 || sameDim(d, large[large.length - small.length + i]));
}

/** The numbers of a constant, or of a ConstantOfShape of known size: computed when somebody reads them. */
export function filledTensor(v: Value): Tensor | undefined {
  if (v.constant) return v.constant;
  const node = v.producer;
  const dims = v.dims;
  if (!node?.is('ConstantOfShape') || !dims?.every((d) => typeof d === 'number')) return undefined;
  const a = node.attrs.get('value');
  const value = a?.type === 'tensor' ? a.value : tensorOf('float32', [1], [0]);
  const number = a && a.type !== 'tensor' ? undefined : uniformOf(value);
  if (number === undefined || value.dtype !== 'float32') return undefined;
  return lazyTensor('float32', dims, () => new Float32Array(countOf(dims)).fill(number));
}
