import { numbersOf, sameDim, type Constant, type Dim, type Value } from '@onnxpress/core';
import { sameShape } from '../simplify/numbers.ts';

/** The size of an axis, counted from the end where negative; undefined where it is not a known number. */
export function sizeOf(v: Value, axis: number): number | undefined {
  const d = v.dims?.at(axis);
  return typeof d === 'number' ? d : undefined;
}

/** Whether axis i of both values has the same size in every run. */
export const sameSize = (a: Value, i: number, b: Value, j: number): boolean => isSame(a.dims?.at(i), b.dims?.at(j));

/** Whether two sizes are known to be the same. */
export const isSame = (a: Dim | undefined, b: Dim | undefined): boolean => a !== undefined && b !== undefined && sameDim(a, b);

/** Whether the constant names the last axis of `x` and no other. */
export function isLastAxis(axes: Constant, x: Value): boolean {
  const all = [...numbersOf(axes.constant)];
  return all.length === 1 && (all[0] === -1 || (x.rank !== undefined && all[0] === x.rank - 1));
}

/** Whether an axis as an attribute gives it is the last of `x`. */
export const isLast = (axis: number, x: Value): boolean => axis === -1 || (x.rank !== undefined && axis === x.rank - 1);

/** Whether a value has one number per element of the last axis of `x`, whose size is known. */
export function isPerLast(v: Value, x: Value): boolean {
  const size = sizeOf(x, -1);
  return size !== undefined && v.rank === 1 && sizeOf(v, 0) === size;
}

/** The one number in a constant. */
export const numberOf = (c: Constant): number => numbersOf(c.constant)[0]!;

export { sameShape };
