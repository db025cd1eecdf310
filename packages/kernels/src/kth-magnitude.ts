import { checkWhole, KernelError } from './error.ts';
import { inChunks, type Operand } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';
import { withArena } from './memory/arena.ts';
import { valueOf } from './selection.ts';

export interface KthMagnitude {
  /** The k-th smallest magnitude. */
  readonly magnitude: number;
  /** How many magnitudes are smaller. */
  readonly below: number;
  /** How many are equal to it, itself included. */
  readonly equal: number;
}

/** From here on a sample first narrows down where the answer is. */
const WORTH_A_SAMPLE = 2 ** 20;
const SMALLEST_SAMPLE = 2 ** 14;
const LARGEST_SAMPLE = 2 ** 18;
/** Where more lie close to the answer, the sample was no help. */
const MOST_FOUND = 2 ** 21;
const LARGEST_BITS = 0x7fffffff;
/** By how many standard deviations of a sampled rank the answer may miss its expected place. Beyond it, everything is counted instead: slower, as exact. */
const DEVIATIONS = 3;

/**
 * The k-th smallest magnitude, k from 1, exactly, without sorting: magnitudes order like their bits, NaN above infinity above all numbers. Several arrays count as one;
 * they are read twice, one after the other, so an iterable may make them on demand.
 */
export function kthMagnitude(w: Float32Array | Iterable<Float32Array>, k: number): KthMagnitude {
  const parts = w instanceof Float32Array ? [w] : w;
  if (w instanceof Float32Array) {
    checkRank(k, w.length);
    const sampled = w.length >= WORTH_A_SAMPLE ? bySample(w, k) : undefined;
    if (sampled) return sampled;
  }
  return byCounting(parts, k);
}

function checkRank(k: number, count: number): void {
  if (count === 0) throw new KernelError('wrong-size', 'Nothing has no k-th magnitude. Leave empty arrays out');
  checkWhole('k', k, 1, count);
}

/** Two rounds: which upper 15 bits the answer has, then which lower 16. */
function byCounting(parts: Iterable<Float32Array>, k: number): KthMagnitude {
  const upper = new Uint32Array(2 ** 15);
  const spare = new Uint32Array(2 ** 15);
  let count = 0;
  for (const part of parts) {
    inChunks(part.length, [values(part), table(upper), table(spare)], ([from, counts, scratch], n) => machine().kernels.countUpper(from!, n, counts!, scratch!));
    count += part.length;
  }
  checkRank(k, count);
  const high = placeOfRank(upper, k);
  const lower = new Uint32Array(2 ** 16);
  for (const part of parts) inChunks(part.length, [values(part), table(lower)], ([from, counts], n) => machine().kernels.countLower(from!, n, high.bin, counts!));
  const low = placeOfRank(lower, k - high.before);
  return { magnitude: valueOf((high.bin << 16) | low.bin), below: high.before + low.before, equal: lower[low.bin]! };
}

const values = (view: Float32Array): Operand => ({ name: 'w', view, use: 'read', per: 1 });
const table = (view: Uint32Array): Operand => ({ name: 'counts', view, use: 'update' });

/** The bin in which the value of this rank is, and how many are in the bins before. */
function placeOfRank(counts: Uint32Array, rank: number): { readonly bin: number; readonly before: number } {
  let before = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    if (before + counts[bin]! >= rank) return { bin, before };
    before += counts[bin]!;
  }
  throw new RangeError(`There are ${before} values and no rank ${rank}: the array changed while it was read.`);
}

/** Between two magnitudes of a sample the answer is almost certainly, and few values are: those are collected and counted. Undefined where that fails. */
function bySample(w: Float32Array, k: number): KthMagnitude | undefined {
  const { low, high, room } = bracket(w, k);
  return withArena((arena) => {
    const found = arena.float32(room);
    const tally = arena.uint32(2);
    let below = 0;
    let filled = 0;
    let fits = true;
    inChunks(w.length, [values(w)], ([from], count) => {
      fits &&= machine().kernels.collectBetween(from!, count, low, high, found.byteOffset + filled * 4, room - filled, tally.byteOffset) !== 0;
      if (!fits) return;
      below += tally[0]!;
      filled += tally[1]!;
    });
    if (!fits || k <= below || k > below + filled) return undefined;
    const among = byCounting([found.subarray(0, filled)], k - below);
    return { ...among, below: below + among.below };
  });
}

/** The bits of two magnitudes around the answer, and room for about twice the values that lie between them. */
function bracket(w: Float32Array, k: number): { readonly low: number; readonly high: number; readonly room: number } {
  const size = Math.min(LARGEST_SAMPLE, Math.max(SMALLEST_SAMPLE, Math.floor(w.length / 1024)));
  const stride = Math.floor(w.length / size);
  const sample = new Uint32Array(Float32Array.from({ length: size }, (_, i) => Math.abs(w[i * stride]!)).buffer).sort();
  const share = k / w.length;
  const margin = DEVIATIONS * Math.sqrt(size * share * (1 - share)) + 1;
  const [first, last] = [Math.floor(share * size - margin), Math.ceil(share * size + margin)];
  return {
    low: first < 0 ? 0 : sample[first]!,
    high: last >= size ? LARGEST_BITS : sample[last]!,
    room: Math.min(MOST_FOUND, Math.ceil((4 * margin * w.length) / size) + 64),
  };
}
