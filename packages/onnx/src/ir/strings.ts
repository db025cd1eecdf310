import { OnnxError } from '../error.ts';
import { countOf } from './dtype.ts';
import { memoryTensor, type Tensor } from './tensor.ts';

/** A string tensor of these elements, in row-major order; bytes need not be UTF-8. Throws `malformed` when the shape has another number of elements. */
export function stringTensor(dims: readonly number[], values: readonly (string | Uint8Array)[]): Tensor {
  const count = countOf(dims);
  if (values.length !== count) throw new OnnxError('malformed', `A tensor of [${dims.join(', ')}] has ${count} elements, not ${values.length}.`);
  const encoded = values.map((value) => (typeof value === 'string' ? new TextEncoder().encode(value) : value));
  const all = new Uint8Array(encoded.reduce((sum, bytes) => sum + 4 + bytes.length, 0));
  const view = new DataView(all.buffer);
  let at = 0;
  for (const bytes of encoded) {
    view.setUint32(at, bytes.length, true);
    all.set(bytes, at + 4);
    at += 4 + bytes.length;
  }
  return memoryTensor('string', dims, all);
}

/** The elements of a string tensor as they are in the file. Throws `unsupported` for another type, `malformed` for damaged bytes. */
export function stringBytesOf(t: Tensor): Uint8Array[] {
  if (t.dtype !== 'string') throw new OnnxError('unsupported', `A ${t.dtype} tensor has no strings. Read it with numbersOf or float32sOf.`);
  const all = t.bytes();
  const view = new DataView(all.buffer, all.byteOffset, all.length);
  const values: Uint8Array[] = [];
  let at = 0;
  while (at < all.length) {
    const end = at + 4 <= all.length ? at + 4 + view.getUint32(at, true) : Infinity;
    if (end > all.length) throw new OnnxError('malformed', `A string tensor of [${t.dims.join(', ')}] is damaged at byte ${at} of ${all.length}: an element is longer than the rest. Make it with stringTensor.`);
    values.push(all.subarray(at + 4, end));
    at = end;
  }
  if (values.length !== countOf(t.dims)) throw new OnnxError('malformed', `A string tensor of [${t.dims.join(', ')}] has ${values.length} elements, not ${countOf(t.dims)}. Make it with stringTensor.`);
  return values;
}

/** The elements of a string tensor as text. Throws `malformed` where one is not UTF-8: see `stringBytesOf`. */
export function stringsOf(t: Tensor): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return stringBytesOf(t).map((bytes, i) => {
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw new OnnxError('malformed', `Element ${i} of a string tensor of [${t.dims.join(', ')}] is not UTF-8 text. Read it with stringBytesOf.`, { cause });
    }
  });
}
