import { checkLength, checkWhole } from '../error.ts';
import { withArena } from '../memory/arena.ts';
import { nanoseconds, type Parallel, pieces, poolOf, product, productScratch, resident, residentResult } from './work.ts';

export interface MatmulOptions extends Parallel {
  /** `a` is stored as [k, m]. */
  readonly transA?: boolean;
  /** `b` is stored as [n, k]. */
  readonly transB?: boolean;
  readonly alpha?: number;
  /** What stays of `out`. Default: 0, and `out` is not read. */
  readonly beta?: number;
  /** Where the result goes; not `a` or `b`. Default: a new array. */
  readonly out?: Float32Array;
}

/** Rows and columns of the result that are one task: as many as pay for packing their operands, as few as keep several threads busy. */
const TASK_ROWS = 256;
const TASK_COLUMNS = 1024;
const LEAST_ROWS = 64;

/**
 * out [m, n] = alpha * op(a) op(b) + beta * out, row-major, where op transposes what transA and transB say. Sums are float32 in blocks of 256: the error
 * grows with k / 256. The same bytes with any number of workers.
 */
export async function matmul(a: Float32Array, b: Float32Array, [m, n, k]: readonly [m: number, n: number, k: number], options: MatmulOptions = {}): Promise<Float32Array> {
  const { transA = false, transB = false, alpha = 1, beta = 0, out = new Float32Array(m * n) } = options;
  for (const [name, size] of Object.entries({ m, n, k })) checkWhole(name, size, 0);
  checkLength('a', a, m * k);
  checkLength('b', b, k * n);
  checkLength('out', out, m * n);
  if (out.length === 0) return out;
  return withArena(async (arena) => {
    const [left, right, result] = [resident(arena, a), resident(arena, b), residentResult(arena, out)];
    if (result !== out && beta !== 0) result.set(out);
    const pool = poolOf(options);
    const rows = Math.min(TASK_ROWS, Math.max(LEAST_ROWS, Math.ceil(m / (2 * pool.workers) / 4) * 4));
    const columns = m >= LEAST_ROWS * pool.workers ? TASK_COLUMNS : Math.min(TASK_COLUMNS, Math.max(LEAST_ROWS, Math.ceil(n / (2 * pool.workers) / 8) * 8));
    const [strideA, strideB] = [transA ? m : k, transB ? k : n];
    const tasks = pieces(m, rows).flatMap(([i, height]) => pieces(n, columns).map(([j, width]) => {
      const from = { pointer: left.byteOffset + (transA ? i : i * strideA) * 4, stride: strideA };
      const by = { pointer: right.byteOffset + (transB ? j * strideB : j) * 4, stride: strideB };
      return [product(height, width, k, from, by, { pointer: result.byteOffset + (i * n + j) * 4, stride: n }, { transA, transB, alpha, beta })];
    }));
    await pool.run(tasks, { scratch: productScratch(rows, columns, k), nanoseconds: nanoseconds(m * n * k), signal: options.signal });
    if (result !== out) out.set(result);
    return out;
  });
}
