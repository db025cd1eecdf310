import { afterAll, expect, test } from 'vitest';
import { float32s, tensorOf } from '../ir/values.ts';
import { quantizedInt8 } from './int8.ts';
import { TensorFolder } from './testing.ts';

const folder = new TensorFolder();
afterAll(() => folder.remove());

const values = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * (1 + (i % 7)));
const ways = (['row', 'column', 'tensor'] as const).flatMap((scalePer) => [false, true].flatMap((transposed) => [false, true].map((reduceRange) => ({ scalePer, transposed, reduceRange }))));

test.each(ways)('a scale per $scalePer, transposed: $transposed, 7 bits: $reduceRange: from file to file the bytes are those in memory', async (options) => {
  for (const form of ['float32', 'bfloat16'] as const) {
    const tensor = tensorOf(form, [300, 500], values(150_000));
    const [here, there] = [tensor, folder.inFile(tensor)].map((t) => quantizedInt8('w', t, options));
    const [codes, scale] = await folder.written(there!.codes, there!.scale);
    expect([Buffer.compare(codes!, here!.codes.bytes()), Buffer.compare(scale!, here!.scale.bytes())]).toEqual([0, 0]);
  }
});

test.each(ways)('a scale per $scalePer, transposed: $transposed, 7 bits: $reduceRange: writing a weight with a NaN says which and where', async (options) => {
  const w = values(150_000);
  w[1234] = NaN;
  const { codes } = quantizedInt8('encoder.weight', folder.inFile(float32s([300, 500], w)), options);
  await expect(folder.written(codes)).rejects.toThrow('Weight "encoder.weight" holds NaN at index 1234');
});
