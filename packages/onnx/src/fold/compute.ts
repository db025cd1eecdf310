import { bitsOf, countOf, isFloat, isInteger, type DType } from '../ir/dtype.ts';
import { evaluate, isEvaluated, MOVED_INPUTS } from '../ir/grid/evaluate.ts';
import type { Arithmetic } from '../ir/grid/evaluation.ts';
import type { Grid } from '../ir/grid/grid.ts';
import type { Node } from '../ir/graph.ts';
import { memoryTensor, type Tensor } from '../ir/tensor.ts';
import { bigintsOf, int64s, numbersOf, tensorOf } from '../ir/values.ts';

/** What is larger is for the runtime: here every element is an object of its own. */
export const MOST_ELEMENTS = 65_536;

/**
 * The exact results of a node whose inputs are known: integers, comparisons, casts, and everything that moves elements of whatever type.
 * Undefined where that takes rounding, is not defined (a division by 0), or is too large.
 */
export function compute(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly (Tensor | undefined)[] | undefined {
  if (node.domain !== '' || inputs.some((t) => t && countOf(t.dims) > MOST_ELEMENTS)) return undefined;
  const [first, second] = inputs;
  switch (node.opType) {
    case 'Shape':
      return first && [int64s(first.dims.slice(node.int('start', 0), node.int('end', first.dims.length)))];
    case 'Size':
      return first && [int64s([countOf(first.dims)], [])];
    case 'Cast':
      return first && wrapped(cast(first, dtypeOfOutput(node), node));
    case 'CastLike':
      return first && second && wrapped(cast(first, second.dtype, node));
    case 'ConstantOfShape':
      return first && wrapped(constantOfShape(node, first));
    default:
      return isEvaluated(node) ? (moved(node, inputs, opset) ?? integers(node, inputs, opset) ?? comparison(node, inputs, opset)) : undefined;
  }
}

const wrapped = (t: Tensor | undefined): Tensor[] | undefined => t && [t];

function dtypeOfOutput(node: Node): DType | undefined {
  const t = node.outputs[0]?.type;
  return t?.kind === 'tensor' ? t.dtype : undefined;
}

const isIntegral = (dtype: DType): boolean => isInteger(dtype) || dtype === 'bool';
const wraps = (dtype: DType, v: bigint): bigint => {
  if (dtype === 'bool') return v === 0n ? 0n : 1n;
  return dtype.startsWith('u') ? BigInt.asUintN(bitsOf(dtype), v) : BigInt.asIntN(bitsOf(dtype), v);
};

/** Floats of which every runtime makes the same, but for NaN. */
const PLAIN_FLOATS: ReadonlySet<DType> = new Set(['float32', 'float64', 'float16', 'bfloat16']);
const isPlain = (dtype: DType): boolean => PLAIN_FLOATS.has(dtype) || (isIntegral(dtype) && dtype !== 'uint64');

/** Narrower integers take the low bits; fractions lose what is behind the point. What does not fit is left to the runtime, and so is NaN. */
function cast(t: Tensor, to: DType | undefined, node: Node): Tensor | undefined {
  if (!to || !isPlain(to) || !isPlain(t.dtype) || node.attrs.has('saturate') || node.attrs.has('round_mode')) return undefined;
  if (isIntegral(t.dtype)) {
    const values = [...bigintsOf(t)];
    if (isIntegral(to)) return tensorOf(to, t.dims, values.map((v) => wraps(to, v)));
    return values.every((v) => Number.isSafeInteger(Number(v))) ? tensorOf(to, t.dims, values) : undefined;
  }
  const values = numbersOf(t);
  if (values.some(Number.isNaN)) return undefined;
  if (isFloat(to)) return tensorOf(to, t.dims, values);
  if (to === 'bool') return tensorOf('bool', t.dims, Array.from(values, (v) => (v === 0 ? 0 : 1)));
  const whole = Array.from(values, Math.trunc);
  const [low, high] = limits(to);
  return whole.every((v) => v >= low && v <= high) ? tensorOf(to, t.dims, whole.map((v) => v + 0)) : undefined;
}

function limits(dtype: DType): [number, number] {
  const bits = Math.min(bitsOf(dtype), 53);
  return dtype.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

function constantOfShape(node: Node, shape: Tensor): Tensor | undefined {
  const dims = Array.from(bigintsOf(shape), Number);
  const a = node.attrs.get('value');
  const value = a?.type === 'tensor' ? a.value : tensorOf('float32', [1], [0]);
  const count = countOf(dims);
  if (dims.some((d) => d < 0) || count > MOST_ELEMENTS || value.dtype === 'string' || bitsOf(value.dtype) < 8) return undefined;
  const one = value.bytes();
  const all = new Uint8Array(count * one.length);
  for (let i = 0; i < count; i++) all.set(one, i * one.length);
  return memoryTensor(value.dtype, dims, all);
}

/** Moves places instead of elements, and then the bytes: exact for every type that has whole bytes. */
function moved(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly (Tensor | undefined)[] | undefined {
  const which = Object.hasOwn(MOVED_INPUTS, node.opType) ? MOVED_INPUTS[node.opType] : undefined;
  if (!which) return undefined;
  const isMoved = (i: number): boolean => which === 'all' || which.includes(i);
  const data = inputs.filter((t, i) => t && isMoved(i)) as Tensor[]; // filtered for those that are there
  const dtype = data[0]?.dtype;
  if (!dtype || dtype === 'string' || bitsOf(dtype) < 8 || !data.every((t) => t.dtype === dtype)) return undefined;
  const width = bitsOf(dtype) / 8;
  const parts: Uint8Array[] = [];
  let next = 0;
  const grids = inputs.map((t, i): Grid<number> | undefined => {
    if (!t) return undefined;
    if (!isMoved(i)) return isIntegral(t.dtype) ? { dims: t.dims, values: endsOfTensor(t) } : undefined;
    const from = next;
    next += countOf(t.dims);
    parts.push(t.bytes());
    return { dims: t.dims, values: Array.from({ length: countOf(t.dims) }, (_, at) => from + at) };
  });
  const all = Buffer.concat(parts);
  const found = evaluate({ node, opset, inputs: grids, math: PLACES, most: MOST_ELEMENTS });
  return found?.map((g) => g && gatherBytes(dtype, g, all, width));
}

/** Integers, of which those beyond 2^53 only ever mark an end. */
const endsOfTensor = (t: Tensor): number[] => Array.from(bigintsOf(t), (v) => (Number.isSafeInteger(Number(v)) ? Number(v) : v > 0n ? Infinity : -Infinity));

function gatherBytes(dtype: DType, g: Grid<number>, all: Uint8Array, width: number): Tensor {
  const bytes = new Uint8Array(g.values.length * width);
  for (const [i, at] of g.values.entries()) if (at !== NOWHERE) bytes.set(all.subarray(at * width, (at + 1) * width), i * width);
  return memoryTensor(dtype, g.dims, bytes);
}

/** The place of the zero that Pad fills with. */
const NOWHERE = -1;
const never = (): undefined => undefined;

/** Elements are places; nothing is computed with them. */
const PLACES: Arithmetic<number> = {
  integer: () => NOWHERE,
  number: (v) => (Number.isSafeInteger(v) ? v : undefined),
  end: (v) => v,
  add: never, sub: never, mul: never, div: never, mod: never, min: never, max: never, equal: never, less: never, lessOrEqual: never,
  choose: (condition, a, b) => (condition !== 0 ? a : b),
};

const truth = (v: boolean): bigint => (v ? 1n : 0n);

const INTEGERS: Arithmetic<bigint> = {
  integer: BigInt,
  number: (v) => (Number.isSafeInteger(Number(v)) ? Number(v) : undefined),
  end: (v) => (Number.isSafeInteger(Number(v)) ? Number(v) : v > 0n ? Infinity : -Infinity),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? undefined : a / b),
  mod: (a, b, fmod) => {
    if (b === 0n) return undefined;
    const rest = a % b;
    return fmod || rest === 0n || rest < 0n === b < 0n ? rest : rest + b;
  },
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  equal: (a, b) => truth(a === b),
  less: (a, b) => truth(a < b),
  lessOrEqual: (a, b) => truth(a <= b),
  choose: (condition, a, b) => (condition !== 0n ? a : b),
};

function integers(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly (Tensor | undefined)[] | undefined {
  const dtype = dtypeOfOutput(node);
  if (!dtype || !isIntegral(dtype) || !inputs.every((t) => !t || (isIntegral(t.dtype) && t.dtype !== 'uint64'))) return undefined;
  const grids = inputs.map((t): Grid<bigint> | undefined => t && { dims: t.dims, values: [...bigintsOf(t)] });
  const found = evaluate({ node, opset, inputs: grids, math: INTEGERS, most: MOST_ELEMENTS });
  return found?.map((g) => g && tensorOf(dtype, g.dims, g.values.map((v) => wraps(dtype, v))));
}

const truthNumber = (v: boolean): number => (v ? 1 : 0);

/** Fractions are compared, never computed with. */
const COMPARED: Arithmetic<number> = {
  ...PLACES,
  integer: (v) => v,
  equal: (a, b) => truthNumber(a === b),
  less: (a, b) => truthNumber(a < b),
  lessOrEqual: (a, b) => truthNumber(a <= b),
};

const COMPARISONS: ReadonlySet<string> = new Set(['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual']);

function comparison(node: Node, inputs: readonly (Tensor | undefined)[], opset: number): readonly (Tensor | undefined)[] | undefined {
  if (!COMPARISONS.has(node.opType) || !inputs.every((t) => t && isFloat(t.dtype))) return undefined;
  const grids = inputs.map((t): Grid<number> | undefined => t && { dims: t.dims, values: [...numbersOf(t)] });
  return evaluate({ node, opset, inputs: grids, math: COMPARED, most: MOST_ELEMENTS })?.map((g) => g && tensorOf('bool', g.dims, g.values));
}
