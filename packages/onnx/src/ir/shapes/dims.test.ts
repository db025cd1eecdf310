import { expect, test } from 'vitest';
import type { Dim } from '../types.ts';
import { Sizes } from './dims.ts';

const sizes = new Sizes();
const values = new Map([
  ['batch', 3],
  ['sequence', 7],
  ['h', 29],
  ['past + 1', 5],
]);

test('equal expressions have equal names, however they came about', () => {
  const twice = sizes.mul(sizes.add('sequence', 'batch'), 2);
  expect(twice).toBe('2*batch + 2*sequence');
  expect(sizes.add(sizes.mul(2, 'sequence'), sizes.mul('batch', 2))).toBe(twice);
  expect(sizes.sub(twice, sizes.mul(2, 'batch'))).toBe('2*sequence');
});

test('an expression without names is a number', () => {
  expect(sizes.sub(sizes.add('batch', 4), 'batch')).toBe(4);
});

test('whole multiples leave a division', () => {
  expect(sizes.floorDiv(sizes.add(sizes.mul('h', 6), 9), 2)).toBe('3*h + 4');
  expect(sizes.floorDiv(sizes.sub('h', 1), 2)).toBe('floor((h + 1)/2) - 1');
});

test('halving twice is quartering', () => {
  const half = sizes.ceilDiv('h', 2);
  expect(half).toBe('floor((h + 1)/2)');
  expect(sizes.ceilDiv(half, 2)).toBe(sizes.ceilDiv('h', 4));
});

test('a product is divided by any of its factors', () => {
  const total = sizes.product(['batch', sizes.add('past', 'sequence'), 12, 64]);
  expect(sizes.divideExactly(total, sizes.mul(sizes.add('sequence', 'past'), 64))).toBe('12*batch');
  expect(sizes.divideExactly(total, 'h')).toBeNull();
});

test('what is not divisible keeps its floor', () => {
  expect(sizes.floorDiv(sizes.mul('batch', 'h'), sizes.add('h', 1))).toBe('floor(batch*h/(h + 1))');
});

test('min and max drop what never counts', () => {
  expect(sizes.max(0, 'batch')).toBe('batch');
  expect(sizes.max(0, sizes.sub('batch', 1))).toBe('max(0, batch - 1)');
  expect(sizes.min('batch', sizes.add('batch', 2))).toBe('batch');
  expect(sizes.min(sizes.min(512, 'batch'), 'batch')).toBe('min(512, batch)');
  expect(sizes.min('batch', 512)).toBe(sizes.min(512, 'batch'));
});

test('a size other than one decides a broadcast', () => {
  expect(sizes.broadcast('batch', 1)).toBe('batch');
  expect(sizes.broadcast('batch', 8)).toBe(8);
  expect(sizes.broadcast(null, 8)).toBe(8);
  expect(sizes.broadcast(null, 1)).toBeNull();
  expect(sizes.broadcast(null, 'batch')).toBeNull();
  expect(sizes.broadcast('batch', 'sequence')).toBe('broadcast(batch, sequence)');
  expect(sizes.broadcast(sizes.broadcast('batch', 'sequence'), 'batch')).toBe('broadcast(batch, sequence)');
});

test('a slice of a buffer broadcasts to the size it was cut to', () => {
  expect(sizes.broadcast(sizes.min(512, 'sequence'), 'sequence')).toBe('sequence');
});

test('a name of the file that looks like arithmetic stays a name', () => {
  const own = new Sizes();
  own.take('past + 1');
  expect(own.mul('past + 1', 1)).toBe('past + 1');
  expect(own.add('past', 1)).toBe('(past + 1)');
  expect(own.sub('(past + 1)', 'past')).toBe(1);
  expect(own.mul('past + 1', 2)).toBe('2*{past + 1}');
  expect(own.names('2*{past + 1}')).toEqual(['past + 1']);
  expect(own.evaluate(own.mul('past + 1', 2), values)).toBe(10);
});

