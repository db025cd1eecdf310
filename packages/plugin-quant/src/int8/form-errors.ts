import { matmul, dequantizeInt8, quantizeInt8PerAxis } from '@onnxpress/kernels';
import { roundedPiece } from '../blocks/rounded.ts';
import { int8Rows } from '../calibrated/int8-error.ts';
import { thinned } from '../calibrated/thinned.ts';
import { roundEven } from '../round-even.ts';
import type { BatchRows } from './batch-rows.ts';
import type { Form } from './choice.ts';

/** Outputs of a layer that are looked at, spread evenly. */
export const OUTPUTS = 256;

export interface MeasuredLayer {
  /** [K, N], inputs first. */
  readonly w: Float32Array;
  readonly k: number;
  readonly n: number;
}

export interface FormOptions {
  readonly reduceRange: boolean;
  /** Inputs that share a scale in blocks. */
  readonly block: number;
  readonly signal?: AbortSignal | undefined;
}

/** The squared difference of a layer's outputs in each form to those in float, relative to the square of these, on some rows of its input and some of its outputs. */
export async function formErrors(layer: MeasuredLayer, rows: BatchRows, forms: readonly Form[], { reduceRange, block, signal }: FormOptions): Promise<Partial<Record<Form, number>>> {
  if (rows.data.length === 0) return Object.fromEntries(forms.map((form) => [form, 0])); // a layer that never ran
  const { w, k, n } = thinned(layer, OUTPUTS);
  const shape = [rows.data.length / k, n, k] as const;
  const expected = await matmul(rows.data, w, shape, { signal });
  const columns = quantizeInt8PerAxis(w, k, n, { axis: 1, reduceRange });
  const int8 = dequantizeInt8(columns.codes, k, n, { axis: 1, scales: columns.scales });
  const found: Partial<Record<Form, number>> = {};
  for (const form of forms) {
    const [x, weight] = form === 'tensor' ? [int8Batches(rows), int8] : form === 'token' ? [int8Rows(rows.data, k, 'token'), int8] : [int8Blocks(rows.data, k, block), inBlocks(w, k, n, block)];
    found[form] = apart(await matmul(x, weight, shape, { signal }), expected);
  }
  return found;
}

function apart(a: Float32Array, b: Float32Array): number {
  let [off, own] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    off += (a[i]! - b[i]!) ** 2;
    own += b[i]! ** 2;
  }
  return own > 0 ? off / own : 0;
}

/** As DynamicQuantizeLinear and back: each row by the range of its batch, in 255 steps. */
function int8Batches({ data, columns, low, high }: BatchRows): Float32Array {
  return data.map((x, at) => {
    const row = Math.floor(at / columns);
    const step = (high[row]! - low[row]!) / 255 || 1;
    const zero = roundEven(-low[row]! / step);
    return (Math.min(255, Math.max(0, roundEven(x / step) + zero)) - zero) * step;
  });
}

/** As MatMulNBits at accuracy level 4 takes its activations: a scale per block of a row. */
function int8Blocks(x: Float32Array, k: number, block: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let row = 0; row < x.length; row += k) for (let at = row; at < row + k; at += block) {
    const end = Math.min(row + k, at + block);
    out.set(int8Rows(x.subarray(at, end), end - at, 'token'), at);
  }
  return out;
}

const inBlocks = (w: Float32Array, k: number, n: number, block: number): Float32Array =>
  roundedPiece({ w, rows: k, columns: n, alongRows: false, from: 0 }, { bits: 8, block, mode: 'symmetric', scales: 'float32', search: 'none' });
