import { checkLength, checkWhole } from '../error.ts';
import { pointerOf, withArena } from '../memory/arena.ts';
import { type Task } from '../pool/calls.ts';
import { nanoseconds, type Parallel, pieces, poolOf, product, productScratch, resident } from './work.ts';

/** Sums in registers and in the matrix change over after so many rows: batches that end elsewhere are kept until they are filled up. */
const DEPTH = 256;
/** Rows that are kept for the next product, at most. */
const KEPT_ROWS = 4 * DEPTH;

/** Rows of the matrix that are one task. */
const TASK_ROWS = 256;

/**
 * X^T X of samples that come in batches: the Hessian of GPTQ and the second moments of pruning, with the mean beside it. Half of the products are made. How the
 * rows are cut into batches, and the number of workers, changes no byte. Storage is float32; the relative error of a sum of T squares is about
 * (256 + T / 256) * 2^-24 at worst. What is not finite in X is not finite in the matrix.
 */
export class Gram {
  readonly columns: number;
  /** Weights of all rows together; without weights their number. */
  weight = 0;
  /** Rows with a weight above 0. */
  rows = 0;
  readonly #matrix: Float32Array;
  readonly #sums: Float64Array;
  readonly #kept: Float32Array;
  #keptRows = 0;

  /** `matrix`: where the products gather, [columns, columns]; it is cleared. An array in an arena saves copies. Default: a new array. */
  constructor(columns: number, matrix: Float32Array = new Float32Array(columns * columns)) {
    checkWhole('columns', columns, 1);
    checkLength('matrix', matrix, columns * columns);
    this.columns = columns;
    this.#matrix = matrix.fill(0);
    this.#sums = new Float64Array(columns);
    this.#kept = new Float32Array(KEPT_ROWS * columns);
  }

  /** Adds the rows of x [rows, columns]. `weights` has one number per row, 0 or more; a row of weight 0 (padding) is not read. Calls must not overlap. */
  async add(x: Float32Array, rows: number, { weights, ...parallel }: Parallel & { readonly weights?: ArrayLike<number> | undefined } = {}): Promise<void> {
    checkLength('x', x, rows * this.columns);
    if (weights !== undefined) checkLength('weights', weights, rows);
    let row = 0;
    if (weights === undefined && this.#keptRows === 0) {
      row = Math.floor(rows / DEPTH) * DEPTH;
      for (let r = 0; r < row; r++) this.#count(x, r, 1);
      if (row > 0) await this.#multiply(x.subarray(0, row * this.columns), row, parallel);
    }
    for (; row < rows; row++) {
      const weight = weights?.[row] ?? 1;
      if (weight === 0) continue;
      this.#keep(x, row, weight);
      if (this.#keptRows === KEPT_ROWS) await this.#flush(parallel);
    }
  }

  /** The mean of each column, by weight. */
  mean(): Float64Array {
    return this.#sums.map((sum) => (this.weight > 0 ? sum / this.weight : 0));
  }

  /** The matrix so far, symmetric: the array that the constructor got. Unscaled: divide by `weight` for the mean. */
  async matrix(parallel: Parallel = {}): Promise<Float32Array> {
    await this.#flush(parallel);
    const { columns } = this;
    await withArena(async (arena) => {
      const inside = resident(arena, this.#matrix);
      const tasks = pieces(columns, 512).map(([from, count]): Task => [['mirror', inside.byteOffset, columns, 0, from, from + count]]);
      await poolOf(parallel).run(tasks, { nanoseconds: columns * columns, signal: parallel.signal });
      if (inside !== this.#matrix) this.#matrix.set(inside);
    });
    return this.#matrix;
  }

  /** Columns that were zero in every row; to be asked after `matrix`. */
  dead(): number[] {
    return Array.from({ length: this.columns }, (_, i) => i).filter((i) => this.#matrix[i * this.columns + i] === 0);
  }

  #keep(x: Float32Array, row: number, weight: number): void {
    const { columns } = this;
    this.#count(x, row, weight);
    const root = Math.sqrt(weight);
    const [from, to] = [row * columns, this.#keptRows * columns];
    if (weight === 1) this.#kept.set(x.subarray(from, from + columns), to);
    else for (let j = 0; j < columns; j++) this.#kept[to + j] = x[from + j]! * root;
    this.#keptRows++;
  }

  #count(x: Float32Array, row: number, weight: number): void {
    const { columns } = this;
    const sums = this.#sums;
    const from = row * columns;
    for (let j = 0; j < columns; j++) sums[j]! += weight * x[from + j]!;
    this.weight += weight;
    this.rows++;
  }

  async #flush(parallel: Parallel): Promise<void> {
    const rows = this.#keptRows;
    if (rows === 0) return;
    this.#keptRows = 0;
    await this.#multiply(this.#kept.subarray(0, rows * this.columns), rows, parallel);
  }

  /** Adds to the lower block triangle. */
  async #multiply(x: Float32Array, rows: number, parallel: Parallel): Promise<void> {
    const { columns } = this;
    await withArena(async (arena) => {
      const [samples, matrix] = [resident(arena, x), resident(arena, this.#matrix)];
      const pool = poolOf(parallel);
      const height = Math.min(TASK_ROWS, Math.max(64, Math.ceil(columns / (4 * pool.workers) / 8) * 8));
      // The longest first, so that no thread ends long after the others.
      const tasks = pieces(columns, height).reverse().map(([i, count]): Task => {
        const from = { pointer: samples.byteOffset + i * 4, stride: columns };
        return [product(count, i + count, rows, from, { pointer: samples.byteOffset, stride: columns }, { pointer: matrix.byteOffset + i * columns * 4, stride: columns }, { transA: true, beta: 1, reach: i })];
      });
      await pool.run(tasks, { scratch: productScratch(height, columns, rows), nanoseconds: nanoseconds(columns * columns * rows / 2), signal: parallel.signal });
      if (pointerOf(this.#matrix) === undefined) this.#matrix.set(matrix);
    });
  }
}

/** X^T X of one batch x [rows, columns], symmetric. `weights`: one per row. */
export async function gram(x: Float32Array, rows: number, columns: number, options: Parallel & { readonly weights?: ArrayLike<number>; readonly out?: Float32Array } = {}): Promise<Float32Array> {
  const sum = new Gram(columns, options.out);
  await sum.add(x, rows, options);
  return sum.matrix(options);
}
