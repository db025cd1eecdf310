import { float32s, float32sOf, parseModel } from '@onnxpress/core';
import { describe, expect, test } from 'vitest';
import { targetOf, type Target } from '../target.ts';
import { groupsOf, type WeightGroup } from './group.ts';
import { roundedBlocks, roundedPiece, type Rounding } from './rounded.ts';
import { weightError } from './weight-error.ts';
import type { BlockWeight } from './weight.ts';

const [K, N] = [77, 5];
const numbers = Array.from({ length: K * N }, (_, i) => Math.sin(i * 12.9898) + Math.sin(i * 78.233) / 2 + 0.1);
const importance = Array.from({ length: K }, (_, i) => 1 + (i % 5) * 10);

/** A weight that is stored as [N, K] or [K, N]. */
function groupOf(alongRows: boolean): WeightGroup {
  const [dims, product] = alongRows ? [[N, K], 'Gemm<transB = 1>(x, w)'] : [[K, N], 'MatMul(x, w)'];
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]> g (float[2, ${K}] x) => (float[2, ${N}] y) <float[${dims.join(', ')}] w> { y = ${product} }`.replace('] w>', `] w = {${numbers.join(', ')}}>`));
  return groupsOf([...model.nodes()].map(targetOf) as Target[])[0]!; // its only node is a target
}

const packedAt = (bytes: Uint8Array, bits: number, at: number): number => (bytes[Math.floor((at * bits) / 8)]! >> ((at * bits) % 8)) & (2 ** bits - 1);

/** [N, K], by the definition of MatMulNBits; and the codes. */
function stood({ bits, block, codes, scales, zeroPoints }: BlockWeight): { values: number[]; codes: number[] } {
  const blocks = Math.ceil(K / block);
  const [code, scale, zero] = [codes.bytes(), float32sOf(scales), zeroPoints?.bytes()];
  const found = Array.from({ length: N * K }, (_, i) => packedAt(code, bits, Math.floor(i / K) * blocks * block + (i % K)));
  const values = found.map((c, i) => {
    const [n, b] = [Math.floor(i / K), Math.floor((i % K) / block)];
    const zeroPoint = zero ? packedAt(zero.subarray(n * Math.ceil((blocks * bits) / 8)), bits, b) : 2 ** (bits - 1);
    return (c - zeroPoint) * scale[n * blocks + b]!;
  });
  return { values, codes: found };
}

const all: Rounding[] = [];
for (const bits of [2, 3, 4, 8] as const) for (const mode of ['asymmetric', 'symmetric', 'full-range'] as const) for (const search of ['none', 'mse', 'k-quant'] as const) all.push({ bits, block: 32, mode, scales: bits === 4 ? 'float32' : 'float16', search });

describe.each(all)('$bits bits, $mode, $search', (rounding) => {
  test.each([true, false])('what is stored is what errors are measured by; along rows: %s', (alongRows) => {
    const group = groupOf(alongRows);
    const { values, codes } = stood(roundedBlocks(group, rounding, importance));
    const measured = roundedPiece({ w: float32sOf(group.tensor), rows: alongRows ? N : K, columns: alongRows ? K : N, alongRows, from: 0 }, rounding, importance);
    values.forEach((v, i) => expect(v).toBeCloseTo(measured[alongRows ? i : (i % K) * N + Math.floor(i / K)]!, 5));
    expect(Math.max(...codes)).toBeLessThan(2 ** rounding.bits);
    if (rounding.mode === 'symmetric') expect(Math.min(...codes)).toBeGreaterThanOrEqual(1); // the lowest is not used
  });
});

test.each([2, 3, 4, 8] as const)('a search finds an error that is no larger: %i bits', (bits) => {
  const plain = { bits, block: 32, mode: 'asymmetric', scales: 'float16', search: 'none' } as const;
  const errorOf = (search: Rounding['search']): number => weightError(groupOf(false), { ...plain, search });
  expect(errorOf('mse')).toBeLessThanOrEqual(errorOf('none') * 1.0001); // ties of float32 quotients
  if (bits < 8) expect(errorOf('mse')).toBeLessThan(0.99 * errorOf('none'));
});

test('the error of a large weight is that of parts of it', () => {
  const [k, n] = [4096, 300]; // more than is looked at
  const values = Float32Array.from({ length: k * n }, (_, i) => Math.sin(i * 12.9898) + Math.sin(i * 78.233) / 2);
  const rounding = { bits: 4, block: 64, mode: 'asymmetric', scales: 'float16', search: 'none' } as const;
  for (const alongRows of [true, false]) {
    const tensor = float32s(alongRows ? [n, k] : [k, n], values);
    const whole = roundedPiece({ w: values, rows: alongRows ? n : k, columns: alongRows ? k : n, alongRows, from: 0 }, rounding);
    const [off, own] = values.reduce(([a, b], w, i) => [a + (whole[i]! - w) ** 2, b + w * w], [0, 0]) as [number, number];
    expect(weightError({ ...groupOf(alongRows), tensor, k, n, alongRows }, rounding)).toBeCloseTo(Math.sqrt(off / own), 3); // a fifth of the weights are looked at
  }
});
