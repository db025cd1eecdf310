import { Clock, Runtime, type Feeds, type Measured, type Model, type Services } from '@onnxpress/core';
import { evaluatorCases, testContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { encoder, scaler } from '../testing/models.ts';
import { latency } from './latency.ts';

type Options = Parameters<typeof latency.measure>[1];
const defaults: Options = { batch: 1, length: 128, dims: {}, rounds: 10, seconds: 1000, warmup: 0 };

/** A runtime whose sessions take as long as `cost` says, on a clock that only they move. */
class Stopwatch {
  now = 0;
  readonly ran: string[] = [];
  readonly fed: Feeds[] = [];
  freed = 0;
  readonly #cost: (who: string, run: number) => number;
  readonly #names: ReadonlyMap<Model, string>;

  constructor(original: Model, result: Model, cost: (who: string, run: number) => number) {
    this.#names = new Map([[original, 'original'], [result, 'result']]);
    this.#cost = cost;
  }

  readonly services = (services: Services): void => {
    services.set(Clock, { now: () => 0, ticks: () => this.now });
    services.set(Runtime, {
      version: 'stopwatch',
      load: async (model) => {
        const who = this.#names.get(model)!;
        return {
          inputs: [], outputs: [],
          run: async (feeds) => {
            this.now += this.#cost(who, this.ran.length);
            this.ran.push(who);
            this.fed.push(feeds);
            return {};
          },
          dispose: async () => void this.freed++,
        };
      },
    });
  };
}

async function measure(cost: (who: string, run: number) => number, options: Partial<Options> = {}): Promise<{ measured: Measured; watch: Stopwatch }> {
  const [original, result] = [encoder(), encoder()];
  const watch = new Stopwatch(original, result, cost);
  return { measured: await latency.measure({ original, result }, { ...defaults, ...options }, testContext({ services: watch.services })), watch };
}

for (const { name, run } of evaluatorCases(latency, {
  measures: [{
    name: 'a text model', original: () => encoder(), options: { rounds: 3 },
    check: ({ result }) => expect(result.perExample?.['latency.p50']).toHaveLength(3),
  }],
  rejects: [{ name: 'no rounds', options: { rounds: 0 }, says: /rounds/ }],
})) test(name, run);

test('the two take turns, and who goes first alternates', async () => {
  const { watch } = await measure(() => 1, { rounds: 4 });
  expect(watch.ran).toEqual(['original', 'result', 'result', 'original', 'original', 'result', 'result', 'original']);
});

test('medians and percentiles are of the rounds, throughput is their mean', async () => {
  const { measured } = await measure((who) => (who === 'original' ? 10 : 4), { batch: 2 });
  expect(measured.original.metrics).toEqual({ 'latency.p50': 10, 'latency.p95': 10, throughput: 200 });
  expect(measured.result.metrics).toEqual({ 'latency.p50': 4, 'latency.p95': 4, throughput: 500 });
  expect(measured.units).toEqual({ 'latency.p50': 'ms', 'latency.p95': 'ms', throughput: 'per-second' });
});

test('a machine that slows down slows both of a pair', async () => {
  const { measured } = await measure((who, run) => (run < 10 ? 1 : 3) * (who === 'original' ? 10 : 5), { rounds: 10 });
  const [was, is] = [measured.original.perExample!['latency.p50']!, measured.result.perExample!['latency.p50']!];
  expect(was).toEqual([...new Array<number>(5).fill(10), ...new Array<number>(5).fill(30)]);
  expect(is.map((ms, round) => ms / was[round]!)).toEqual(new Array<number>(10).fill(0.5));
});

test('warm-up runs do not count', async () => {
  const { measured, watch } = await measure((_, run) => (run < 4 ? 1000 : 10), { warmup: 2 });
  expect(watch.ran).toHaveLength(24);
  expect(measured.result.metrics['latency.p95']).toBe(10);
});

test('a slow model gets seven rounds whatever the budget, and the report says so', async () => {
  const { measured } = await measure(() => 5000, { rounds: 50, seconds: 1 });
  expect(measured.result.perExample?.['latency.p50']).toHaveLength(7);
  expect(measured.remarks).toEqual(['Timing stopped after 1 s with 7 of 50 rounds.']);
});

test('both models get the same texts: ids of the vocabulary, all of them unmasked', async () => {
  const { watch } = await measure(() => 1, { batch: 2, length: 16, rounds: 1 });
  const [feeds] = watch.fed;
  expect(watch.fed.every((other) => other === feeds)).toBe(true);
  expect(feeds!['input_ids']!.dims).toEqual([2, 16]);
  expect([...new Set(feeds!['input_ids']!.data as BigInt64Array)].every((id) => id >= 0n && id < 6n)).toBe(true); // int64 is in such an array
  expect(new Set(feeds!['attention_mask']!.data as BigInt64Array)).toEqual(new Set([1n]));
});

test('both sessions are freed, also when a run fails', async () => {
  const [original, result] = [encoder(), encoder()];
  const watch = new Stopwatch(original, result, (who) => {
    if (who === 'result') throw new Error('no kernel');
    return 1;
  });
  await expect(latency.measure({ original, result }, defaults, testContext({ services: watch.services }))).rejects.toThrow('no kernel');
  expect(watch.freed).toBe(2);
});

test('a symbolic dimension that is no batch wants a size', async () => {
  const watch = new Stopwatch(scaler(1), scaler(1), () => 1);
  const models = { original: scaler(2), result: scaler(2) };
  await expect(latency.measure(models, defaults, testContext({ services: watch.services }))).rejects.toThrow('Dimension 1 of input "x" is "width", and nobody said how large that is.');
  const { result } = await latency.measure(models, { ...defaults, rounds: 2, dims: { width: 3 } }, testContext());
  expect(result.perExample?.['latency.p50']).toHaveLength(2);
});
