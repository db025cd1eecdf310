import { expect, test } from 'vitest';
import { floatsOf } from './floats.ts';

test('float32 is handed on', () => {
  const data = Float32Array.of(1, 2);
  expect(floatsOf('y', { dtype: 'float32', dims: [2], data })).toBe(data);
});

test('float16 is read from its bits, subnormal and infinite numbers included', () => {
  const bits = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x8000, 0x7c00, 0x7e00);
  expect([...floatsOf('y', { dtype: 'float16', dims: [7], data: bits })]).toEqual([1, -2, 0.333251953125, 2 ** -24, -0, Infinity, NaN]);
  expect([...floatsOf('y', { dtype: 'float16', dims: [1], data: Uint8Array.of(0x00, 0x3c) })]).toEqual([1]);
});

test('bfloat16 is the upper half of float32', () => {
  expect([...floatsOf('y', { dtype: 'bfloat16', dims: [3], data: Uint16Array.of(0x3f80, 0xc000, 0x7f80) })]).toEqual([1, -2, Infinity]);
});

test('whole numbers are numbers', () => {
  expect([...floatsOf('y', { dtype: 'int64', dims: [2], data: BigInt64Array.of(-3n, 5n) })]).toEqual([-3, 5]);
  expect([...floatsOf('y', { dtype: 'bool', dims: [2], data: Uint8Array.of(0, 1) })]).toEqual([0, 1]);
});

test('strings are not', () => {
  expect(() => floatsOf('y', { dtype: 'string', dims: [1], data: ['a'] })).toThrow('The output "y" is string, which is not compared as numbers.');
});
