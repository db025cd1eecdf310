import { type RawKernels } from '../kernels.wasm.gen.ts';
import { type Call, type InScratch, type Task } from '../pool/calls.ts';
import { type FileRange, PIECE_BYTES, ScratchPlan, STORED_BYTES, type StoredFloat } from './layout.ts';

/** Work from file to file that changes numbers one by one: a task for each piece. */
export interface PiecewiseWork {
  readonly tasks: readonly Task[];
  readonly scratch: number;
}

/** Casts `count` numbers of a file to another form, as the casts of this package do. */
export function streamCast(source: FileRange, from: StoredFloat, to: StoredFloat, count: number, target: FileRange): PiecewiseWork {
  const most = Math.min(count, PIECE_BYTES / 4);
  const scratch = new ScratchPlan();
  const floats = scratch.take(most * 4);
  const raw = scratch.take(most * 4);
  const tasks = piecesOf(count, most).map(([start, length]): Task => [
    ['readFile', source.descriptor, source.position + start * STORED_BYTES[from], from === 'float32' ? floats : raw, length * STORED_BYTES[from]],
    ...widened(from, raw, length, floats),
    ...narrowed(to, floats, length, raw),
    ['writeFile', target.descriptor, target.position + start * STORED_BYTES[to], to === 'float32' ? floats : raw, length * STORED_BYTES[to]],
  ]);
  return { tasks, scratch: scratch.bytes };
}

/** Where pieces of at most so many of `count` numbers begin, and how many they are. */
export function piecesOf(count: number, most: number): (readonly [start: number, length: number])[] {
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => [i * most, Math.min(most, count - i * most)] as const);
}

const WIDENING: Readonly<Partial<Record<StoredFloat, keyof RawKernels & `from${string}`>>> = { float16: 'fromFloat16', bfloat16: 'fromBfloat16' };
const NARROWING: Readonly<Partial<Record<StoredFloat, keyof RawKernels & `to${string}`>>> = { float16: 'toFloat16', bfloat16: 'toBfloat16' };

/** Stored numbers as float32 at `floats`; nothing where they are that already. */
export function widened(from: StoredFloat, raw: InScratch, count: number, floats: InScratch): Call[] {
  const kernel = WIDENING[from];
  return kernel ? [[kernel, raw, count, floats]] : [];
}

/** The way back. */
export function narrowed(to: StoredFloat, floats: InScratch, count: number, raw: InScratch): Call[] {
  const kernel = NARROWING[to];
  return kernel ? [[kernel, floats, count, raw]] : [];
}
