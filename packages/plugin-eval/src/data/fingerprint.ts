import { createHash } from 'node:crypto';

/** One name for data: sha256 over the contents it comes from and the options that choose from them. */
export function fingerprintOf(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
