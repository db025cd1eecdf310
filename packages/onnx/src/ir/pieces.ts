import { OnnxError } from '../error.ts';
import { type Tensor } from './tensor.ts';

/** 12 MiB: whole elements of every width, 6 bits and 128 bits included. */
const PIECE = 3 * 2 ** 22;

/** The bytes of a tensor of any size, piece by piece. A piece is used again for the next one. */
export function* piecesOf(t: Tensor, size: number = PIECE): Generator<Uint8Array<ArrayBuffer>> {
  const storage = new Uint8Array(Math.min(size, t.byteLength));
  for (let offset = 0; offset < t.byteLength; offset += storage.length) {
    const piece = storage.subarray(0, t.byteLength - offset);
    readFully(t, piece, offset);
    yield piece;
  }
}

/** Fills `into` with the bytes from `offset` on. Throws `truncated` when the tensor has fewer. */
export function readFully(t: Tensor, into: Uint8Array, offset: number): void {
  for (let done = 0; done < into.length; ) {
    const got = t.read(done === 0 ? into : into.subarray(done), offset + done);
    if (got <= 0) throw new OnnxError('truncated', `A ${t.dtype} tensor of [${t.dims.join(', ')}] ends after ${offset + done} of ${t.byteLength} bytes. The file it lies in is incomplete or was changed: copy or download it again.`);
    done += got;
  }
}
