import { expect, test } from 'vitest';
import { FIELD, fieldOf, SCHEMA, type Field } from './schema.ts';

const messages = Object.entries(SCHEMA).map(([message, fields]): [string, [string, Field][]] => [message, Object.entries(fields)]);

test.each(messages)('%s gives each field its own number', (_, fields) => {
  expect(new Set(fields.map(([, field]) => field.number)).size).toBe(fields.length);
});

test('every nested message is in the table', () => {
  const nested = messages.flatMap(([, fields]) => fields.flatMap(([, field]) => field.message ?? []));
  expect(nested.filter((name) => !(name in SCHEMA))).toEqual([]);
});

test('only lists of numbers are packed', () => {
  const packed = messages.flatMap(([, fields]) => fields.filter(([, field]) => field.packed).map(([name]) => name));
  expect(packed).toEqual(['float_data', 'int32_data', 'int64_data', 'double_data', 'uint64_data']);
});

test('field numbers are found by name and names by number', () => {
  expect(FIELD.NodeProto.op_type).toBe(4);
  expect(fieldOf('NodeProto', 4)).toMatchObject({ name: 'op_type', kind: 'string' });
  expect(fieldOf('NodeProto', 99)).toBeUndefined();
});

