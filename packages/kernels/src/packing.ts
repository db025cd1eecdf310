import { KernelError } from './error.ts';
import { inChunks } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';

// The packing of ONNX's int4, uint4, int2 and uint2 tensors: the first element of a byte is in its low bits, and what is left over is 0.

/** Two elements per byte, from the low 4 bits of each. */
export function packInt4(values: Int8Array | Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(values.length / 2));
  inChunks(values.length, [{ name: 'values', view: values, use: 'read', per: 1 }, { name: 'packed', view: packed, use: 'write', per: 1 / 2 }], ([from, to], count) => machine().kernels.packNibbles(from!, count, to!), 2);
  return packed;
}

/** Four elements per byte, from the low 2 bits of each. */
export function packInt2(values: Int8Array | Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(values.length / 4));
  inChunks(values.length, [{ name: 'values', view: values, use: 'read', per: 1 }, { name: 'packed', view: packed, use: 'write', per: 1 / 4 }], ([from, to], count) => machine().kernels.packQuarters(from!, count, to!), 4);
  return packed;
}

/** The first `length` elements of an int4 tensor. */
export function unpackInt4(packed: Uint8Array, length: number): Int8Array {
  return unpack(packed, 4, true, new Int8Array(length));
}

/** The first `length` elements of a uint4 tensor. */
export function unpackUint4(packed: Uint8Array, length: number): Uint8Array {
  return unpack(packed, 4, false, new Uint8Array(length));
}

/** The first `length` elements of an int2 tensor. */
export function unpackInt2(packed: Uint8Array, length: number): Int8Array {
  return unpack(packed, 2, true, new Int8Array(length));
}

/** The first `length` elements of a uint2 tensor. */
export function unpackUint2(packed: Uint8Array, length: number): Uint8Array {
  return unpack(packed, 2, false, new Uint8Array(length));
}

function unpack<T extends Int8Array | Uint8Array>(packed: Uint8Array, bits: 2 | 4, signed: boolean, into: T): T {
  const perByte = 8 / bits;
  const needed = Math.ceil(into.length / perByte);
  if (packed.length < needed) throw new KernelError('wrong-size', `${into.length} elements of ${bits} bits need ${needed} bytes, and there are ${packed.length}. Check the length`);
  const operands = [{ name: 'packed', view: packed.subarray(0, needed), use: 'read', per: 1 / perByte }, { name: 'into', view: into, use: 'write', per: 1 }] as const;
  inChunks(into.length, operands, ([from, to], count) => machine().kernels.unpackCodes(from!, count, bits, signed ? 1 : 0, to!), perByte);
  return into;
}
