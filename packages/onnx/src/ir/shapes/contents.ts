import { bitsOf, isInteger, type DType } from '../dtype.ts';
import { evaluate } from '../grid/evaluate.ts';
import type { Arithmetic } from '../grid/evaluation.ts';
import { countOfDims, type Grid } from '../grid/grid.ts';
import type { Node, Value } from '../graph.ts';
import type { Tensor } from '../tensor.ts';
import type { Dim } from '../types.ts';
import { bigintsOf } from '../values.ts';
import type { Sizes } from './dims.ts';

/** Shapes are short; more integers than this are data. */
export const MOST_CONTENTS = 256;

/** Integers that are known, have a name, or are not known (null). Inside here, integers beyond 2^53 are ±Infinity: they only ever mark an end. */
export type Contents = Grid<Dim>;

const noted = new WeakMap<Value, Contents>();
const read = new WeakMap<Tensor, Contents | undefined>();

/** What is known of the integers (or booleans, as 0 and 1) in a small value; undefined where nothing is. */
export function contentsOf(value: Value): readonly Dim[] | undefined {
  return knownContents(value)?.values.map((v) => (v === null || typeof v === 'string' || Number.isSafeInteger(v) ? v : null));
}

/** The same with its shape, and with ends. */
export function knownContents(value: Value): Contents | undefined {
  const { constant } = value;
  return constant ? ofConstant(constant) : noted.get(value);
}

export function noteContents(value: Value, contents: Contents | undefined): void {
  const says = contents?.values.some((v) => v !== null) || contents?.values.length === 0;
  if (contents && says) noted.set(value, contents);
  else noted.delete(value);
}

/** What two runs of the same thing leave behind: only what is equal in both. */
export function joinContents(a: Contents | undefined, b: Contents | undefined): Contents | undefined {
  if (!a || !b || a.dims.length !== b.dims.length || a.dims.some((d, i) => d !== b.dims[i])) return undefined;
  return { dims: a.dims, values: a.values.map((v, i) => (v === b.values[i] && !isEnd(v) ? v : null)) };
}

function ofConstant(tensor: Tensor): Contents | undefined {
  if ((!isInteger(tensor.dtype) && tensor.dtype !== 'bool') || countOfDims(tensor.dims) > MOST_CONTENTS) return undefined;
  if (!read.has(tensor)) read.set(tensor, { dims: tensor.dims, values: readIntegers(tensor) });
  return read.get(tensor);
}

function readIntegers(tensor: Tensor): Dim[] {
  if (tensor.dtype === 'uint64') return Array.from({ length: countOfDims(tensor.dims) }, () => null);
  return Array.from(bigintsOf(tensor), (v) => (Number.isSafeInteger(Number(v)) ? Number(v) : v > 0n ? Infinity : -Infinity));
}

const isEnd = (v: Dim): boolean => v === Infinity || v === -Infinity;
const known = (v: Dim): v is number => typeof v === 'number' && Number.isSafeInteger(v);

/** Computes with sizes: what has no name is null, and null goes through everything. */
function arithmeticOf(sizes: Sizes): Arithmetic<Dim> {
  const truth = (v: boolean): Dim => (v ? 1 : 0);
  const lessOrEqual = (a: Dim, b: Dim): Dim => {
    if (typeof a === 'number' && typeof b === 'number') return isEnd(a) && isEnd(b) ? null : truth(a <= b);
    if (sizes.atMost(a, b)) return 1;
    return sizes.atMost(sizes.add(b, 1), a) ? 0 : null;
  };
  const not = (v: Dim): Dim => (v === null ? null : truth(v === 0));
  const equal = (a: Dim, b: Dim): Dim => {
    if (a === null || b === null || (isEnd(a) && isEnd(b))) return null;
    if (a === b) return 1;
    return (typeof a === 'number' && typeof b === 'number') || sizes.differ(a, b) ? 0 : null;
  };
  return {
    integer: (v) => v,
    number: (v) => (known(v) ? v : undefined),
    end: (v) => (typeof v === 'number' ? v : undefined),
    add: (a, b) => sizes.add(a, b),
    sub: (a, b) => sizes.sub(a, b),
    mul: (a, b) => sizes.mul(a, b),
    div: (a, b) => divide(sizes, a, b),
    mod: (a, b, fmod) => remainder(sizes, a, b, fmod),
    min: (a, b) => sizes.min(a, b),
    max: (a, b) => sizes.max(a, b),
    equal,
    less: (a, b) => not(lessOrEqual(b, a)),
    lessOrEqual,
    choose: (c, a, b) => (known(c) ? (c !== 0 ? a : b) : a === b && !isEnd(a) ? a : null),
  };
}

