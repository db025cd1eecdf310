import { afterAll, expect, test } from 'vitest';
import { withArena } from '../memory/arena.ts';
import { WorkerPool } from '../pool/pool.ts';
import * as reference from '../reference/gptq.ts';
import * as plain from '../reference/linear-algebra.ts';
import { correlated, uniform } from '../reference/samples.ts';
import { inverseCholeskyUpper } from './cholesky.ts';
import { gptq, type GptqOptions, type GptqResult } from './gptq.ts';
import { gram } from './gram.ts';

const pools = [1, 2, 8].map((workers) => new WorkerPool({ workers }));
afterAll(() => Promise.all(pools.map((p) => p.dispose())));

/** Codes that agree with the float64 loop; the rest are ties that float32 decides the other way, and what follows from them. */
const AGREEMENT = 0.998;

interface Layer {
  readonly w: Float32Array;
  readonly h: Float32Array;
  readonly x: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
}

async function layer(inputs: number, outputs: number, tokens = 4 * inputs): Promise<Layer> {
  const x = correlated(tokens, inputs, 11);
  return { w: uniform(inputs * outputs, 12, 0.05), h: await gram(x, tokens, inputs), x, inputs, outputs };
}

async function quantized(l: Layer, options: Omit<GptqOptions, 'inputs' | 'outputs'>): Promise<GptqResult> {
  const { upper } = await inverseCholeskyUpper(l.h, l.inputs, { order: options.order });
  return gptq(l.w, upper, { inputs: l.inputs, outputs: l.outputs, ...options });
}

function valuesOf({ codes, scales, zeros }: GptqResult, { outputs }: Layer, groupSize: number): Float64Array {
  return Float64Array.from(codes, (code, at) => {
    const g = Math.floor(Math.floor(at / outputs) / groupSize) * outputs + (at % outputs);
    return (code - zeros[g]!) * scales[g]!;
  });
}

/** Squared error of the layer's result over the samples. */
function errorOf(values: ArrayLike<number>, { w, h, inputs, outputs }: Layer): number {
  const d = Float64Array.from(w, (x, i) => x - values[i]!);
  const hd = plain.matmul(h, d, [inputs, outputs, inputs]);
  return d.reduce((s, x, i) => s + x * hd[i]!, 0);
}

function agreement(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((same, x, i) => same + (x === b[i] ? 1 : 0), 0) / a.length;
}

const CASES: Record<string, Omit<GptqOptions, 'inputs' | 'outputs'> & { groupSize: number }> = {
  'one group per output': { bits: 4, groupSize: 150 },
  'groups within a block': { bits: 4, groupSize: 32 },
  'groups of several blocks': { bits: 4, groupSize: 64, block: 32 },
  'symmetric codes': { bits: 4, groupSize: 32, mode: 'symmetric' },
  'full-range codes': { bits: 4, groupSize: 32, mode: 'full-range' },
  '2 bits': { bits: 2, groupSize: 16 },
  '8 bits': { bits: 8, groupSize: 128 },
  'an order': { bits: 4, groupSize: 32, order: Array.from({ length: 150 }, (_, i) => (i * 61) % 150) },
};

for (const [name, options] of Object.entries(CASES)) {
  test(`codes and scales are those of the plain loop: ${name}`, async () => {
    for (const outputs of [37, 64]) { // with and without a rest behind tiles and vectors
      const l = await layer(150, outputs);
      const made = await quantized(l, options);
      const upper = plain.inverseCholeskyUpper(options.order ? l.h.map((_, at) => l.h[options.order![Math.floor(at / 150)]! * 150 + options.order![at % 150]!]!) : l.h, 150, 0.01);
      const twin = reference.gptq(l.w, upper, { inputs: 150, outputs, mode: 'asymmetric', ...options, order: options.order as readonly number[] });
      expect(agreement(made.codes, twin.codes)).toBeGreaterThanOrEqual(AGREEMENT);
      const first = twin.groups[0]!;
      expect([...made.scales.subarray(0, outputs)]).toEqual(first.map((g) => g.scale)); // nothing was moved there yet
      expect([...made.zeros.subarray(0, outputs)]).toEqual(first.map((g) => g.zero));
    }
  });
}

