import { fromFloat16 } from '@onnxpress/kernels';
import type { Feed } from '../services/tokens.ts';
import { rowWeights } from './padding.ts';
import type { Padding } from './samples.ts';

/** What one sample made of an observed value. */
export interface Activation {
  readonly name: string;
  /** Which sample, from 0. */
  readonly sample: number;
  readonly dims: readonly number[];
  /** float32 in row-major order. */
  readonly data: Float32Array;
  /** [rows, columns], where columns is the last dimension. */
  readonly rows: number;
  readonly columns: number;
  /** 1 for rows of tokens, 0 for padding; undefined where all rows count. */
  readonly weights: Uint8Array | undefined;
}

/** Undefined for what is no float tensor, or has no columns. */
export function activationOf(name: string, sample: number, { dtype, dims, data }: Feed, padding: Padding | undefined): Activation | undefined {
  const columns = dims.at(-1);
  const floats = dtype === 'float32' ? (data as Float32Array) : dtype === 'float16' ? fromFloat16(data as Uint16Array) : dtype === 'float64' ? Float32Array.from(data as Float64Array) : undefined; // each type has its own array
  if (!floats || !columns) return undefined;
  return { name, sample, dims, data: floats, rows: floats.length / columns, columns, weights: rowWeights(dims, padding) };
}

/** Gathers what a calibration wants to know of one value, sample by sample. */
export interface Collector<R> {
  /** Whether it can do with infinities, as masks have them. A NaN in a row that counts is always an error. */
  readonly allowsInfinity?: boolean | undefined;
  add(activation: Activation): void | Promise<void>;
  done(): R | Promise<R>;
}
