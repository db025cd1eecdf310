import { gptq, inverseCholeskyUpper, KernelError, matmul, type BlockMode, type ScaleForm } from '@onnxpress/kernels';
import { nearestCodes, valuesOf, type Codes } from './codes.ts';
import { gridOf } from './grid.ts';

export interface SolveOptions {
  /** 2 to 8. */
  readonly bits: number;
  readonly block: number;
  readonly mode: BlockMode;
  readonly scales: ScaleForm;
  /** Ranges with the least error by the inputs' second moments, instead of the widest. */
  readonly search: boolean;
  /** How codes are found: `gptq` passes what each input loses on to the inputs after it, `nearest` rounds. */
  readonly rounding: 'gptq' | 'nearest';
  /** GPTQ's damping, as a part of the mean of the diagonal. */
  readonly damp: number;
  /** GPTQ takes the inputs with the largest second moments first ("act-order"); groups stay where they are. */
  readonly order: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Solved {
  readonly codes: Codes;
  /** What the codes stand for, [K, N]. */
  readonly values: Float32Array;
  /** The damping that was needed; undefined where the codes are nearest, by wish or because no damping was enough. */
  readonly damp: number | undefined;
  /** Inputs that were always zero. */
  readonly dead: number;
}

/**
 * Quantizes one weight W [K, N], given the second moments X^T X / T of its inputs, [K, K]. With GPTQ (Frantar et al., arXiv 2210.17323) a grid per group is
 * found first, on W as it is ("static groups"), so that an order by importance needs no index at run time. Inputs that were always zero keep their
 * nearest codes. Where the moments have no Cholesky factor even with a damping of 1, codes are nearest.
 */
export async function solve(w: Float32Array, k: number, n: number, gram: Float32Array, options: SolveOptions): Promise<Solved> {
  const { bits, block, mode, scales, signal } = options;
  const diagonal = Float64Array.from({ length: k }, (_, i) => gram[i * (k + 1)]!);
  const dead = diagonal.reduce((count, d) => count + (d === 0 ? 1 : 0), 0);
  const grid = gridOf(w, k, n, { bits, block, mode, scales, search: options.search ? diagonal : undefined });
  const form = { k, n, bits, block, mode };
  if (options.rounding === 'gptq') {
    const order = options.order ? Int32Array.from(diagonal.keys()).sort((a, b) => diagonal[b]! - diagonal[a]! || a - b) : undefined;
    try {
      const { upper, damp } = await inverseCholeskyUpper(gram, k, { damp: options.damp, order, signal });
      const values = new Float32Array(w.length);
      const codes = await gptq(w, upper, { inputs: k, outputs: n, bits, mode, groupSize: block, grid, order, out: values, signal });
      return { codes, values, damp, dead };
    } catch (e) {
      if (!(e instanceof KernelError && e.code === 'not-positive-definite')) throw e;
    }
  }
  const codes = nearestCodes(w, grid, form);
  return { codes, values: valuesOf(codes, form), damp: undefined, dead };
}

/** The squared errors of a layer's outputs, tr(D^T G D) for each change D of its weight, relative to the outputs' own square. */
export async function outputErrors(w: Float32Array, changed: readonly Float32Array[], [k, n]: readonly [number, number], gram: Float32Array, signal?: AbortSignal): Promise<number[]> {
  const own = await quadratic(w, [k, n], gram, signal);
  const errors: number[] = [];
  for (const values of changed) errors.push((await quadratic(w.map((x, i) => values[i]! - x), [k, n], gram, signal)) / (own || 1));
  return errors;
}

/** tr(M^T G M) of M [K, N] in float64 over the products. `room`: K · N numbers for G M. */
export async function quadratic(m: Float32Array, [k, n]: readonly [number, number], gram: Float32Array, signal?: AbortSignal, room?: Float32Array): Promise<number> {
  const product = await matmul(gram, m, [k, n, k], { signal, ...(room && { out: room }) });
  let sum = 0;
  for (let i = 0; i < m.length; i++) sum += m[i]! * product[i]!;
  return Math.max(0, sum);
}
