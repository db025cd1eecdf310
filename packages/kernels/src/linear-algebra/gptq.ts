import { type BlockMode } from '../blocks.ts';
import { checkLength, checkOption, checkWhole, KernelError } from '../error.ts';
import { withArena } from '../memory/arena.ts';
import { machine } from '../memory/machine.ts';
import { type Call, inScratch, type Task } from '../pool/calls.ts';
import { blockAt, nanoseconds, type Parallel, pieces, poolOf, product, productScratch, resident } from './work.ts';

/** As they are numbered in assembly/grid.ts. */
const MODES: readonly BlockMode[] = ['symmetric', 'asymmetric', 'full-range'];

export interface Grid {
  /** [groups, outputs]. */
  readonly scales: Float32Array;
  /** The code that stands for 0: [groups, outputs]. */
  readonly zeros: Uint8Array;
}

export interface GptqOptions extends Parallel {
  readonly inputs: number;
  readonly outputs: number;
  /** 2 to 8. */
  readonly bits: number;
  /** Symmetric: codes within ±(2^(bits-1) - 1); asymmetric: a zero point per group, 0 always in the range; full-range: the largest magnitude gets the code 0. Default: asymmetric. */
  readonly mode?: BlockMode;
  /** Neighbouring rows of W that share a scale, per output. Default: all of them. */
  readonly groupSize?: number;
  /**
   * Where scales come from. 'current': from the rows as they are when their group is reached (the paper's way; a group must lie within a block or be made of
   * whole blocks). 'original': from W. Or scales of your own, for the groups of W as it is. Default: current, and original where there is an order.
   */
  readonly grid?: 'current' | 'original' | Grid;
  /** The order in which rows are quantized, the same that R was made for. Groups and results stay in the order of W. Default: as they are. */
  readonly order?: ArrayLike<number> | undefined;
  /** Rows between two updates of all later rows. Default: 128. */
  readonly block?: number;
  /** Becomes what the codes stand for, [inputs, outputs]; may be `w`. Default: not kept. */
  readonly out?: Float32Array;
}

export interface GptqResult extends Grid {
  /** One byte per weight, [inputs, outputs]. */
  readonly codes: Uint8Array;
  /** Of each output, half the squared error that the layer's result has over the samples of H, damping included: d^T H d / 2 for the change d of its weights. */
  readonly losses: Float64Array;
}

/** Outputs that one task carries through all rows: their weights stay in a second- or third-level cache. */
const STRIP = 256;
const LEAST_STRIP = 32;

/**
 * GPTQ (Frantar et al., arXiv 2210.17323): quantizes W [inputs, outputs], as ONNX MatMul stores it, row after row, each time moving what is lost to the rows to
 * come. `upper`: R of inverseCholeskyUpper for the inputs. The value of a code is (code - zero) * scale. Outputs do not know each other, so that any number of
 * workers gives the same bytes.
 */
