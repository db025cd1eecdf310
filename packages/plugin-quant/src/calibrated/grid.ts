import { fromFloat16, toFloat16, type BlockMode, type Grid, type ScaleForm } from '@onnxpress/kernels';
import { LEAST_HALF } from '../blocks/stored-scale.ts';
import { roundEven } from '../round-even.ts';

export interface GridOptions {
  /** 2 to 8. */
  readonly bits: number;
  readonly block: number;
  readonly mode: BlockMode;
  readonly scales: ScaleForm;
  /** Looks for the range with the least squared error instead of the widest; each input weighs what stands here, or the same where it is 'equal'. */
  readonly search?: ArrayLike<number> | 'equal' | undefined;
}

/** Ranges that a search tries, as parts of the widest: what 4 bits choose lies above 0.7, what 2 bits choose above 0.4. */
const SHRINKS = Array.from({ length: 16 }, (_, i) => 1 - i * 0.04);

/**
 * Scales and zero points for blocks of inputs of W [K, N]: each [blocks, N]. Zero is inside every range and a block of zeros has scale 1; a scale is rounded to
 * the form that is stored before anything is computed with it.
 */
export function gridOf(w: Float32Array, k: number, n: number, options: GridOptions): Grid {
  const { block, search } = options;
  const blocks = Math.ceil(k / block);
  const grid = { scales: new Float32Array(blocks * n), zeros: new Uint8Array(blocks * n) };
  const range = { low: new Float64Array(n), high: new Float64Array(n) };
  for (let b = 0; b < blocks; b++) {
    const rows = { from: b * block, to: Math.min(k, (b + 1) * block) };
    range.low.fill(0);
    range.high.fill(0);
    for (let i = rows.from; i < rows.to; i++) {
      for (let j = 0; j < n; j++) {
        const x = w[i * n + j]!;
        if (x < range.low[j]!) range.low[j] = x;
        if (x > range.high[j]!) range.high[j] = x;
      }
    }
    const into = { scales: grid.scales.subarray(b * n, (b + 1) * n), zeros: grid.zeros.subarray(b * n, (b + 1) * n) };
    if (search === undefined) put(range, 1, options, into);
    else searched(w, n, rows, range, options, search, into);
  }
  return grid;
}

/** The least code that is used: codes around zero are as many above it as below. */
export const leastCode = (mode: BlockMode): 0 | 1 => (mode === 'symmetric' ? 1 : 0);

interface Range {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Scales and zero points for a range shrunk to a part of itself. */
function put({ low, high }: Range, part: number, { bits, mode, scales }: GridOptions, into: Grid): void {
  const [top, middle] = [2 ** bits - 1, 2 ** (bits - 1)];
  for (let j = 0; j < low.length; j++) {
    const [min, max] = [low[j]! * part, high[j]! * part];
    const scale = mode === 'asymmetric' ? (max - min) / top : mode === 'symmetric' ? Math.max(-min, max) / (middle - 1) : -(-min >= max ? min : max) / middle;
    into.scales[j] = scale === 0 ? 1 : scale;
  }
  if (scales === 'float16') halved(into.scales);
  for (let j = 0; j < low.length; j++) into.zeros[j] = mode === 'asymmetric' ? Math.min(top, Math.max(0, roundEven((-low[j]! * part) / into.scales[j]!))) : middle;
}

function halved(scales: Float32Array): void {
  fromFloat16(toFloat16(scales), scales);
  for (let j = 0; j < scales.length; j++) if (scales[j] === 0) scales[j] = LEAST_HALF;
}

/** The part of the range with the least error, for each output by itself; of equals the wider. */
function searched(w: Float32Array, n: number, rows: { readonly from: number; readonly to: number }, range: Range, options: GridOptions, importance: ArrayLike<number> | 'equal', best: Grid): void {
  const [lowest, top] = [leastCode(options.mode), 2 ** options.bits - 1];
  const least = new Float64Array(n).fill(Infinity);
  const errors = new Float64Array(n);
  const [steps, perStep, zeros] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  const tried = { scales: new Float32Array(n), zeros: new Uint8Array(n) };
  for (const part of SHRINKS) {
    put(range, part, options, tried);
    errors.fill(0);
    for (let j = 0; j < n; j++) [steps[j], perStep[j], zeros[j]] = [tried.scales[j]!, 1 / tried.scales[j]!, tried.zeros[j]!];
    for (let i = rows.from; i < rows.to; i++) {
      const weight = importance === 'equal' ? 1 : importance[i]!;
      if (weight === 0) continue;
      for (let j = 0, at = i * n; j < n; j++, at++) {
        const x = w[at]!;
        const zero = zeros[j]!;
        // Multiplied where codes are divided: a tie may fall the other way, which is no matter for a choice of ranges.
        let code = roundEven(x * perStep[j]!) + zero;
        code = code < lowest ? lowest : code > top ? top : code;
        const off = (code - zero) * steps[j]! - x;
        errors[j]! += weight * off * off;
      }
    }
    for (let j = 0; j < n; j++) {
      if (errors[j]! >= least[j]!) continue;
      least[j] = errors[j]!;
      best.scales[j] = tried.scales[j]!;
      best.zeros[j] = tried.zeros[j]!;
    }
  }
}
