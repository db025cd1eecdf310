import { type BlockBits, type BlockMode, type ScaleForm } from '../blocks.ts';
import { decode, encode as encodeFloat, FLOAT16 } from './floats.ts';
import { clamp, roundHalfToEven } from './rounding.ts';

export interface BlockGrid {
  readonly scale: number;
  readonly zeroPoint: number;
  /** The smallest code in use. */
  readonly lowest: number;
}

export function gridOf(values: readonly number[], bits: BlockBits, mode: BlockMode, form: ScaleForm = 'float32'): BlockGrid {
  const held = (scale: number): number => (form === 'float16' ? decode(encodeFloat(scale, FLOAT16), FLOAT16) || Math.sign(scale) * 2 ** -24 : scale);
  const [min, max] = [Math.min(0, ...values), Math.max(0, ...values)];
  const middle = 2 ** (bits - 1);
  if (mode === 'symmetric') return { scale: held(Math.fround(Math.max(-min, max) / (middle - 1)) || 1), zeroPoint: middle, lowest: 1 };
  if (mode === 'full-range') return { scale: held(Math.fround(-(max > -min ? max : min) / middle) || 1), zeroPoint: middle, lowest: 0 };
  const scale = held(Math.fround((max - min) / (2 ** bits - 1)) || 1);
  return { scale, zeroPoint: clamp(roundHalfToEven(Math.fround(-min / scale)), 0, 2 ** bits - 1), lowest: 0 };
}

export function encode(value: number, { scale, zeroPoint, lowest }: BlockGrid, bits: BlockBits): number {
  return clamp(roundHalfToEven(Math.fround(value / scale)) + zeroPoint, lowest, 2 ** bits - 1);
}

export interface Encoded {
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
  readonly zeroPoints: Uint8Array;
}

/** Quantizes rows (each an output) of any length; codes and zero points packed with the first in the low bits. */
export function quantizeRows(rows: readonly (readonly number[])[], block: number, bits: BlockBits, mode: BlockMode, form: ScaleForm = 'float32'): Encoded {
  const blocks = Math.ceil((rows[0]?.length ?? 0) / block);
  const codes: number[] = [];
  const scales: number[] = [];
  const zeroPoints: number[] = [];
  for (const row of rows) {
    const zeros: number[] = [];
    for (let b = 0; b < blocks; b++) {
      const values = row.slice(b * block, (b + 1) * block);
      const grid = gridOf(values, bits, mode, form);
      scales.push(grid.scale);
      zeros.push(grid.zeroPoint);
      codes.push(...packed(Array.from({ length: block }, (_, i) => encode(values[i] ?? 0, grid, bits)), bits));
    }
    zeroPoints.push(...packed(zeros, bits));
  }
  return { codes: Uint8Array.from(codes), scales: Float32Array.from(scales), zeroPoints: Uint8Array.from(zeroPoints) };
}

/** (code - zero point) * scale, rows of `length`. */
export function dequantizeRows({ codes, scales, zeroPoints }: Encoded, rows: number, length: number, block: number, bits: BlockBits): number[][] {
  const blocks = Math.ceil(length / block);
  const zeroBytes = Math.ceil((blocks * bits) / 8);
  return Array.from({ length: rows }, (_, r) => {
    const zeros = unpacked(zeroPoints.subarray(r * zeroBytes, (r + 1) * zeroBytes), bits);
    const own = unpacked(codes.subarray((r * blocks * block * bits) / 8, ((r + 1) * blocks * block * bits) / 8), bits);
    return Array.from({ length }, (_, i) => Math.fround((own[i]! - zeros[Math.floor(i / block)]!) * scales[r * blocks + Math.floor(i / block)]!));
  });
}

/** Codes of so many bits in bytes, the first in the low bits, the rest of the last byte 0. */
export function packed(codes: readonly number[], bits: number): number[] {
  const perByte = 8 / bits;
  return Array.from({ length: Math.ceil(codes.length / perByte) }, (_, i) => codes.slice(i * perByte, (i + 1) * perByte).reduce((byte, code, j) => byte | ((code & (2 ** bits - 1)) << (j * bits)), 0));
}

export function unpacked(bytes: Iterable<number>, bits: number): number[] {
  return [...bytes].flatMap((byte) => Array.from({ length: 8 / bits }, (_, j) => (byte >> (j * bits)) & (2 ** bits - 1)));
}
