import { KernelError } from '../error.ts';
import { type Arena } from '../memory/arena.ts';
import { machine } from '../memory/machine.ts';
import { type Task } from '../pool/calls.ts';
import { type Block, blockAt, nanoseconds, type Parallel, pieces, poolOf, product, productScratch } from './work.ts';

/** Rows that are factored together. */
const BLOCK = 128;
/** Columns of the last product of a block row that are one task. */
const TASK_COLUMNS = 1024;

/** A symmetric matrix whose lower triangle becomes the inverse of its Cholesky factor, in place. */
export interface Factoring {
  readonly view: Float32Array;
  readonly matrix: Block;
  readonly n: number;
  readonly parallel: Parallel;
  /** A block row of the factor, and its product with the inverse so far: [BLOCK, n]. */
  readonly row: Block;
  readonly rowTimesInverse: Block;
  /** A block of the diagonal, and the inverse of its factor. */
  readonly pivot: Float32Array;
  readonly pivotInverse: Float32Array;
}

export function factoring(arena: Arena, view: Float32Array, n: number, parallel: Parallel): Factoring {
  const wide = (): Block => ({ pointer: arena.float32(BLOCK * n).byteOffset, stride: n });
  const square = (): Float32Array => arena.float32(BLOCK * BLOCK);
  return { view, matrix: { pointer: view.byteOffset, stride: n }, n, parallel, row: wide(), rowTimesInverse: wide(), pivot: square(), pivotInverse: square() };
}

/** Adds damping, as a part of `mean`, until the matrix can be factored, and says how much that was. What is 0 on the diagonal becomes `mean`. */
export async function factorWithDamping(work: Factoring, mean: number, damp: number): Promise<number> {
  const { view, n, matrix } = work;
  const squares = pieces(n, BLOCK).map(([start, size]) => ({ start, size, values: copySquare(size, { view, at: start * (n + 1), stride: n }, { view: new Float32Array(size * size), at: 0, stride: size }) }));
  for (let used = damp; ; used = used === 0 ? 0.01 : Math.min(1, used * 10)) {
    for (let i = 0; i < n; i++) view[i * (n + 1)] = (view[i * (n + 1)]! || mean) + used * mean;
    if (await factor(work)) return used;
    if (used === 1) throw new KernelError('not-positive-definite', 'The matrix is not positive definite, not even with the mean of its diagonal added to it. It should be a symmetric sum of squares, such as X^T X');
    // What lies above the blocks of the diagonal is still as it was.
    machine().kernels.mirror(matrix.pointer, n, 1, 0, n);
    for (const { start, size, values } of squares) copySquare(size, { view: values, at: 0, stride: size }, { view, at: start * (n + 1), stride: n });
  }
}

/** Row by row of blocks: the factor's row, its pivot block, the inverse's row. False where a pivot is not positive. */
async function factor(work: Factoring): Promise<boolean> {
  const { view, n, matrix, parallel, row, rowTimesInverse, pivot, pivotInverse } = work;
  const pool = poolOf(parallel);
  const scratch = Math.max(productScratch(BLOCK, TASK_COLUMNS, n), BLOCK * 8);
  const inPivot = { pointer: pivot.byteOffset, stride: BLOCK };
  const inverse = { pointer: pivotInverse.byteOffset, stride: BLOCK };
  for (const [start, size] of pieces(n, BLOCK)) {
    const before = pieces(start, BLOCK);
    const triangle = { scratch, nanoseconds: nanoseconds(size * start * start / 2), signal: parallel.signal };
    const own = blockAt(matrix, start, 0);
    copySquare(size, { view, at: start * (n + 1), stride: n }, { view: pivot, at: 0, stride: BLOCK });

    // Longest first, so that no thread ends long after the others.
    const factorRow = before.map(([j, width]): Task => [product(size, width, j + width, own, blockAt(matrix, j, 0), blockAt(row, 0, j), { transB: true })]);
    await pool.run(factorRow.reverse(), triangle);

    const factorPivot: Task = [
      ...(start > 0 ? [product(size, size, start, row, row, inPivot, { transB: true, alpha: -1, beta: 1, reach: 0 })] : []),
      ['choleskyInverse', size, inPivot.pointer, BLOCK, inverse.pointer, BLOCK, { scratch: 0 }],
    ];
    const times = before.map(([j, width]): Task => [product(size, width, start - j, blockAt(row, 0, j), blockAt(matrix, j, j), blockAt(rowTimesInverse, 0, j))]);
    const [values] = await pool.run([factorPivot, ...times], { ...triangle, nanoseconds: triangle.nanoseconds + nanoseconds(size * size * (start + size)) });
    if (values!.at(-1) !== 0) return false;

    const inverseRow = pieces(start, TASK_COLUMNS).map(([j, width]): Task => [product(size, width, size, inverse, blockAt(rowTimesInverse, 0, j), blockAt(own, 0, j), { alpha: -1 })]);
    await pool.run(inverseRow, { ...triangle, nanoseconds: nanoseconds(size * size * start) });
    copySquare(size, { view: pivotInverse, at: 0, stride: BLOCK }, { view, at: start * (n + 1), stride: n });
  }
  for (const [start, size] of pieces(n, BLOCK)) for (let i = start; i < start + size; i++) view.fill(0, i * n + start + size, (i + 1) * n);
  return true;
}

interface Square {
  readonly view: Float32Array;
  readonly at: number;
  readonly stride: number;
}

function copySquare(size: number, from: Square, to: Square): Float32Array {
  for (let i = 0; i < size; i++) to.view.set(from.view.subarray(from.at + i * from.stride, from.at + i * from.stride + size), to.at + i * to.stride);
  return to.view;
}