export async function gptq(w: Float32Array, upper: Float32Array, options: GptqOptions): Promise<GptqResult> {
  const { inputs, outputs, bits, mode = 'asymmetric', groupSize = options.inputs, order, block = 128, out } = options;
  const grid = options.grid ?? (order === undefined ? 'current' : 'original');
  checkWhole('inputs', inputs, 1);
  checkWhole('outputs', outputs, 1);
  checkWhole('bits', bits, 2, 8);
  checkWhole('groupSize', groupSize, 1);
  checkWhole('block', block, 1, 1024);
  checkOption('mode', mode, MODES);
  checkLength('w', w, inputs * outputs);
  checkLength('upper', upper, inputs * inputs);
  if (order !== undefined) checkLength('order', order, inputs);
  if (out !== undefined) checkLength('out', out, inputs * outputs);
  if (grid === 'current') checkCurrent(groupSize, inputs, block, order);
  const groups = Math.ceil(inputs / groupSize);
  return withArena(async (arena) => {
    const [factor, weights] = [resident(arena, upper), arena.float32(w.length)];
    const place = { scales: arena.float32(groups * outputs), zeros: arena.uint8(groups * outputs), codes: arena.uint8(w.length), losses: arena.float64(outputs).fill(0), groups: arena.uint32(inputs) };
    for (let i = 0; i < inputs; i++) place.groups[i] = Math.floor((order?.[i] ?? i) / groupSize);
    weights.set(w);
    const number = MODES.indexOf(mode);
    if (grid === 'original') machine().kernels.groupGrids(weights.byteOffset, inputs, outputs, groupSize, 0, outputs, bits, number, place.scales.byteOffset, place.zeros.byteOffset);
    else if (grid !== 'current') copyGrid(grid, place);
    if (order !== undefined) for (let i = 0; i < inputs; i++) weights.set(w.subarray(order[i]! * outputs, (order[i]! + 1) * outputs), i * outputs);

    const pool = poolOf(options);
    const width = Math.min(STRIP, Math.max(LEAST_STRIP, Math.ceil(outputs / (2 * pool.workers) / LEAST_STRIP) * LEAST_STRIP));
    const errors = machine().kernels.gptqScratch(Math.min(block, inputs), width);
    const [matrix, triangle] = [{ pointer: weights.byteOffset, stride: outputs }, { pointer: factor.byteOffset, stride: inputs }];
    const tasks = pieces(outputs, width).map(([column, columns]): Task => pieces(inputs, block).flatMap(([row, rows]): Call[] => {
      const [behind, after] = [row + rows, inputs - row - rows];
      const inner: Call = ['gptqBlock', matrix.pointer, inputs, outputs, row, rows, column, column + columns, triangle.pointer, place.groups.byteOffset, grid === 'current' ? groupSize : 0, place.scales.byteOffset, place.zeros.byteOffset, bits, number, place.codes.byteOffset, place.losses.byteOffset, inScratch()];
      if (after === 0) return [inner];
      // What is lost in the block stands where gptqBlock leaves it.
      const lost = { pointer: inScratch(), stride: machine().kernels.gptqErrorStride(columns) };
      return [inner, product(after, columns, rows, blockAt(triangle, row, behind), lost, blockAt(matrix, behind, column), { transA: true, alpha: -1, beta: 1, scratch: errors })];
    }));
    await pool.run(tasks, { scratch: errors + productScratch(inputs, width, block), nanoseconds: nanoseconds(inputs * inputs * outputs / 2), signal: options.signal });
    return results(place, weights, outputs, order, out);
  });
}

function checkCurrent(groupSize: number, inputs: number, block: number, order: ArrayLike<number> | undefined): void {
  if (order !== undefined) throw new KernelError('bad-option', 'With an order, groups are not neighbours when they are reached, so "grid" cannot be current. Take original');
  if (block % groupSize !== 0 && groupSize % block !== 0 && groupSize < inputs) throw new KernelError('bad-option', `Groups of ${groupSize} rows straddle blocks of ${block}. Choose a "block" that is a multiple or a divisor of "groupSize"`);
}

function copyGrid(from: Grid, to: Grid): void {
  checkLength('grid.scales', from.scales, to.scales.length);
  checkLength('grid.zeros', from.zeros, to.zeros.length);
  to.scales.set(from.scales);
  to.zeros.set(from.zeros);
}

/** Copies of what was computed, with rows where they came from. */
function results(place: GptqResult, weights: Float32Array, outputs: number, order: ArrayLike<number> | undefined, out: Float32Array | undefined): GptqResult {
  if (out !== undefined) putRows(weights, outputs, order, out);
  const codes = new Uint8Array(place.codes.length);
  putRows(place.codes, outputs, order, codes);
  return { codes, scales: place.scales.slice(), zeros: place.zeros.slice(), losses: place.losses.slice() };
}

function putRows<T extends Float32Array | Uint8Array>(from: T, columns: number, order: ArrayLike<number> | undefined, to: T): void {
  if (order === undefined) return void to.set(from);
  for (let i = 0; i < order.length; i++) to.set(from.subarray(i * columns, (i + 1) * columns), order[i]! * columns);
}
