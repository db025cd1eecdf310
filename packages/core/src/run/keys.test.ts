import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonical, keyOf } from './keys.ts';

test('the order of keys does not matter, and undefined members are not there', () => {
  expect(canonical({ b: 1, a: [true, null, undefined], c: undefined })).toBe('{"a":[true,null,null],"b":1}');
});

test('values that differ have keys that differ', () => {
  const values = [1, '1', 1n, [1], { a: 1 }, { a: '1' }, [], {}, null, 'null', true, [[1], 2], [1, [2]]];
  expect(new Set(values.map(keyOf)).size).toBe(values.length);
});

test('canonical JSON is JSON of an equal value', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
  }));
});
