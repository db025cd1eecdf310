import { expect, test } from 'vitest';
import { after } from '../testing/applied.ts';
import { splitSlices } from './split-slices.ts';

const NUMBERS = 'int64[1] zero = {0}, int64[1] two = {2}, int64[1] three = {3}, int64[1] end = {9223372036854775807}, int64[1] a = {-1}';
const left = (call: string, rest = ''): Promise<string[]> => after(`g (float[N, 4] x) => (float[N, M] y, float[N, K] z) <${NUMBERS}> { ${call}  y = Relu(p)  z = Neg(q) ${rest} }`, splitSlices);

test('two halves are one Split', async () => {
  expect(await left('p = Slice(x, zero, two, a)  q = Slice(x, two, end, a)')).toEqual([expect.stringMatching(/^\w+, \w+ = Split\(x\)$/), expect.stringMatching(/^y = Relu/), expect.stringMatching(/^z = Neg/)]);
});

test('uneven parts say their sizes, in whatever order they are taken', async () => {
  expect(await left('q = Slice(x, three, end, a)  p = Slice(x, zero, three, a)')).toContainEqual(expect.stringMatching(/Split\(x, \w+\)$/));
});

test('halves of a part are parts of what the first Split gives', async () => {
  const both = `g (float[N, 8] x) => (float[N, 4] w, float[N, 2] y, float[N, 2] z) <int64[1] zero = {0}, int64[1] two = {2}, int64[1] four = {4}, int64[1] end = {99}, int64[1] a = {1}> {
    l = Slice(x, zero, four, a) r = Slice(x, four, end, a) p = Slice(l, zero, two, a) q = Slice(l, two, end, a) w = Relu(r) y = Relu(p) z = Neg(q) }`;
  const [outer, inner] = await after(both, splitSlices);
  expect(outer).toMatch(/= Split\(x\)$/);
  expect(inner?.split(' = ')[1]).toBe(`Split(${outer?.split(',')[0]})`);
});

test('parts that overlap, leave something out, or lie along other axes stay', async () => {
  expect(await left('p = Slice(x, zero, three, a)  q = Slice(x, two, end, a)')).toHaveLength(4);
  expect(await left('p = Slice(x, zero, two, a)  q = Slice(x, three, end, a)')).toHaveLength(4);
  expect(await left('p = Slice(x, zero, two, a)  q = Slice(x, two, end, zero)')).toHaveLength(4);
});

test('parts of a size that is not known stay', async () => {
  expect(await left('p = Slice(x, zero, two, zero)  q = Slice(x, two, end, zero)')).toHaveLength(4);
});

test('an excluded Slice stays', async () => {
  const text = `g (float[4] x) => (float[2] y, float[2] z) <${NUMBERS}> { y = Slice(x, zero, two, zero)  z = Slice(x, two, end, zero) }`;
  expect(await after(text, splitSlices, (n) => n.outputs[0]?.name === 'z')).toHaveLength(2);
  expect(await after(text, splitSlices)).toEqual(['y, z = Split(x)']);
});
