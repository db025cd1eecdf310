import { Reader } from '../wire/reader.ts';
import { memorySource } from '../wire/source.ts';

/** Unknown fields as they were read, without those of one number. */
export function withoutField(extra: Uint8Array, field: number): Uint8Array {
  const reader = new Reader(memorySource(extra));
  const parts: Uint8Array[] = [];
  while (reader.next()) if (reader.field !== field) parts.push(reader.raw());
  return Buffer.concat(parts);
}
