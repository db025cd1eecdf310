import { parseModel } from '@onnxpress/onnx';
import { expect, test } from 'vitest';
import { testServices } from '../testing/test-context.ts';
import { Runtime, type Feed } from '../services/tokens.ts';
import { distance, verify, type Verified } from './verify.ts';

const feed = (data: Float32Array, dims = [data.length]): Feed => ({ dtype: 'float32', dims, data });
const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const compare = (before: string, after: string, numerics: 'exact' | 'rounding' | 'lossy' = 'exact', mode: 'auto' | 'off' = 'auto'): Promise<Verified> =>
  verify(parseModel(HEAD + before), parseModel(HEAD + after), numerics, mode, testServices().get(Runtime), { provider: 'cpu', threads: 1 });

const RELU = 'g (float[N, 4] x) => (float[N, 4] y) { y = Relu(x) }';

test('distance is relative to the largest entry', () => {
  expect(distance(feed(Float32Array.of(1, -8)), feed(Float32Array.of(1, -6)))).toBe(0.25);
});

test('NaN equals NaN, and infinity itself', () => {
  const odd = Float32Array.of(NaN, Infinity, 1);
  expect(distance(feed(odd), feed(odd.slice()))).toBe(0);
  expect(distance(feed(odd), feed(Float32Array.of(NaN, 1, 1)))).toBe('was Infinity and is 1 at element 1');
});

test('another shape or type is no number', () => {
  expect(distance(feed(new Float32Array(4)), feed(new Float32Array(4), [2, 2]))).toBe('was [4] and is [2, 2]');
});

test('equal models are bit-equal', async () => {
  expect(await compare(RELU, RELU)).toEqual({ equal: true, finding: 'outputs are bit-equal' });
});

test('a changed result is found, and said', async () => {
  const { equal, finding } = await compare(RELU, 'g (float[N, 4] x) => (float[N, 4] y) { y = Abs(x) }');
  expect(equal).toBe(false);
  expect(finding).toContain('output "y" differs by');
});

test('a batch dimension that was frozen is found, since two sizes are tried', async () => {
  const frozen = 'g (float[N, 4] x) => (float[N, 4] y) <int64[2] s = {1, 4}> { r = Reshape(x, s)\n y = Relu(r) }';
  await expect(compare(RELU, frozen)).rejects.toThrow(/cannot run the model/);
});

test('what is not compared says why', async () => {
  expect((await compare(RELU, RELU, 'lossy')).finding).toContain('on purpose');
  expect((await compare(RELU, RELU, 'exact', 'off')).finding).toContain('verify is off');
  expect((await compare('g (string[N] x) => (string[N] y) { y = acme.Foo(x) }', RELU)).finding).toContain('does not run');
});