/** Rounds towards zero, which is down for what is not negative. */
function divide(sizes: Sizes, a: Dim, b: Dim): Dim {
  if (known(a) && known(b)) return b === 0 ? null : Math.trunc(a / b);
  const exact = b === 0 ? null : sizes.divideExactly(a, b);
  return exact ?? (sizes.atLeast(a, 0) && sizes.atLeast(b, 0) ? sizes.floorDiv(a, b) : null);
}

function remainder(sizes: Sizes, a: Dim, b: Dim, fmod: boolean): Dim {
  if (known(a) && known(b)) {
    if (b === 0) return null;
    return fmod ? a % b || 0 : a - b * Math.floor(a / b);
  }
  if (!known(b) || b <= 0 || !sizes.atLeast(a, 0)) return null;
  return sizes.sub(a, sizes.mul(sizes.floorDiv(a, b), b));
}

/** The contents of a node's outputs, from those of its inputs and, for Shape and Size, from their types. */
export function inferContents(node: Node, opset: number, sizes: Sizes): readonly (Contents | undefined)[] {
  if (node.domain !== '') return [];
  const { opType } = node;
  if (opType === 'Shape' || opType === 'Size') return [measured(node, sizes)];
  const inputs = node.inputs.map((v) => v && knownContents(v));
  if (opType === 'Cast' || opType === 'CastLike') return [cast(node, inputs[0], sizes)];
  const dtype = integralType(node.outputs[0]);
  if (!dtype) return [];
  const found = evaluate({ node, opset, inputs, math: arithmeticOf(sizes), most: MOST_CONTENTS }) ?? [shapedLikeType(node, inputs[0])];
  return found.map((c) => c && { dims: c.dims, values: c.values.map((v) => (fits(v, dtype) ? v : null)) });
}

const integralType = (v: Value | undefined): DType | undefined => {
  const t = v?.type;
  return t?.kind === 'tensor' && (isInteger(t.dtype) || t.dtype === 'bool') ? t.dtype : undefined;
};

/** Whether the integer is one of the type, so that nothing wrapped around. Names stand for sizes, which fit in 32 bits. */
function fits(v: Dim, dtype: DType): boolean {
  const bits = dtype === 'bool' ? 1 : bitsOf(dtype);
  if (typeof v !== 'number') return v !== null && bits >= 32;
  if (bits === 64) return true;
  const signed = dtype.startsWith('int');
  return v >= (signed ? -(2 ** (bits - 1)) : 0) && v < 2 ** (signed ? bits - 1 : bits);
}

/** A reshape by a shape that is not fully known, to a type that is. */
function shapedLikeType(node: Node, data: Contents | undefined): Contents | undefined {
  const dims = node.outputs[0]?.dims;
  const reshapes = node.opType === 'Reshape' || node.opType === 'Squeeze';
  if (!data || !reshapes || !dims?.every((d) => typeof d === 'number') || countOfDims(dims) !== data.values.length) return undefined;
  return { dims, values: data.values };
}

function measured(node: Node, sizes: Sizes): Contents | undefined {
  const dims = node.inputs[0]?.dims;
  if (!dims) return undefined;
  if (node.opType === 'Size') return { dims: [], values: [sizes.product(dims)] };
  const part = dims.slice(node.int('start', 0), node.int('end', dims.length));
  return { dims: [part.length], values: part.map((d) => sizes.known(d)) };
}

/** Integers that fit stay what they are. */
function cast(node: Node, data: Contents | undefined, sizes: Sizes): Contents | undefined {
  const to = integralType(node.outputs[0]);
  if (!data || !to) return undefined;
  if (to === 'bool') return { dims: data.dims, values: data.values.map((v) => (typeof v === 'number' ? (v === 0 ? 0 : 1) : sizes.atLeast(v, 1) ? 1 : null)) };
  return { dims: data.dims, values: data.values.map((v) => (fits(v, to) ? v : null)) };
}
