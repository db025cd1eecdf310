import fc from 'fast-check';
import { expect, test } from 'vitest';
import { float32s, float32sOf, scalar, tensorOf } from '../ir/values.ts';
import { quantizedInt8 } from './int8.ts';

const codesOf = (t: { bytes(): Uint8Array }): number[] => [...new Int8Array(t.bytes().buffer)];

test('a column has its own scale, and its largest weight becomes 127', () => {
  const { codes, scale } = quantizedInt8('w', float32s([2, 2], [1, -10, -2, 5]), { scalePer: 'column' });
  expect([...float32sOf(scale)]).toEqual([Math.fround(2 / 127), Math.fround(10 / 127)]);
  expect(codesOf(codes)).toEqual([64, -127, -127, 64]); // 63.5 and 63.5 go to the even 64
});

test('a row of zeros has scale 1', () => {
  const { codes, scale } = quantizedInt8('w', float32s([2, 2], [0, 0, 3, 3]), { scalePer: 'row' });
  expect([...float32sOf(scale)]).toEqual([1, Math.fround(3 / 127)]);
  expect(codesOf(codes)).toEqual([0, 0, 127, 127]);
});

test('a weight that is stored transposed is turned', () => {
  const stored = float32s([2, 3], [1, 2, 3, 4, 5, 6]); // of a 3 × 2 matrix
  const { codes, scale } = quantizedInt8('w', stored, { scalePer: 'column', transposed: true });
  expect(codes.dims).toEqual([3, 2]);
  expect([...float32sOf(scale)]).toEqual([Math.fround(3 / 127), Math.fround(6 / 127)]);
  expect(codesOf(codes)[1]).toBe(Math.round((4 * 127) / 6));
});

test('half-precision weights are read as the numbers they are', () => {
  const { scale } = quantizedInt8('w', tensorOf('float16', [1, 2], [0.5, -0.25]), { scalePer: 'tensor' });
  expect([...float32sOf(scale)]).toEqual([Math.fround(0.5 / 127)]);
});

test.each([NaN, Infinity, -Infinity])('a weight of %s is an error that names the tensor and the place', (bad) => {
  const { codes } = quantizedInt8('encoder.weight', float32s([2, 2], [1, 2, 3, bad]), { scalePer: 'row' });
  expect(() => codes.bytes()).toThrow(`Weight "encoder.weight" holds ${bad} at index 3,`);
});

test('what is no matrix is refused', () => {
  expect(() => quantizedInt8('w', scalar('float32', 1), { scalePer: 'row' })).toThrow('has 0 dimensions');
});

/** The definition, element by element; the quotient is a float32, as in ONNX QuantizeLinear. */
function naive(w: readonly number[], rows: number, columns: number, channel: (r: number, c: number) => number, channels: number, highest: number): { codes: number[]; scales: number[] } {
  const scales = Array.from({ length: channels }, (_, k) => {
    let largest = 0;
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) if (channel(r, c) === k) largest = Math.max(largest, Math.abs(w[r * columns + c]!));
    return largest > 0 ? Math.fround(largest / highest) : 1;
  });
  const nearest = (x: number): number => {
    const low = Math.floor(x);
    if (x - low !== 0.5) return Math.round(x);
    return low % 2 === 0 ? low : low + 1;
  };
  return { scales, codes: w.map((x, i) => nearest(Math.fround(x / scales[channel(Math.floor(i / columns), i % columns)]!))) };
}

test('agrees with the definition on any matrix, for each way to share a scale, in 8 bits and in 7', () => {
  const matrix = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })).chain(([rows, columns]) =>
    fc.record({ rows: fc.constant(rows), columns: fc.constant(columns), w: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: rows * columns, maxLength: rows * columns }) }));
  fc.assert(fc.property(matrix, fc.constantFrom('row' as const, 'column' as const, 'tensor' as const), fc.boolean(), ({ rows, columns, w }, scalePer, reduceRange) => {
    const [channel, channels] = scalePer === 'row' ? [(r: number) => r, rows] as const : scalePer === 'column' ? [(_: number, c: number) => c, columns] as const : [() => 0, 1] as const;
    const expected = naive(w, rows, columns, channel, channels, reduceRange ? 63 : 127);
    fc.pre(expected.scales.every((s) => s > 1e-36)); // below it float32 itself has no digits left for a scale
    const { codes, scale } = quantizedInt8('w', float32s([rows, columns], w), { scalePer, reduceRange });
    expect([...float32sOf(scale)]).toEqual(expected.scales);
    expect(codesOf(codes)).toEqual(expected.codes.map((c) => (c === 0 ? 0 : c)));
  }));
});
