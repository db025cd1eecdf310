import type { Codes } from './codes.ts';

/** Codes as bytes, for a checkpoint: scales, zero points, codes. */
export function bytesOf({ codes, scales, zeros }: Codes): Uint8Array {
  const bytes = new Uint8Array(scales.byteLength + zeros.length + codes.length);
  bytes.set(new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength));
  bytes.set(zeros, scales.byteLength);
  bytes.set(codes, scales.byteLength + zeros.length);
  return bytes;
}

/** The codes that `bytesOf` wrote, of a weight with so many inputs, outputs and blocks. */
export function codesFrom(bytes: Uint8Array, { k, n, block }: { readonly k: number; readonly n: number; readonly block: number }): Codes {
  const count = Math.ceil(k / block) * n;
  return { scales: new Float32Array(bytes.slice(0, count * 4).buffer), zeros: bytes.slice(count * 4, count * 5), codes: bytes.slice(count * 5, count * 5 + k * n) };
}
