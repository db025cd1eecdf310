import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALIGNMENT, Allocator } from './allocator.ts';

test('gives the lowest range that fits, aligned', () => {
  const allocator = new Allocator(ALIGNMENT, 10 * ALIGNMENT);
  const [first, second] = [allocator.allocate(1), allocator.allocate(ALIGNMENT + 1)];
  allocator.release(first!);
  expect([first, second, allocator.allocate(10)]).toEqual([ALIGNMENT, 2 * ALIGNMENT, ALIGNMENT]);
});

test('says undefined where nothing fits and nothing can grow', () => {
  expect(new Allocator(0, ALIGNMENT).allocate(ALIGNMENT + 1)).toBeUndefined();
});

test('grows by what is missing after the last gap', () => {
  const asked: number[] = [];
  const allocator = new Allocator(0, 2 * ALIGNMENT, (bytes) => {
    asked.push(bytes);
    return bytes;
  });
  allocator.allocate(ALIGNMENT);
  expect([allocator.allocate(3 * ALIGNMENT), asked]).toEqual([ALIGNMENT, [2 * ALIGNMENT]]);
});

test('refuses to release twice', () => {
  const allocator = new Allocator(0, 10 * ALIGNMENT);
  const start = allocator.allocate(1)!;
  allocator.release(start);
  expect(() => allocator.release(start)).toThrow('released twice');
});

test('remembers the most that was handed out at once', () => {
  const allocator = new Allocator(0, 10 * ALIGNMENT);
  allocator.release(allocator.allocate(3 * ALIGNMENT)!);
  allocator.allocate(1);
  expect([allocator.used, allocator.peak]).toEqual([ALIGNMENT, 3 * ALIGNMENT]);
});

test('ranges never overlap, and all of it is whole again in the end', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ size: fc.integer({ min: 0, max: 1000 }), release: fc.nat(20) }), { maxLength: 60 }), (steps) => {
      const size = 100 * ALIGNMENT;
      const allocator = new Allocator(0, size);
      const live: { start: number; end: number }[] = [];
      for (const step of steps) {
        const start = allocator.allocate(step.size);
        if (start !== undefined) {
          expect(live.every((l) => start >= l.end || start + step.size <= l.start)).toBe(true);
          live.push({ start, end: start + step.size });
        }
        const gone = live.splice(step.release, 1)[0];
        if (gone) allocator.release(gone.start);
      }
      for (const { start } of live) allocator.release(start);
      expect(allocator.allocate(size)).toBe(0);
    }),
    { numRuns: 100 },
  );
});
