import { float32sOf, memoryTensor, bitsOf, type Tensor } from '@onnxpress/core';
import type { WeightGroup } from './group.ts';
import type { Piece } from './rounded.ts';

/** Weights that are looked at: enough for an error to two digits and more, whatever the model's size, at a tenth of the time that quantizing a large weight takes. */
const MOST = 2 ** 18;

/**
 * Parts of a weight, whole blocks each, spread evenly over it: all of a small one, a quarter of a million numbers of a large one. The error on them is the
 * error of the whole but for chance.
 */
export function* samplesOfWeight({ tensor, n, k, alongRows }: Pick<WeightGroup, 'tensor' | 'n' | 'k' | 'alongRows'>, block: number): Generator<Piece> {
  if (alongRows) {
    const count = Math.max(1, Math.min(n, Math.floor(MOST / k)));
    const w = new Float32Array(count * k);
    for (let i = 0; i < count; i++) w.set(floatsAt(tensor, Math.floor((i * n) / count) * k, k), i * k);
    yield { w, rows: count, columns: k, alongRows, from: 0 };
    return;
  }
  const blocks = Math.ceil(k / block);
  const width = Math.max(1, Math.min(n, Math.floor(MOST / block)));
  const count = Math.max(1, Math.min(blocks, Math.floor(MOST / (block * width))));
  for (let i = 0; i < count; i++) {
    const from = Math.floor((i * blocks) / count) * block;
    const rows = Math.min(k, from + block) - from;
    const w = new Float32Array(rows * width);
    if (width === n) w.set(floatsAt(tensor, from * n, rows * n));
    else for (let r = 0; r < rows; r++) w.set(floatsAt(tensor, (from + r) * n, width), r * width);
    yield { w, rows, columns: width, alongRows, from };
  }
}

/** A weight's sample, read once for each size of a block. */
export type Sample = (block: number) => readonly Piece[];

export function sampleOf(weight: Pick<WeightGroup, 'tensor' | 'n' | 'k' | 'alongRows'>): Sample {
  const read = new Map<number, readonly Piece[]>();
  return (block) => {
    const known = read.get(block) ?? [...samplesOfWeight(weight, block)];
    read.set(block, known);
    return known;
  };
}

function floatsAt(tensor: Tensor, first: number, count: number): Float32Array {
  const size = bitsOf(tensor.dtype) / 8;
  const bytes = new Uint8Array(count * size);
  for (let at = 0; at < bytes.length; ) at += tensor.read(bytes.subarray(at), first * size + at);
  return float32sOf(memoryTensor(tensor.dtype, [count], bytes));
}
