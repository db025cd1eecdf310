import { checkLength, checkWhole, KernelError, NonFiniteError } from '../error.ts';
import { withArena } from '../memory/arena.ts';
import { machine } from '../memory/machine.ts';
import { factoring, factorWithDamping } from './factor.ts';
import { type Parallel, residentResult } from './work.ts';

export interface InverseCholeskyOptions extends Parallel {
  /** Added to the diagonal, as a part of its mean: 0.01 in the paper of GPTQ. Where that is too little, ten times as much is tried, up to 1. Default: 0.01. */
  readonly damp?: number;
  /** Row and column i of the factored matrix are order[i] of `h`: GPTQ's "act-order". Default: as they are. */
  readonly order?: ArrayLike<number> | undefined;
  /** Where R goes; may be `h`, which is then lost also where the promise is rejected. An array in an arena saves a copy. Default: a new array. */
  readonly out?: Float32Array;
}

export interface InverseCholesky {
  /** R [n, n], zero below its diagonal, with (H + damping)^-1 = R^T R. */
  readonly upper: Float32Array;
  /** The damping that was needed, as a part of the mean of the diagonal. */
  readonly damp: number;
  /** Rows of `h` that are all zero; they count as independent of all others. */
  readonly dead: number;
}

/**
 * The upper Cholesky factor of the inverse of a symmetric matrix H [n, n], without forming the inverse: with both axes reversed, H = L L^T; then L^-1, reversed
 * again, is R. About 2/3 n^3 operations instead of 4/3 to 2 n^3. Storage is float32, sums within a diagonal block are float64.
 * Throws NonFiniteError, or `not-positive-definite` where H is not positive definite even with a damping of 1.
 */
export async function inverseCholeskyUpper(h: Float32Array, n: number, options: InverseCholeskyOptions = {}): Promise<InverseCholesky> {
  const { damp = 0.01, order, out = new Float32Array(n * n) } = options;
  checkWhole('n', n, 1);
  checkLength('h', h, n * n);
  checkLength('out', out, n * n);
  if (order !== undefined) checkLength('order', order, n);
  if (!(damp >= 0 && damp <= 1)) throw new KernelError('bad-option', `"damp" cannot be ${damp}. It is a number from 0 to 1`);
  const { mean, dead } = diagonalOf(h, n);
  return withArena(async (arena) => {
    const place = residentResult(arena, out);
    if (order !== undefined) permute(n, order, h.buffer === place.buffer && h.byteOffset === place.byteOffset ? h.slice() : h, place);
    else if (place.byteOffset !== h.byteOffset || place.buffer !== h.buffer) place.set(h);
    const { reverse } = machine().kernels;
    reverse(place.byteOffset, n * n);
    const used = await factorWithDamping(factoring(arena, place, n, options), mean, damp);
    reverse(place.byteOffset, n * n);
    if (place !== out) out.set(place);
    return { upper: out, damp: used, dead };
  });
}

function diagonalOf(h: Float32Array, n: number): { mean: number; dead: number } {
  let sum = 0;
  let dead = 0;
  for (let i = 0; i < n; i++) {
    const value = h[i * (n + 1)]!;
    if (!Number.isFinite(value)) throw new NonFiniteError(i * (n + 1), value);
    sum += value;
    if (value === 0) dead++;
  }
  return { mean: sum / n || 1, dead };
}

function permute(n: number, order: ArrayLike<number>, from: Float32Array, to: Float32Array): void {
  for (let i = 0; i < n; i++) {
    const [row, into] = [order[i]! * n, i * n];
    for (let j = 0; j < n; j++) to[into + j] = from[row + order[j]!]!;
  }
}
