import { createHash } from 'node:crypto';
import { piecesOf } from './pieces.ts';
import { type Tensor } from './tensor.ts';

/** Whether two tensors have the same type, shape and bytes: 0 and -0 differ, and NaN equals itself. Reads in pieces. */
export function equalTensors(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  if (a.dtype !== b.dtype || a.byteLength !== b.byteLength || a.dims.join() !== b.dims.join()) return false;
  const others = piecesOf(b);
  for (const piece of piecesOf(a)) {
    const other = others.next();
    if (other.done || Buffer.compare(piece, other.value) !== 0) return false;
  }
  return true;
}

/** SHA-256 of type, shape and bytes, in hexadecimal: equal for tensors that `equalTensors` calls equal. Reads in pieces. */
export function hashTensor(t: Tensor): string {
  const hash = createHash('sha256').update(`${t.dtype} [${t.dims.join()}]\n`);
  for (const piece of piecesOf(t)) hash.update(piece);
  return hash.digest('hex');
}
