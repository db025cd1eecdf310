import { clamp, roundHalfToEven } from './rounding.ts';

/** A scale and a zero point. */
export interface Grid {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly lowest: number;
  readonly highest: number;
}

export function gridOf(values: readonly number[], mode: 'symmetric' | 'asymmetric', reduceRange: boolean): Grid {
  const highest = reduceRange ? 63 : 127;
  const lowest = mode === 'symmetric' ? -highest : -highest - 1;
  const [min, max] = [values.reduce((a, b) => Math.min(a, b), 0), values.reduce((a, b) => Math.max(a, b), 0)];
  if (mode === 'symmetric') return { scale: Math.fround(Math.max(-min, max) / highest) || 1, zeroPoint: 0, lowest, highest };
  const scale = Math.fround((max - min) / (highest - lowest)) || 1;
  return { scale, zeroPoint: clamp(roundHalfToEven(Math.fround(-min / scale)), 0, highest - lowest) + lowest, lowest, highest };
}

export function encode(value: number, { scale, zeroPoint, lowest, highest }: Grid): number {
  return clamp(roundHalfToEven(Math.fround(value / scale)) + zeroPoint, lowest, highest);
}

export function decode(code: number, { scale, zeroPoint }: Pick<Grid, 'scale' | 'zeroPoint'>): number {
  return Math.fround((code - zeroPoint) * scale);
}
