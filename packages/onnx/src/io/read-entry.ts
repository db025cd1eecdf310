import type { Reader } from '../wire/reader.ts';
import { FIELD } from '../wire/schema.ts';

const ENTRY = FIELD.StringStringEntryProto;

/** Reads the key and value at the current field. */
export function readEntry(reader: Reader, take: (key: string, value: string) => void): void {
  let key = '';
  let value = '';
  reader.message(() => {
    while (reader.next()) {
      if (reader.field === ENTRY.key) key = reader.string();
      else if (reader.field === ENTRY.value) value = reader.string();
    }
  });
  take(key, value);
}
