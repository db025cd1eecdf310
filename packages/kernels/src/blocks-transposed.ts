import { type BlockCodes, type BlockShape, type BlockSizes } from './blocks.ts';
import { pointerOf, withArena } from './memory/arena.ts';
import { machine } from './memory/machine.ts';

/** How much of a matrix that lies outside the kernels' memory is in it at once: wide strips, so that copying them is not all calls. */
const STRIP_BYTES = 8 * 2 ** 20;
/** Kernels take columns sixteen at a time. */
const NARROWEST = 16;

/** Quantizes the columns of a [k, n] matrix. Gives 0, or what a kernel could not do. With `given`, scales and zero points are read. */
export function transposedBlocks(w: Float32Array, { block, bits }: BlockShape, mode: number, sizes: BlockSizes, result: BlockCodes, given: boolean): number {
  const { n, k, blocks, codeBytes, zeroBytes } = sizes;
  const { blocksTransposed, blocksTransposedScratch } = machine().kernels;
  const zeros = result.zeroPoints ?? new Uint8Array(0);
  const resident = [w, result.codes, result.scales, ...(result.zeroPoints ? [result.zeroPoints] : [])].map(pointerOf);
  if (n === 0 || k === 0) return 0;
  if (resident.every((p) => p !== undefined)) {
    return withArena((arena) => blocksTransposed(resident[0]!, k, n, 0, n, block, bits, mode, 0, blocks, resident[1]!, resident[2]!, resident[3] ?? 0, arena.uint8(blocksTransposedScratch(block)).byteOffset));
  }
  const unit = (8 / bits) * block; // pieces of K begin where a byte of packed zero points begins
  const height = Math.min(k, Math.max(1, Math.floor(STRIP_BYTES / 4 / NARROWEST / unit)) * unit);
  const width = Math.min(n, Math.max(1, Math.floor(STRIP_BYTES / 4 / height / NARROWEST)) * NARROWEST);
  return withArena((arena) => {
    const strip = arena.float32(height * width);
    const scratch = arena.uint8(blocksTransposedScratch(block)).byteOffset;
    const perPiece = { blocks: Math.ceil(height / block), codes: (Math.ceil(height / block) * block * bits) / 8, zeros: Math.ceil((Math.ceil(height / block) * bits) / 8) };
    const made = { codes: arena.uint8(width * perPiece.codes), scales: arena.float32(width * perPiece.blocks), zeros: arena.uint8(width * perPiece.zeros) };
    for (let column = 0; column < n; column += width) {
      const columns = Math.min(width, n - column);
      for (let row = 0; row < k; row += height) {
        const rows = Math.min(height, k - row);
        if (columns === n) strip.set(w.subarray(row * n, (row + rows) * n));
        else for (let r = 0; r < rows; r++) strip.set(w.subarray((row + r) * n + column, (row + r) * n + column + columns), r * columns);
        const own = { blocks: Math.ceil(rows / block), codes: (Math.ceil(rows / block) * block * bits) / 8, zeros: Math.ceil((Math.ceil(rows / block) * bits) / 8) };
        const places = { scales: column * blocks + row / block, zeros: column * zeroBytes + ((row / block) * bits) / 8 };
        if (given) {
          takeRows(result.scales, blocks, places.scales, columns, made.scales, own.blocks);
          if (result.zeroPoints) takeRows(zeros, zeroBytes, places.zeros, columns, made.zeros, own.zeros);
        }
        const bad = blocksTransposed(strip.byteOffset, rows, columns, 0, columns, block, bits, mode, 0, Math.ceil(rows / block), made.codes.byteOffset, made.scales.byteOffset, made.zeros.byteOffset, scratch);
        if (bad) return bad;
        putRows(made.codes, own.codes, columns, result.codes, codeBytes, column * codeBytes + (row * bits) / 8);
        if (given) continue;
        putRows(made.scales, own.blocks, columns, result.scales, blocks, places.scales);
        if (result.zeroPoints) putRows(made.zeros, own.zeros, columns, zeros, zeroBytes, places.zeros);
      }
    }
    return 0;
  });
}

/** Copies rows that are next to each other to where rows are `stride` apart. */
function putRows<T extends Float32Array | Uint8Array>(from: T, length: number, rows: number, to: T, stride: number, start: number): void {
  if (length === stride) to.set(from.subarray(0, rows * length), start);
  else for (let r = 0; r < rows; r++) to.set(from.subarray(r * length, (r + 1) * length), start + r * stride);
}

/** The way back. */
function takeRows<T extends Float32Array | Uint8Array>(from: T, stride: number, start: number, rows: number, to: T, length: number): void {
  for (let r = 0; r < rows; r++) to.set(from.subarray(start + r * stride, start + r * stride + length), r * length);
}
