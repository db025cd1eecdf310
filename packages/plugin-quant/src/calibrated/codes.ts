import { memoryTensor, type Tensor } from '@onnxpress/core';
import { toFloat16, type BlockMode, type Grid, type ScaleForm } from '@onnxpress/kernels';
import { storedBits } from '../blocks/stored-scale.ts';
import type { BlockWeight } from '../blocks/weight.ts';
import { leastCode } from './grid.ts';
import { roundEven } from '../round-even.ts';

/** A weight as a solver leaves it. */
export interface Codes extends Grid {
  /** One byte per weight, [K, N]. Its value is (code - zero) * scale, both of the block that it lies in. */
  readonly codes: Uint8Array;
}

interface Form {
  readonly k: number;
  readonly n: number;
  readonly bits: number;
  readonly block: number;
}

/** Rounds to the nearest code of a grid, half to even. */
export function nearestCodes(w: Float32Array, grid: Grid, { k, n, bits, block, mode }: Form & { readonly mode: BlockMode }): Codes {
  const codes = new Uint8Array(k * n);
  const [least, top] = [leastCode(mode), 2 ** bits - 1];
  for (let i = 0; i < k; i++) {
    const at = Math.floor(i / block) * n;
    for (let j = 0; j < n; j++) codes[i * n + j] = Math.min(top, Math.max(least, roundEven(w[i * n + j]! / grid.scales[at + j]!) + grid.zeros[at + j]!));
  }
  return { codes, ...grid };
}

/** What codes stand for, [K, N]. */
export function valuesOf({ codes, scales, zeros }: Codes, { k, n, block }: Form): Float32Array {
  const values = new Float32Array(k * n);
  for (let i = 0; i < k; i++) {
    const at = Math.floor(i / block) * n;
    for (let j = 0; j < n; j++) values[i * n + j] = (codes[i * n + j]! - zeros[at + j]!) * scales[at + j]!;
  }
  return values;
}

/** What rounding to the nearest codes of a grid changes, [K, N]; written over the weights. */
export function changeByRounding(w: Float32Array, { scales, zeros }: Grid, { k, n, bits, block, mode }: Form & { readonly mode: BlockMode }): Float32Array {
  const [least, top] = [leastCode(mode), 2 ** bits - 1];
  for (let i = 0; i < k; i++) {
    const at = Math.floor(i / block) * n;
    for (let j = 0; j < n; j++) {
      const x = w[i * n + j]!;
      const scale = scales[at + j]!;
      const zero = zeros[at + j]!;
      w[i * n + j] = Math.fround((Math.min(top, Math.max(least, roundEven(x / scale) + zero)) - zero) * scale) - x;
    }
  }
  return w;
}

/** The codes as MatMulNBits stores them. Zero points that are all in the middle are left out. */
export function blockWeightOf({ codes, scales, zeros }: Codes, { k, n, bits, block }: Form, form: ScaleForm): BlockWeight {
  const stored = storedBits(bits);
  const blocks = Math.ceil(k / block);
  const perByte = 8 / stored;
  const packed = new Uint8Array((n * blocks * block) / perByte);
  const [turnedScales, turnedZeros] = [new Float32Array(n * blocks), new Uint8Array(n * Math.ceil(blocks / perByte))];
  for (let b = 0; b < blocks; b++) {
    for (let j = 0; j < n; j++) {
      turnedScales[j * blocks + b] = scales[b * n + j]!;
      turnedZeros[j * Math.ceil(blocks / perByte) + Math.floor(b / perByte)]! |= zeros[b * n + j]! << (stored * (b % perByte));
    }
  }
  const padded = blocks * block;
  for (let i = 0; i < padded; i++) {
    const at = Math.floor(i / block) * n;
    const [byte, shift] = [Math.floor(i / perByte), stored * (i % perByte)];
    for (let j = 0; j < n; j++) packed[(j * padded) / perByte + byte]! |= (i < k ? codes[i * n + j]! : zeros[at + j]!) << shift;
  }
  const middle = 2 ** (stored - 1);
  return {
    bits: stored, block,
    codes: memoryTensor('uint8', [n, blocks, block / perByte], packed),
    scales: scaleTensor(turnedScales, form),
    zeroPoints: zeros.every((z) => z === middle) ? undefined : memoryTensor('uint8', [turnedZeros.length], turnedZeros),
  };
}

const scaleTensor = (scales: Float32Array, form: ScaleForm): Tensor => (form === 'float16' ? memoryTensor('float16', [scales.length], toFloat16(scales)) : memoryTensor('float32', [scales.length], scales));
