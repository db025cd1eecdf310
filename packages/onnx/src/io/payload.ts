import { BYTES_LIMIT, isFileTensor, type Tensor } from '../ir/tensor.ts';
import { CHUNK, type Part, type Payload } from '../wire/writer.ts';

/** A tensor as a part of a file. */
export const partOf = (tensor: Tensor): Part => ({ length: tensor.byteLength, read: payloadOf(tensor), writeTo: tensor.writeTo && ((...to) => tensor.writeTo!(...to)), what: `A ${tensor.dtype} tensor of [${tensor.dims.join(', ')}]` });

/**
 * Reads a tensor from front to back. One that is computed is computed once, not once for every piece, and held until its
 * last byte was read: memory has one such tensor at a time.
 */
export function payloadOf(tensor: Tensor): Payload {
  if (isFileTensor(tensor) || tensor.byteLength <= CHUNK || tensor.byteLength > BYTES_LIMIT) return (into, offset) => tensor.read(into, offset);
  let held: Uint8Array | undefined;
  return (into, offset) => {
    held ??= tensor.bytes();
    const part = held.subarray(offset, offset + into.length);
    into.set(part);
    if (offset + part.length >= held.length) held = undefined;
    return part.length;
  };
}
