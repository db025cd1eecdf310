import type { BlockMode, Grid, ScaleForm } from '@onnxpress/kernels';
import { leastCode } from '../calibrated/grid.ts';
import { storedScale } from './stored-scale.ts';
import { roundEven } from '../round-even.ts';

export interface KQuantOptions {
  /** 2 to 8. */
  readonly bits: number;
  readonly block: number;
  readonly mode: BlockMode;
  readonly scales: ScaleForm;
}

/** Candidates a block is given: inverse scales around that of its whole range, in tenths of a step. */
const STEPS = 20;

/**
 * Scales and zero points for blocks of inputs of W [K, N], each [blocks, N], after ggml's k-quants: for each of some scales around the one that spans the block,
 * codes are rounded, and scale and minimum are those of a weighted least-squares line through them; the minimum becomes a whole zero point, and the scale is
 * fitted again to it. The squared error is weighed by `importance` (mean x² of each input, [K]), or without it by √(mean w²) + |w|. It is that of the numbers
 * as they will be stored, plain rounding is the first candidate, and zero stays inside every range: no block is worse than rounded.
 */
export function kQuantGrid(w: Float32Array, k: number, n: number, options: KQuantOptions, importance?: ArrayLike<number>): Grid {
  const { block } = options;
  const blocks = Math.ceil(k / block);
  const grid = { scales: new Float32Array(blocks * n), zeros: new Uint8Array(blocks * n) };
  const fit = options.mode === 'asymmetric' ? fitLine : fitSlope;
  const [x, weights] = [new Float64Array(block), new Float64Array(block)];
  for (let b = 0; b < blocks; b++) {
    const [from, to] = [b * block, Math.min(k, (b + 1) * block)];
    for (let j = 0; j < n; j++) {
      let squares = 0;
      for (let i = from; i < to; i++) {
        const value = w[i * n + j]!;
        x[i - from] = value;
        squares += value * value;
      }
      const spread = Math.sqrt(squares / (to - from));
      for (let i = 0; i < to - from; i++) weights[i] = importance ? importance[from + i]! : spread + Math.abs(x[i]!);
      const found = fit(new Block(x, weights, to - from, options));
      grid.scales[b * n + j] = found.scale;
      grid.zeros[b * n + j] = found.zero;
    }
  }
  return grid;
}

/** The values of a block, and the best grid that was tried on them. */
class Block {
  readonly x: Float64Array;
  readonly weights: Float64Array;
  readonly length: number;
  readonly least: number;
  readonly top: number;
  readonly middle: number;
  readonly options: KQuantOptions;
  readonly codes: Float64Array;
  scale = 1;
  zero = 0;
  #least = Infinity;

  constructor(x: Float64Array, weights: Float64Array, length: number, options: KQuantOptions) {
    this.x = x;
    this.weights = weights;
    this.length = length;
    this.options = options;
    this.least = leastCode(options.mode);
    this.top = 2 ** options.bits - 1;
    this.middle = 2 ** (options.bits - 1);
    this.codes = new Float64Array(length);
  }

  /** Keeps a grid if it is better than all before, and then the one whose scale is fitted to its codes. */
  offer(scale: number, zero: number): void {
    if (!this.#try(scale, zero)) return;
    let [sum, squares] = [0, 0];
    for (let i = 0; i < this.length; i++) {
      const code = this.codes[i]! - zero;
      sum += this.weights[i]! * this.x[i]! * code;
      squares += this.weights[i]! * code * code;
    }
    if (squares > 0) this.#try(sum / squares, zero);
  }

  /** Whether this grid, its scale as it is stored, is now the best. */
  #try(wanted: number, zero: number): boolean {
    const scale = storedScale(wanted, this.options.scales);
    if (scale === 0 || !Number.isFinite(scale)) return false;
    const { x, weights, codes, length, least, top } = this;
    let error = 0;
    for (let i = 0; i < length; i++) {
      const code = Math.min(top, Math.max(least, roundEven(x[i]! / scale) + zero));
      codes[i] = code;
      const off = (code - zero) * scale - x[i]!;
      error += weights[i]! * off * off;
      if (error >= this.#least) return false;
    }
    this.#least = error;
    this.scale = scale;
    this.zero = zero;
    return true;
  }
}

/** A zero point of its own. */
function fitLine(block: Block): Block {
  const { x, weights, length, top } = block;
  let [min, max] = [0, 0];
  for (let i = 0; i < length; i++) {
    min = Math.min(min, x[i]!);
    max = Math.max(max, x[i]!);
  }
  const zeroOf = (scale: number, least: number): number => Math.min(top, Math.max(0, roundEven(-least / scale)));
  const plain = storedScale((max - min) / top, block.options.scales) || 1;
  block.offer(plain, zeroOf(plain, min));
  if (max === min) return block;
  for (let step = 0; step <= STEPS; step++) {
    const inverse = (top - 1 + 0.1 * step) / (max - min);
    let [w, l, l2, wx, xl] = [0, 0, 0, 0, 0];
    for (let i = 0; i < length; i++) {
      const code = Math.min(top, Math.max(0, roundEven(inverse * (x[i]! - min))));
      const weight = weights[i]!;
      w += weight;
      l += weight * code;
      l2 += weight * code * code;
      wx += weight * x[i]!;
      xl += weight * code * x[i]!;
    }
    const determinant = w * l2 - l * l;
    if (determinant <= 0) continue;
    const least = (l2 * wx - l * xl) / determinant;
    const scale = least > 0 ? xl / l2 : (w * xl - l * wx) / determinant; // zero stays in the range: a line through it instead
    if (scale > 0) block.offer(scale, zeroOf(scale, Math.min(0, least)));
  }
  return block;
}

/** Zero in the middle: only a scale, which may be negative where the range of codes is not symmetric. */
function fitSlope(block: Block): Block {
  const { x, length, middle } = block;
  const full = block.options.mode === 'full-range';
  let extreme = 0;
  for (let i = 0; i < length; i++) if (Math.abs(x[i]!) > Math.abs(extreme) || x[i] === -Math.abs(extreme)) extreme = x[i]!;
  const reach = full ? middle : middle - 1;
  block.zero = middle;
  const spanning = full ? -extreme : Math.abs(extreme);
  if (spanning === 0) return block;
  block.offer(spanning / reach, middle);
  for (let step = -STEPS / 2; step <= STEPS / 2; step++) {
    const scale = spanning / (reach + 0.1 * step);
    block.offer(scale, middle);
    if (full) block.offer(-scale, middle);
  }
  return block;
}
