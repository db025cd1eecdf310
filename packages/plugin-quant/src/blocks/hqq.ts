import type { Grid, ScaleForm } from '@onnxpress/kernels';
import { storedScale } from './stored-scale.ts';
import { roundEven } from '../round-even.ts';

export interface HqqOptions {
  /** 2 to 8. */
  readonly bits: number;
  readonly block: number;
  readonly scales: ScaleForm;
}

/** Scales and zero points that are floats, each [blocks, N]. */
export interface FloatGrid {
  readonly scales: Float32Array;
  readonly zeros: Float32Array;
}

/** The defaults of the paper and of its code: the norm of the error, and how strictly and how fast errors are taken for outliers. */
const NORM = 0.7;
const BETA = 10;
const KAPPA = 1.01;
const ITERATIONS = 20;

/**
 * Half-quadratic quantization (Badri and Shaji 2023) for blocks of inputs of W [K, N], asymmetric: errors that are large become outliers, and zero point and scale
 * are fitted to what is left; by turns, until the mean error falls no more. A zero point is rounded to a code at each turn, up and down, and the scale is fitted to it:
 * onnxruntime multiplies fast with whole ones. Plain rounding is the first candidate and the best one is kept, so that no block is worse by mean |ŵ − w|,
 * nor by its mean square, which a smaller scale alone could cost. All of it in float64, with scales as they are stored.
 */
export function hqqGrid(w: Float32Array, k: number, n: number, options: HqqOptions): Grid {
  const zeros = new Uint8Array(Math.ceil(k / options.block) * n);
  return { scales: forBlocks(w, k, n, options, zeros, wholeZeros), zeros };
}

/** The same with zero points that need not be whole, as the paper has it: only they are fitted, the scale stays. */
export function hqqFloatGrid(w: Float32Array, k: number, n: number, options: HqqOptions): FloatGrid {
  const zeros = new Float32Array(Math.ceil(k / options.block) * n);
  return { scales: forBlocks(w, k, n, options, zeros, floatZero), zeros };
}

function forBlocks(w: Float32Array, k: number, n: number, options: HqqOptions, zeros: Uint8Array | Float32Array, propose: Proposal): Float32Array {
  const { block } = options;
  const blocks = Math.ceil(k / block);
  const scales = new Float32Array(blocks * n);
  const x = new Float64Array(block);
  const search = new BlockSearch(x, options);
  for (let b = 0; b < blocks; b++) {
    const [from, to] = [b * block, Math.min(k, (b + 1) * block)];
    for (let j = 0; j < n; j++) {
      for (let i = from; i < to; i++) x[i - from] = w[i * n + j]!;
      const { scale, zero } = search.run(to - from, propose);
      scales[b * n + j] = scale;
      zeros[b * n + j] = zero;
    }
  }
  return scales;
}

interface Candidate {
  readonly scale: number;
  readonly zero: number;
}

/** What to try next, where `mean` is the zero point that fits best. */
type Proposal = (search: BlockSearch, mean: number, scale: number) => readonly Candidate[];

/** Whole ones on both sides, each with the scale of least squares. */
const wholeZeros: Proposal = (search, mean) => [...new Set([Math.floor(mean), Math.ceil(mean)].map((z) => Math.min(search.top, Math.max(0, z))))].map((zero) => ({ zero, scale: search.scaleFor(zero) }));

const floatZero: Proposal = (_, mean, scale) => [{ zero: Math.fround(mean), scale }];

/** One block after the other. */
class BlockSearch {
  readonly top: number;
  readonly #x: Float64Array;
  readonly #form: ScaleForm;
  readonly #codes: Float64Array;
  /** The weights without what was taken for outliers. */
  readonly #rest: Float64Array;
  #length = 0;

  constructor(x: Float64Array, { bits, scales }: HqqOptions) {
    this.top = 2 ** bits - 1;
    this.#x = x;
    this.#form = scales;
    this.#codes = new Float64Array(x.length);
    this.#rest = new Float64Array(x.length);
  }

  run(length: number, propose: Proposal): Candidate {
    this.#length = length;
    let at = this.#spanning();
    let [best, least] = [at, this.#errorOf(at)];
    const squares = propose === wholeZeros ? this.#squaresOf(at) : Infinity;
    let beta = BETA;
    for (let turn = 0; turn < ITERATIONS && least > 0; turn++, beta *= KAPPA) {
      const mean = this.#withoutOutliers(at, beta);
      const tried = propose(this, mean, at.scale).filter((c) => c.scale !== 0 && Number.isFinite(c.scale) && this.#squaresOf(c) <= squares).map((c) => ({ candidate: c, error: this.#errorOf(c) }));
      const [next] = tried.sort((a, b) => a.error - b.error);
      if (!next || !(next.error < least)) break;
      [at, best, least] = [next.candidate, next.candidate, next.error];
    }
    return best;
  }

  /** The grid of plain rounding: zero inside the range, and a scale of 1 for zeros. */
  #spanning(): Candidate {
    let [low, high] = [0, 0];
    for (let i = 0; i < this.#length; i++) {
      low = Math.min(low, this.#x[i]!);
      high = Math.max(high, this.#x[i]!);
    }
    const scale = storedScale((high - low) / this.top, this.#form) || 1;
    return { scale, zero: Math.min(this.top, Math.max(0, roundEven(-low / scale))) };
  }

  #codeOf(x: number, { scale, zero }: Candidate): number {
    const code = Number.isInteger(zero) ? roundEven(x / scale) + zero : roundEven(x / scale + zero);
    return Math.min(this.top, Math.max(0, code));
  }

  #errorOf(candidate: Candidate): number {
    let sum = 0;
    for (let i = 0; i < this.#length; i++) sum += Math.abs((this.#codeOf(this.#x[i]!, candidate) - candidate.zero) * candidate.scale - this.#x[i]!);
    return sum;
  }

  #squaresOf(candidate: Candidate): number {
    let sum = 0;
    for (let i = 0; i < this.#length; i++) sum += ((this.#codeOf(this.#x[i]!, candidate) - candidate.zero) * candidate.scale - this.#x[i]!) ** 2;
    return sum;
  }

  /** Notes codes and what is left of the weights (the paper's generalized soft threshold); returns the mean zero point that both ask for. */
  #withoutOutliers(at: Candidate, beta: number): number {
    const outlier = beta ** (1 / (NORM - 2)); // below it the threshold is larger than the error
    let sum = 0;
    for (let i = 0; i < this.#length; i++) {
      const x = this.#x[i]!;
      const code = this.#codeOf(x, at);
      const off = x - (code - at.zero) * at.scale;
      const size = Math.abs(off);
      const taken = size > outlier ? Math.sign(off) * Math.max(0, size - size ** (NORM - 1) / beta) : 0;
      this.#codes[i] = code;
      this.#rest[i] = x - taken;
      sum += code - (x - taken) / at.scale;
    }
    return sum / this.#length;
  }

  /** Least squares through zero, as it is stored. */
  scaleFor(zero: number): number {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < this.#length; i++) {
      const step = this.#codes[i]! - zero;
      sum += this.#rest[i]! * step;
      squares += step * step;
    }
    return squares === 0 ? 0 : storedScale(sum / squares, this.#form);
  }
}
