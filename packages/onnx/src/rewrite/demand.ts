import { countOf, isInteger, type DType } from '../ir/dtype.ts';
import type { Value } from '../ir/graph.ts';
import type { Tensor } from '../ir/tensor.ts';
import { bigintsOf, numbersOf } from '../ir/values.ts';
import type { ConstantDemand, ValueHole } from './pattern.ts';

/**
 * How far a constant may be from the number a rule names, relative to it: two units in the last place of the types that models compute in,
 * because exporters round what they derive (the root of 2, 1 / 1.702) in different places.
 */
const NEAR: Readonly<Partial<Record<DType, number>>> = { float16: 2 ** -9, bfloat16: 2 ** -6, float32: 2 ** -22, float64: 2 ** -22 };

/** Why the value is not what the hole demands; undefined if it is. */
export function unmet({ wants, demand }: Pick<ValueHole, 'wants' | 'demand'>, v: Value): string | undefined {
  if (wants === 'constant' && !v.isConstant()) return `"${v.name}" is not a constant`;
  return unmetType(demand, v) ?? (v.constant && unmetNumbers(demand, v, v.constant));
}

function unmetType({ rank, dtype, dims }: ConstantDemand, v: Value): string | undefined {
  if (rank !== undefined && v.rank === undefined) return `the rank of "${v.name}" is not known`;
  if (rank !== undefined && v.rank !== rank) return `"${v.name}" has rank ${v.rank}, not ${rank}`;
  if (dtype !== undefined) {
    const allowed: readonly DType[] = typeof dtype === 'string' ? [dtype] : dtype;
    const { type } = v;
    if (!type) return `the type of "${v.name}" is not known`;
    if (type.kind !== 'tensor' || !allowed.includes(type.dtype)) return `"${v.name}" is ${type.kind === 'tensor' ? type.dtype : `a ${type.kind}`}, not ${allowed.join(' or ')}`;
  }
  if (dims === undefined) return undefined;
  const has = v.dims;
  if (!has) return `the shape of "${v.name}" is not known`;
  if (has.length === dims.length && dims.every((d, i) => d === null || d === has[i])) return undefined;
  return `"${v.name}" is [${has.map((d) => d ?? '?').join(', ')}], not [${dims.map((d) => d ?? '?').join(', ')}]`;
}

function unmetNumbers({ scalar, value }: ConstantDemand, v: Value, tensor: Tensor): string | undefined {
  const count = countOf(tensor.dims);
  if (scalar !== undefined && count !== 1) return `"${v.name}" has ${count} elements, not one`;
  if (value !== undefined && count !== value.length) return `"${v.name}" has ${count} elements, not ${value.length}`;
  const expected = value ?? (typeof scalar === 'number' ? [scalar] : undefined);
  if (!expected) return undefined;
  const numbers = fewNumbers(tensor);
  if (!numbers) return `"${v.name}" holds ${tensor.dtype}, no numbers`;
  const near = NEAR[tensor.dtype] ?? 0;
  const at = expected.findIndex((e, i) => !(Math.abs(numbers[i]! - e) <= near * Math.abs(e)) && numbers[i] !== e);
  return at < 0 ? undefined : `"${v.name}" is ${numbers[at]}${count > 1 ? ` at ${at}` : ''}, not ${expected[at]}`;
}

const known = new WeakMap<Tensor, readonly number[]>();

/** The numbers of a tensor of which a rule names every element: few, and asked for at every attempt. undefined: it holds none. */
export function fewNumbers(t: Tensor): readonly number[] | undefined {
  const before = known.get(t);
  if (before) return before;
  if (t.dtype === 'string' || t.dtype === 'complex64' || t.dtype === 'complex128') return undefined;
  const numbers = t.dtype === 'uint64' ? Array.from(new BigUint64Array(t.bytes().buffer), Number) : isInteger(t.dtype) ? Array.from(bigintsOf(t), Number) : [...numbersOf(t)];
  known.set(t, numbers);
  return numbers;
}