test('the error is well below that of rounding to nearest', async () => {
  const l = await layer(256, 48);
  for (const groupSize of [32, 128]) {
    const nearest = Float64Array.from(l.w);
    for (let g = 0; g < 256; g += groupSize) for (let o = 0; o < 48; o++) {
      const group = reference.groupOf(Array.from({ length: groupSize }, (_, i) => l.w[(g + i) * 48 + o]!), 4, 'asymmetric');
      for (let i = g; i < g + groupSize; i++) nearest[i * 48 + o] = (reference.codeOf(nearest[i * 48 + o]!, group, 4, 'asymmetric') - group.zero) * group.scale;
    }
    expect(errorOf(valuesOf(await quantized(l, { bits: 4, groupSize }), l, groupSize), l)).toBeLessThan(0.6 * errorOf(nearest, l)); // squared: 0.77 of the error
  }
});

test('independent inputs are rounded to nearest', async () => {
  const [inputs, outputs] = [40, 8];
  const w = uniform(inputs * outputs, 3);
  const identity = Float32Array.from({ length: inputs * inputs }, (_, i) => (i % (inputs + 1) === 0 ? 1 : 0));
  const { upper } = await inverseCholeskyUpper(identity, inputs);
  const { codes } = await gptq(w, upper, { inputs, outputs, bits: 4, groupSize: 8 });
  for (let i = 0; i < inputs; i++) for (let o = 0; o < outputs; o++) {
    const group = reference.groupOf(Array.from({ length: 8 }, (_, k) => w[(i - (i % 8) + k) * outputs + o]!), 4, 'asymmetric');
    expect(codes[i * outputs + o]).toBe(reference.codeOf(w[i * outputs + o]!, group, 4, 'asymmetric'));
  }
});

test('losses are half the squared error over the damped samples', async () => {
  const l = await layer(96, 20);
  const made = await quantized(l, { bits: 3, groupSize: 32 });
  let mean = 0;
  for (let i = 0; i < 96; i++) mean += l.h[i * 97]! / 96;
  for (let i = 0; i < 96; i++) l.h[i * 97]! += 0.01 * mean;
  const error = errorOf(valuesOf(made, l, 32), l);
  expect(made.losses.reduce((a, b) => a + b, 0) / (error / 2)).toBeCloseTo(1, 4);
});

test('where blocks end changes nothing but rounding', async () => {
  const l = await layer(200, 40);
  const whole = await quantized(l, { bits: 4, groupSize: 50, grid: 'original', block: 200 });
  for (const block of [1, 7, 64]) expect(agreement((await quantized(l, { bits: 4, groupSize: 50, grid: 'original', block })).codes, whole.codes)).toBeGreaterThanOrEqual(AGREEMENT);
});

test('scales of your own are kept', async () => {
  const l = await layer(64, 12);
  const own = { scales: new Float32Array(24).fill(0.01), zeros: new Uint8Array(24).fill(8) };
  const made = await quantized(l, { bits: 4, groupSize: 32, grid: own });
  expect(made.scales).toEqual(own.scales);
  expect(made.zeros).toEqual(own.zeros);
});

test('"out" becomes what the codes stand for, and W stays', async () => {
  const l = await layer(64, 12);
  const [before, out] = [l.w.slice(), new Float32Array(64 * 12)];
  const order = Array.from({ length: 64 }, (_, i) => 63 - i);
  for (const options of [{}, { order }]) {
    const made = await quantized(l, { bits: 4, groupSize: 16, out, ...options });
    expect([...out]).toEqual([...valuesOf(made, l, 16)].map(Math.fround));
    expect(l.w).toEqual(before);
  }
});

test('the same bytes with 1, 2 and 8 workers, from an arena or not', async () => {
  const l = await layer(300, 333);
  const { upper } = await inverseCholeskyUpper(l.h, 300);
  const options = { inputs: 300, outputs: 333, bits: 4, groupSize: 32 };
  const [one, two, eight] = await Promise.all(pools.map((pool) => gptq(l.w, upper, { ...options, pool })));
  expect(two).toEqual(one);
  expect(eight).toEqual(one);
  await withArena(async (arena) => {
    const [w, r] = [arena.float32(l.w.length), arena.float32(upper.length)];
    w.set(l.w);
    r.set(upper);
    expect(await gptq(w, r, options)).toEqual(one);
  });
});

test('groups that straddle blocks are refused, with what helps', async () => {
  await expect(gptq(new Float32Array(64), new Float32Array(64 * 64), { inputs: 64, outputs: 1, bits: 4, groupSize: 48, block: 32 })).rejects.toThrow('multiple or a divisor');
  await expect(gptq(new Float32Array(64), new Float32Array(64 * 64), { inputs: 64, outputs: 1, bits: 4, grid: 'current', order: new Array<number>(64).fill(0) })).rejects.toThrow('Take original');
});
