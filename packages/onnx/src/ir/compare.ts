import { createHash } from 'node:crypto';
import type { Attr } from './attr.ts';
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

/** Whether two attributes say the same. Graphs and types do only if they are the same object. */
export function sameAttr(a: Attr, b: Attr): boolean {
  if (a === b) return true;
  if (a.type !== b.type) return false;
  if (a.type === 'ref') return a.to === (b as typeof a).to; // the types are equal
  const [x, y]: readonly unknown[] = [a.value, (b as typeof a).value]; // as above
  if (Array.isArray(x) && Array.isArray(y)) return x.length === y.length && x.every((v, i) => sameItem(v, y[i]));
  if (a.type === 'tensor' && b.type === 'tensor') return equalTensors(a.value, b.value);
  return sameItem(x, y);
}

function sameItem(x: unknown, y: unknown): boolean {
  if (x instanceof Uint8Array && y instanceof Uint8Array) return x.length === y.length && x.every((v, i) => v === y[i]);
  return Object.is(x, y);
}
