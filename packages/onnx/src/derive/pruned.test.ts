import { keepNofM, kthMagnitude, maskBelow } from '@onnxpress/kernels';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Tensor } from '../ir/tensor.ts';
import { float32s, float32sOf, int64s, tensorOf } from '../ir/values.ts';
import { keptNofM, kthMagnitudeOf, maskedBelow } from './pruned.ts';
import { TensorFolder } from './testing.ts';

const folder = new TensorFolder();
afterAll(() => folder.remove());

/** Few different magnitudes, so that many are equal. */
const values = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.round(Math.sin(i * 1.7) * 8) / 4);
const forms = ['float32', 'float16', 'bfloat16'] as const;
const tensorIn = (form: (typeof forms)[number], rows: number, columns: number): Tensor => tensorOf(form, [rows, columns], values(rows * columns));

test.each(forms)('%s: what is below the threshold is zero, and so many of the ties', (form) => {
  const w = values(300);
  for (const ties of [0, 1, 7, 1000]) {
    const masked = maskedBelow(tensorIn(form, 30, 10), 1, { ties });
    expect(masked.dtype).toBe(form);
    expect([...float32sOf(masked)]).toEqual([...maskBelow(w, 1, { ties }).values]);
  }
});

test.each(forms)('%s: from file to file the bytes are the same, wherever the last tie is', async (form) => {
  const [rows, columns] = [1500, 1500]; // more than one piece
  const stored = folder.inFile(tensorIn(form, rows, columns));
  for (const ties of [0, 3, 200_000]) {
    const [bytes] = await folder.written(maskedBelow(stored, 1, { ties }));
    const expected = tensorOf(form, [rows, columns], maskBelow(values(rows * columns), 1, { ties }).values);
    expect(Buffer.compare(bytes!, expected.bytes())).toBe(0);
  }
});

test('a part of a masked tensor can be read from anywhere on', () => {
  const masked = maskedBelow(float32s([100], values(100)), 1, { ties: 4 });
  const all = masked.bytes();
  fc.assert(fc.property(fc.nat(410), fc.nat(410), (offset, length) => {
    const into = new Uint8Array(length);
    expect(masked.read(into, offset)).toBe(Math.max(0, Math.min(length, 400 - offset)));
    expect(Buffer.compare(into.subarray(0, Math.max(0, 400 - offset)), all.subarray(offset, offset + length))).toBe(0);
  }));
});

test('the k-th magnitude of tensors in files is that of their numbers together, and prunes exactly k', () => {
  const tensors = forms.map((form) => folder.inFile(tensorIn(form, 1200, 1000)));
  const all = Float32Array.from(tensors.flatMap((t) => [...float32sOf(t)]));
  for (const k of [1, 1_234_567, all.length]) expect(kthMagnitudeOf(tensors, k)).toEqual(kthMagnitude(all, k));
  const k = 400_000;
  const { magnitude, below } = kthMagnitudeOf([tensors[0]!], k);
  const zeros = float32sOf(maskedBelow(tensors[0]!, magnitude, { ties: k - below })).filter((x) => x === 0).length;
  expect(zeros).toBe(Math.max(k, values(1_200_000).filter((x) => x === 0).length));
});

test.each(forms)('%s: n of m are kept, in memory and from file to file', async (form) => {
  for (const [rows, columns] of [[70, 301], [1500, 1501]] as const) {
    const tensor = tensorIn(form, rows, columns);
    for (const options of [{ n: 2, m: 4, along: 'row' }, { n: 2, m: 4, along: 'column' }, { n: 1, m: 3, along: 'column' }] as const) {
      const expected = tensorOf(form, [rows, columns], keepNofM(values(rows * columns), rows, columns, options));
      const [bytes] = await folder.written(keptNofM('w', folder.inFile(tensor), options));
      expect([Buffer.compare(keptNofM('w', tensor, options).bytes(), expected.bytes()), Buffer.compare(bytes!, expected.bytes())]).toEqual([0, 0]);
    }
  }
});

test('other numbers are refused', () => {
  expect(() => maskedBelow(int64s([1]), 1)).toThrow('holds int64');
});
