import { checkLength } from '../error.ts';
import { allocate, machine } from './machine.ts';
import { type NumericArray, pointerOf, sharedBuffer } from './arena.ts';

/** Operands that lie outside the kernels' memory pass through it in pieces of about this many bytes together: they stay in the second-level cache. */
export const CHUNK_BYTES = 2 ** 20;

/** What a kernel works on. */
export interface Operand {
  /** For messages. */
  readonly name: string;
  readonly view: NumericArray;
  readonly use: 'read' | 'write' | 'update';
  /** Elements per unit of work, also a fraction such as 1/2; without it each piece of work gets the whole operand. */
  readonly per?: number;
}

/**
 * Calls `kernel` on consecutive pieces of `units` units of work, with a pointer to each operand's piece. What lies in the kernels' memory is passed
 * as it is (and in one piece, if all operands do); the rest is copied in and out. Pieces begin at multiples of `align` units. The memory holds about CHUNK_BYTES
 * at once, and the operands that are passed whole; callers see to it that `align` units are no more than that.
 */
export function inChunks(units: number, operands: readonly Operand[], kernel: (pointers: readonly number[], units: number, start: number) => void, align = 1): void {
  for (const { name, view, per } of operands) if (per !== undefined) checkLength(name, view, Math.ceil(units * per));
  const visiting = operands.filter((o) => o.per !== undefined && pointerOf(o.view) === undefined);
  const bytesPerUnit = visiting.reduce((sum, o) => sum + o.view.BYTES_PER_ELEMENT * o.per!, 0);
  const most = Math.max(1, Math.floor(CHUNK_BYTES / (bytesPerUnit * align))) * align;
  const step = bytesPerUnit === 0 ? Math.max(units, 1) : Math.min(most, Math.max(units, 1));
  const places: Place[] = [];
  try {
    for (const operand of operands) places.push(placeOf(operand, step));
    for (const place of places) place.enter();
    for (let start = 0; start < units; start += step) {
      const count = Math.min(step, units - start);
      kernel(places.map((p) => p.in(start, count)), count, start);
      for (const place of places) place.out(start, count);
    }
    for (const place of places) place.leave();
  } finally {
    for (const place of places) place.release();
  }
}

interface Place {
  /** Before the first piece and after the last: for operands that are passed whole. */
  enter(): void;
  leave(): void;
  /** Before and after each piece. */
  in(start: number, units: number): number;
  out(start: number, units: number): void;
  release(): void;
}

const nothing = (): void => undefined;

function placeOf({ view, use, per }: Operand, step: number): Place {
  const resident = pointerOf(view);
  const range = (start: number, units: number): [number, number] => [Math.floor(start * per!), Math.ceil((start + units) * per!)];
  if (resident !== undefined) {
    return { enter: nothing, leave: nothing, in: (start, units) => resident + (per === undefined ? 0 : range(start, units)[0] * view.BYTES_PER_ELEMENT), out: nothing, release: nothing };
  }
  const length = per === undefined ? view.length : Math.ceil(step * per);
  const pointer = allocate(length * view.BYTES_PER_ELEMENT);
  const inside = viewLike(view, pointer, length);
  const release = (): void => machine().allocator.release(pointer);
  if (per === undefined) {
    return { enter: () => void (use !== 'write' && inside.set(view)), leave: () => void (use !== 'read' && view.set(inside)), in: () => pointer, out: nothing, release };
  }
  return {
    enter: nothing,
    leave: nothing,
    in(start, units) {
      if (use !== 'write') inside.set(view.subarray(...range(start, units)));
      return pointer;
    },
    out(start, units) {
      const [from, to] = range(start, units);
      if (use !== 'read') view.set(inside.subarray(0, to - from), from);
    },
    release,
  };
}

/** An array of the same kind in the kernels' memory. */
function viewLike(view: NumericArray, pointer: number, length: number): NumericArray {
  const kind = view.constructor as new (buffer: SharedArrayBuffer, offset: number, length: number) => NumericArray; // a typed array's own constructor; a Buffer's would allocate
  return view instanceof Uint8Array ? new Uint8Array(sharedBuffer(), pointer, length) : new kind(sharedBuffer(), pointer, length);
}
