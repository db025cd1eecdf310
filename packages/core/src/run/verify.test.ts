import { parseModel, type Model } from '@onnxpress/onnx';
import { expect, test } from 'vitest';
import { testServices } from '../testing/test-context.ts';
import { Clock, Runtime } from '../services/tokens.ts';
import { verify, type Verified, type VerifyMode } from './verify.ts';
import type { Numerics } from '../plugin/kinds.ts';

const HEAD = '<ir_version: 8, opset_import: ["" : 17, "acme" : 1, "com.microsoft" : 1]>\n';

function compare(before: string, after: string, numerics: Numerics = 'exact', mode: VerifyMode = 'auto'): Promise<Verified> {
  const services = testServices();
  const model = (text: string): ReturnType<typeof parseModel> => parseModel(text.startsWith('<') ? text : HEAD + text);
  return verify({ before: model(before), after: model(after), numerics, mode, runtime: services.get(Runtime), settings: { provider: 'cpu', threads: 1 }, clock: services.get(Clock) });
}

const RELU = 'g (float[N, 4] x) => (float[N, 4] y) { y = Relu(x) }';

test('equal models are bit-equal, at three sizes', async () => {
  const { verdict, finding } = await compare(RELU, RELU);
  expect(verdict).toBe('equal');
  expect(finding).toBe('outputs are bit-equal; at N 1, 2, 3');
});

test('a changed result is found, and said', async () => {
  const { verdict, finding } = await compare(RELU, 'g (float[N, 4] x) => (float[N, 4] y) { y = Abs(x) }');
  expect(verdict).toBe('different');
  expect(finding).toMatch(/^output "y" differs by .* at N 1$/);
});

test('a batch dimension that was frozen is found, since batches of one and more are tried', async () => {
  const frozen = 'g (float[N, 4] x) => (float[N, 4] y) <int64[2] s = {1, 4}> { r = Reshape(x, s)\n y = Relu(r) }';
  expect(await compare(RELU, frozen)).toMatchObject({ verdict: 'different', finding: expect.stringContaining('the model after the step does not run') as string });
});

test('two dimensions that were taken for one another are found, since their sizes are apart', async () => {
  const before = 'g (float[B, N, M] x) => (float[B, P, 1] y) <int64[3] s = {0, -1, 1}> { y = Reshape(x, s) }';
  const after = 'g (float[B, N, M] x) => (float[B, P, 1] y) <int64[1] i = {1}, int64[1] one = {1}, int64[1] same = {0}> { d = Shape(x)\n n = Gather(d, i)\n m = Mul(n, n)\n t = Concat <axis = 0> (same, m, one)\n y = Reshape(x, t) }';
  expect((await compare(before, after)).verdict).toBe('different');
});

test('a mask that lost its meaning is found, since some of its tokens are padding', async () => {
  const before = 'g (int64[B, S] attention_mask, float[B, S] x) => (float[B, S] y) { m = Cast <to = 1> (attention_mask)\n y = Mul(x, m) }';
  expect((await compare(before, 'g (int64[B, S] attention_mask, float[B, S] x) => (float[B, S] y) { y = Identity(x) }')).verdict).toBe('different');
});

test('a model that only runs at some sizes is compared there', async () => {
  const large = 'g (float[B, 3, H, W] x) => (float[B, 3, 1, 1] y) { c = MaxPool <kernel_shape = [33, 33]> (x)\n y = GlobalMaxPool(c) }';
  expect(await compare(large, large)).toMatchObject({ verdict: 'equal', finding: expect.stringContaining('B 1, 2, 3; H 64, 96, 128') as string });
});

test('the model after a step is not run again as the model before the next one', async () => {
  const services = testServices();
  const inner = services.get(Runtime);
  const loaded: string[] = [];
  const runtime: Runtime = { version: inner.version, load: (m, options) => (loaded.push(`${m.graph.name} ${options?.optimize}`), inner.load(m, options)) };
  const [first, second, third] = ['first', 'second', 'third'].map((name) => parseModel(HEAD + RELU.replace('g (', `${name} (`)));
  const wrong = parseModel(HEAD + RELU.replace('Relu', 'Abs'));
  const step = (before: Model, after: Model): Promise<Verified> => verify({ before, after, numerics: 'exact', mode: 'auto', runtime, settings: { provider: 'cpu', threads: 1 }, clock: services.get(Clock) });
  await step(first!, second!);
  expect(loaded.splice(0)).toEqual(['first none', 'second none', 'second basic', 'second all']);
  expect((await step(second!, third!)).finding).toBe('outputs are bit-equal; at N 1, 2, 3');
  expect(loaded.splice(0)).toEqual(['third none', 'third basic', 'third all']);
  expect((await step(third!, wrong)).finding).toMatch(/^output "y" differs by .* at N 1$/);
});

