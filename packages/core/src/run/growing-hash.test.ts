import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GrowingHash, type Range } from './growing-hash.ts';

let folder: string;
let descriptor: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnxpress-hash-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function withFile(content: Uint8Array, work: () => void): void {
  writeFileSync(join(folder, 'file'), content);
  descriptor = openSync(join(folder, 'file'), 'r+');
  try {
    work();
  } finally {
    closeSync(descriptor);
  }
}

const rangesOf = (sizes: readonly number[]): Range[] => {
  let end = 0;
  return sizes.map((length) => {
    const offset = Math.ceil(end / 64) * 64;
    end = offset + length;
    return { offset, length };
  });
};

test('hashes of ranges and of the whole are right, in whatever order ranges are finished', () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }).chain((sizes) => fc.tuple(fc.constant(rangesOf(sizes)), fc.shuffledSubarray(sizes.map((_, i) => i), { minLength: sizes.length }))), ([ranges, order]) => {
    const last = ranges.at(-1)!;
    const content = Uint8Array.from({ length: last.offset + last.length }, (_, i) => (i % 64 < 50 ? i * 7 : 0));
    withFile(content, () => {
      const hash = new GrowingHash(descriptor, ranges);
      for (const i of order) expect(hash.add(ranges[i]!)).toBe(sha(content.subarray(ranges[i]!.offset, ranges[i]!.offset + ranges[i]!.length)));
      expect(hash.digest()).toBe(sha(content));
    });
  }), { numRuns: 50 });
});

test.each([0, 1])('range %i with other bytes than expected does not count until it is made again', (bad) => {
  const ranges = rangesOf([100, 100]);
  const content = new Uint8Array(228).fill(7);
  withFile(content, () => {
    const hash = new GrowingHash(descriptor, ranges);
    for (const [i, range] of ranges.entries()) hash.add(range, i === bad ? 'other' : undefined);
    writeSync(descriptor, new Uint8Array(100).fill(9), 0, 100, ranges[bad]!.offset);
    content.fill(9, ranges[bad]!.offset, ranges[bad]!.offset + 100);
    hash.add(ranges[bad]!);
    expect(hash.digest()).toBe(sha(content));
  });
});
