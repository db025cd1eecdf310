import type { Notes } from '../ir/graph.ts';
import { FIELD } from '../wire/schema.ts';
import type { Encoder } from '../wire/writer.ts';

const ENTRY = FIELD.StringStringEntryProto;

/** Writes a key and its value as a field. */
export function writeEntry(out: Encoder, field: number, key: string, value: string): void {
  out.message(field, () => {
    out.string(ENTRY.key, key);
    out.string(ENTRY.value, value);
  });
}

/** Writes the metadata of a message as fields. */
export function writeMetadata(out: Encoder, field: number, notes: Notes | undefined): void {
  for (const [key, value] of notes?.metadata ?? []) writeEntry(out, field, key, value);
}