test('what the runtime makes of the model before is not held against the step', async () => {
  // onnxruntime computes the pair of products in another order once it fuses them
  const conv = 'g (float[N, 2, 5] x) => (float[N, 2, 5] y) <float[2, 2, 1] w = {0.3, 0.7, -0.1, 0.2}, float[2, 1] s = {3, 7}> { c = Conv(x, w)\n y = Mul(c, s) }';
  expect((await compare(conv, conv)).verdict).toBe('equal');
});

test('an operator that the runtime lacks is left out, and what lies around it is compared', async () => {
  const before = 'g (float[N, 4] x) => (float[N, 4] y) <float[N, 4] c> { a = Relu(x)\n b = Identity(a)\n c = acme.Foo(b)\n y = Neg(c) }';
  const simpler = 'g (float[N, 4] x) => (float[N, 4] y) <float[N, 4] c> { a = Relu(x)\n c = acme.Foo(a)\n y = Neg(c) }';
  expect(await compare(before, simpler)).toMatchObject({ verdict: 'equal', finding: expect.stringContaining('compared around acme.Foo') as string });
  expect(await compare(before, before.replace('Relu', 'Abs'))).toMatchObject({ verdict: 'different', finding: expect.stringContaining('input 0 of acme.Foo') as string });
  expect(await compare(before, before.replace('Neg', 'Abs'))).toMatchObject({ verdict: 'different', finding: expect.stringContaining('output "y"') as string });
});

test('where the type of what it gives is not known, what reads that is left out too, and what that makes is not said to be equal', async () => {
  const before = 'g (float[N, 4] x) => (float[N, 4] y) { a = Relu(x)\n c = acme.Foo(a)\n y = Neg(c) }';
  expect((await compare(before, before)).finding).toContain('compared around acme.Foo, Neg');
  expect(await compare(before, before.replace('Relu', 'Abs'))).toMatchObject({ verdict: 'different', finding: expect.stringContaining('input 0 of acme.Foo') as string });
  expect((await compare(before, before.replace('Neg', 'Abs'))).finding).toContain('"y" not compared');
});

test('random draws are left out, and two of them are not one', async () => {
  const before = 'g (float[N, 4] x) => (float[N, 4] y) { a = RandomNormalLike(x)\n b = RandomNormalLike(x)\n c = Sub(a, b)\n y = Add(x, c) }';
  expect((await compare(before, before)).verdict).toBe('equal');
  expect((await compare(before, 'g (float[N, 4] x) => (float[N, 4] y) { a = RandomNormalLike(x)\n c = Sub(a, a)\n y = Add(x, c) }')).verdict).toBe('different');
});

test('sequences that cross the border are compared by what they are made of', async () => {
  const before = 'g (float[N, 4] x) => (seq(float[N, 4]) y) { a = Relu(x)\n y = SequenceConstruct(a, x) }';
  expect((await compare(before, before)).verdict).toBe('equal');
  expect((await compare(before, before.replace('Relu', 'Abs'))).verdict).toBe('different');
});

test('what is not compared says why', async () => {
  expect((await compare(RELU, RELU, 'lossy')).finding).toContain('on purpose');
  expect((await compare(RELU, RELU, 'exact', 'off')).finding).toContain('verify is off');
  expect((await compare('g (seq(float[N]) x) => (seq(float[N]) x) { }', RELU)).finding).toContain('no tensors');
});

test('a model at which the runtime would end the process is refused instead', async () => {
  const attention = `g (float[N, S, 8] x) => (float[N, S, 8] y) <float[8, 24] w = {${Array.from({ length: 192 }, () => '0.1').join(', ')}}> { y = com.microsoft.Attention <num_heads = 2> (x, w) }`;
  expect(await compare(attention, attention)).toMatchObject({ verdict: 'not compared', finding: expect.stringContaining('would end this process at') as string });
});

test('a model at which the runtime ends the process once it optimizes is compared as it is', async () => {
  const quantized = 'g (float[N, 2] x) => (float[N, 2] y) <int8[2, 2] w = {1, 2, 3, 4}, float[2] s = {0.5, 0.25}, int8[2] z = {0, 1}> { a = DequantizeLinear <axis = 1> (w, s, z)\n b = Transpose(a)\n y = MatMul(x, b) }';
  expect(await compare(quantized, quantized)).toMatchObject({ verdict: 'equal', finding: expect.stringContaining('itself moves them') as string });
});
