import { parseModel, type Model } from '@onnxpress/onnx';
import { expect, test } from 'vitest';
import { OrtRuntime, OrtThreads } from './ort.ts';
import { interruptible, type Feeds, type Runtime, type Session } from './tokens.ts';

const doubling = (): Model => parseModel(`<ir_version: 8, opset_import: ["" : 17]> agraph (float[N] x) => (float[N] y) { y = Add (x, x) }`);
/** Squares of a matrix, so many times over: some tenths of a second natively. */
const slow = (): Model => parseModel(`<ir_version: 8, opset_import: ["" : 17]> agraph (float[N, N] x) => (float[N, N] y) { ${Array.from({ length: 40 }, (_, i) => `t${i + 1} = MatMul (${i === 0 ? 'x' : `t${i}`}, x)`).join(' ')} y = Identity (t40) }`);

const numbers = (...values: number[]): Feeds => ({ x: { dtype: 'float32', dims: [values.length], data: Float32Array.from(values) } });
const matrix = (n: number): Feeds => ({ x: { dtype: 'float32', dims: [n, n], data: new Float32Array(n * n) } });

async function using<T>(runtime: Runtime, model: Model, act: (session: Session) => Promise<T>): Promise<T> {
  const session = await runtime.load(model);
  try {
    return await act(session);
  } finally {
    await session.dispose();
  }
}

for (const [where, make] of [['on the calling thread', () => new OrtRuntime()], ['in threads', () => new OrtThreads()]] as const) {
  test(`a model runs ${where}, again and again`, async () => {
    const runtime = make();
    for (let round = 0; round < 3; round++) await using(runtime, doubling(), async (session) => {
      expect([session.inputs, session.outputs]).toEqual([['x'], ['y']]);
      const feeds = numbers(1, 2, 3);
      for (let run = 0; run < 3; run++) expect((await session.run(feeds))['y']).toEqual({ dtype: 'float32', dims: [3], data: Float32Array.of(2, 4, 6) });
      expect(await session.time!(feeds)).toBeGreaterThan(0);
    });
  });

  test(`what is wrong with a model or its numbers is told ${where}, and the next one works`, async () => {
    const runtime = make();
    const broken = parseModel(`<ir_version: 8, opset_import: ["" : 17]> agraph (float[N] x) => (float[N] y) { y = Nonsense (x) }`);
    await expect(runtime.load(broken)).rejects.toThrow(/onnxruntime cannot load the model: .*Nonsense/);
    await using(runtime, doubling(), async (session) => {
      await expect(session.run({})).rejects.toThrow(/onnxruntime cannot run the model: .*x/);
      await expect(session.run({ x: { dtype: 'float32', dims: [4], data: Float32Array.of(1) } })).rejects.toThrow('onnxruntime cannot run the model: ');
      expect((await session.run(numbers(4)))['y']!.data).toEqual(Float32Array.of(8));
    });
  });

  test(`a provider that is not here is an error that names those that are, ${where}`, async () => {
    await expect(make().load(doubling(), { provider: 'abacus' })).rejects.toThrow(/by the provider "abacus": .*come with it here are "cpu".*name another in the recipe's runtime/);
  });

  test(`an interruption rejects with its reason ${where}`, async () => {
    const stop = new AbortController();
    const runtime = interruptible(make(), stop.signal);
    const session = await runtime.load(doubling());
    stop.abort(new Error('enough'));
    await expect(session.run(numbers(1))).rejects.toThrow('enough');
    await session.dispose();
    await expect(runtime.load(doubling())).rejects.toThrow('enough');
  });
}

test('numbers stay the caller\'s: a feed may be a part of an array, of a buffer, or of shared memory', async () => {
  const shared = new Float32Array(new SharedArrayBuffer(16));
  shared.set([1, 2, 3, 4]);
  const bytes = parseModel(`<ir_version: 8, opset_import: ["" : 17]> agraph (uint8[N] x) => (uint8[N] y) { y = Identity (x) }`);
  const runtime = new OrtThreads();
  await using(runtime, doubling(), async (session) => {
    for (const data of [Float32Array.of(9, 1, 2, 9).subarray(1, 3), shared.subarray(0, 2)]) {
      expect((await session.run({ x: { dtype: 'float32', dims: [2], data } }))['y']!.data).toEqual(Float32Array.of(2, 4));
      expect([...data]).toEqual([1, 2]);
    }
  });
  await using(runtime, bytes, async (session) => {
    const data = Buffer.from('ab');
    expect([...(await session.run({ x: { dtype: 'uint8', dims: [2], data } }))['y']!.data]).toEqual([97, 98]);
    expect(data.toString()).toBe('ab');
  });
});

test('two sessions may run at the same time', async () => {
  const runtime = new OrtThreads();
  const sessions = await Promise.all([runtime.load(doubling()), runtime.load(doubling())]);
  const all = await Promise.all(sessions.flatMap((session, which) => [1, 2, 3].map((x) => session.run(numbers(x + which)))));
  expect(all.map((outputs) => outputs['y']!.data[0])).toEqual([2, 4, 6, 4, 6, 8]);
  for (const session of sessions) await session.dispose();
});

test('the caller\'s thread goes on while a model runs, and leaves it at once', async () => {
  const stop = new AbortController();
  const session = await new OrtThreads().load(slow(), { threads: 1, signal: stop.signal });
  let turns = 0;
  const ticking = setInterval(() => {
    if (++turns === 3) stop.abort(new Error('enough'));
  }, 1);
  const feeds = matrix(1000);
  const started = performance.now();
  await expect(session.run(feeds)).rejects.toThrow('enough');
  clearInterval(ticking);
  expect(turns).toBe(3);
  await session.dispose();
  expect(performance.now() - started).toBeLessThan(await alone()); // it did not wait for the end of the run
});

/** What a whole run takes, at least. */
async function alone(): Promise<number> {
  return using(new OrtRuntime(), slow(), (session) => session.time!(matrix(1000)));
}
