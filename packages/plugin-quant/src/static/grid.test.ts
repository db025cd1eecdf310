import { expect, test } from 'vitest';
import { gridOf } from './grid.ts';

test('what a ReLU leaves uses all 255 steps', () => {
  expect(gridOf({ low: 0, high: 6 }, { type: 'uint8', symmetric: false })).toEqual({ scale: Math.fround(6 / 255), zeroPoint: 0 });
  expect(gridOf({ low: 0, high: 6 }, { type: 'int8', symmetric: false })).toEqual({ scale: Math.fround(6 / 255), zeroPoint: -128 });
  expect(gridOf({ low: 0, high: 6 }, { type: 'uint16', symmetric: false })).toEqual({ scale: Math.fround(6 / 65535), zeroPoint: 0 });
});

test('zero is a code, also of ranges that leave it out', () => {
  expect(gridOf({ low: 2, high: 6 }, { type: 'uint8', symmetric: false })).toEqual({ scale: Math.fround(6 / 255), zeroPoint: 0 });
  expect(gridOf({ low: -6, high: -2 }, { type: 'uint8', symmetric: false })).toEqual({ scale: Math.fround(6 / 255), zeroPoint: 255 });
  expect(gridOf({ low: -1, high: 3 }, { type: 'uint8', symmetric: false }).zeroPoint).toBe(64);
});

test('a symmetric grid has zero in the middle', () => {
  expect(gridOf({ low: -1, high: 3 }, { type: 'int8', symmetric: true })).toEqual({ scale: Math.fround(3 / 127), zeroPoint: 0 });
  expect(gridOf({ low: -1, high: 3 }, { type: 'uint8', symmetric: true })).toEqual({ scale: Math.fround(3 / 127), zeroPoint: 128 });
});

test('nothing but zeros has a scale that divides', () => {
  expect(gridOf({ low: 0, high: 0 }, { type: 'uint8', symmetric: false })).toEqual({ scale: 1, zeroPoint: 0 });
  expect(gridOf({ low: 0, high: 0 }, { type: 'int8', symmetric: true })).toEqual({ scale: 1, zeroPoint: 0 });
});
