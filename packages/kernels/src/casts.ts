import { inChunks } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';
import { type RawKernels } from './kernels.wasm.gen.ts';

type Cast = { [K in keyof RawKernels]: RawKernels[K] extends (from: number, count: number, to: number) => void ? (Parameters<RawKernels[K]>['length'] extends 3 ? K : never) : never }[keyof RawKernels];

function cast<From extends Float32Array | Uint16Array | Uint8Array, To extends Float32Array | Uint16Array | Uint8Array>(name: Cast, from: From, to: To): To {
  const kernel = machine().kernels[name];
  inChunks(from.length, [{ name: 'from', view: from, use: 'read', per: 1 }, { name: 'into', view: to, use: 'write', per: 1 }], ([source, target], count) => kernel(source!, count, target!));
  return to;
}

// As ONNX Cast has it with its default options. To a narrower format: round to nearest, ties to even; NaN becomes the positive quiet NaN. Back: exact.

/** float32 to IEEE half precision, as bit patterns. What is too large becomes infinity. */
export function toFloat16(w: Float32Array, into: Uint16Array = new Uint16Array(w.length)): Uint16Array {
  return cast('toFloat16', w, into);
}

export function fromFloat16(patterns: Uint16Array, into: Float32Array = new Float32Array(patterns.length)): Float32Array {
  return cast('fromFloat16', patterns, into);
}

/** float32 to bfloat16, as bit patterns. What is too large becomes infinity. */
export function toBfloat16(w: Float32Array, into: Uint16Array = new Uint16Array(w.length)): Uint16Array {
  return cast('toBfloat16', w, into);
}

export function fromBfloat16(patterns: Uint16Array, into: Float32Array = new Float32Array(patterns.length)): Float32Array {
  return cast('fromBfloat16', patterns, into);
}

/** float32 to FLOAT8E4M3FN, as bit patterns. What is too large, infinity too, becomes the largest number, 448. */
export function toFloat8E4M3FN(w: Float32Array, into: Uint8Array = new Uint8Array(w.length)): Uint8Array {
  return cast('toFloat8E4M3FN', w, into);
}

export function fromFloat8E4M3FN(patterns: Uint8Array, into: Float32Array = new Float32Array(patterns.length)): Float32Array {
  return cast('fromFloat8E4M3FN', patterns, into);
}

/** float32 to FLOAT8E5M2, as bit patterns. What is too large, infinity too, becomes the largest number, 57344. */
export function toFloat8E5M2(w: Float32Array, into: Uint8Array = new Uint8Array(w.length)): Uint8Array {
  return cast('toFloat8E5M2', w, into);
}

export function fromFloat8E5M2(patterns: Uint8Array, into: Float32Array = new Float32Array(patterns.length)): Float32Array {
  return cast('fromFloat8E5M2', patterns, into);
}