test('a name that stands for nothing in particular equals nothing', () => {
  expect(sizes.add('?', 1)).toBeNull();
});

test('bounds are known where names suffice', () => {
  expect(sizes.atLeast(sizes.add('batch', 2), 2)).toBe(true);
  expect(sizes.atLeast('batch', 1)).toBe(false);
  expect(sizes.atMost(sizes.min(512, 'batch'), 'batch')).toBe(true);
  expect(sizes.differ(sizes.add('batch', 1), 'batch')).toBe(true);
  expect(sizes.differ('batch', 'sequence')).toBe(false);
});

test('a remainder is bounded, and so is what is missing to a multiple', () => {
  const remainder = sizes.sub('h', sizes.mul(sizes.floorDiv('h', 4), 4));
  expect([sizes.atLeast(remainder, 0), sizes.atMost(remainder, 3), sizes.atMost(remainder, 2)]).toEqual([true, true, false]);
  const missing = sizes.sub(4, remainder);
  expect([sizes.atLeast(missing, 1), sizes.atLeast(missing, 2)]).toEqual([true, false]);
  const halved = sizes.floorDiv('h', 2);
  expect(sizes.atLeast(sizes.sub(halved, sizes.mul(sizes.floorDiv(halved, 4), 4)), 0)).toBe(true);
  expect(sizes.atLeast(sizes.sub('batch', sizes.mul(sizes.floorDiv('h', 4), 4)), 0)).toBe(false);
});

test('what is cut into two and put together again is whole', () => {
  const [front, back] = [sizes.min('h', 2), sizes.max(sizes.sub('h', 2), 0)];
  expect(sizes.add(back, front)).toBe('h');
  expect(sizes.add(sizes.mul(back, 3), sizes.mul(front, 3))).toBe('3*h');
  expect(sizes.add(sizes.max(sizes.sub('h', 3), 0), front)).not.toBe('h');
  expect(sizes.add(sizes.max(sizes.sub('batch', 2), 0), front)).not.toBe('h');
});

test('a bound of a product asks that no factor be negative', () => {
  const negative = sizes.sub(sizes.min('batch', 3), 5);
  expect(sizes.atLeast(sizes.mul(negative, sizes.sub(sizes.min('h', 3), 5)), 0)).toBe(false);
});

test('expressions compute what their names say', () => {
  let state = 1;
  const random = (n: number): number => (state = (state * 16807) % 2147483647) % n;
  const leaves: Dim[] = ['batch', 'sequence', 'h', 0, 1, 2, 3, 5];
  const of = (d: Dim): number => sizes.evaluate(d, values)!;
  for (let round = 0; round < 3000; round++) {
    let at: Dim = leaves[random(leaves.length)]!;
    let real = of(at);
    for (let step = 0; step < 4; step++) {
      const by = leaves[random(leaves.length)]!;
      const [next, expected]: [Dim, number] = [
        (): [Dim, number] => [sizes.add(at, by), real + of(by)],
        (): [Dim, number] => [sizes.sub(at, by), real - of(by)],
        (): [Dim, number] => [sizes.mul(at, by), real * of(by) || 0],
        (): [Dim, number] => [sizes.floorDiv(at, by), Math.floor(real / of(by)) || 0],
        (): [Dim, number] => [sizes.min(at, by), Math.min(real, of(by))],
        (): [Dim, number] => [sizes.max(at, by), Math.max(real, of(by))],
      ][random(6)]!();
      if (next === null) break;
      expect(of(next), String(next)).toBe(expected);
      if (sizes.atLeast(next, 1)) expect(expected).toBeGreaterThanOrEqual(1);
      if (sizes.differ(next, by)) expect(expected).not.toBe(of(by));
      if (sizes.atMost(next, by)) expect(expected).toBeLessThanOrEqual(of(by));
      [at, real] = [next, expected];
    }
  }
});
