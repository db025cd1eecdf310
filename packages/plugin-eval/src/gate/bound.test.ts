import { describe, expect, test } from 'vitest';
import { readBound, readConfidence } from './bound.ts';

test('a percentage is a share of the original, whatever the metric is measured in', () => {
  expect(readBound('ndcg@10', '97%', 'score')).toEqual({ relative: true, value: 0.97 });
  expect(readBound('size', '27.5 %', 'bytes')).toEqual({ relative: true, value: 0.275 });
});

test('a number is a number, as YAML reads it or as text', () => {
  expect(readBound('ndcg@10', 0.36, 'score')).toEqual({ relative: false, value: 0.36 });
  expect(readBound('ndcg@10', ' .36 ', undefined)).toEqual({ relative: false, value: 0.36 });
  expect(readBound('max-error', '1e-3', 'error')).toEqual({ relative: false, value: 0.001 });
});

test.each([
  ['8 ms', 8, 'ms'], ['0.5s', 500, 'ms'], ['250 µs', 0.25, 'ms'],
  ['30 MB', 30e6, 'bytes'], ['1.5 GB', 1.5e9, 'bytes'], ['500 kB', 500e3, 'bytes'], ['12 B', 12, 'bytes'],
  ['100 /s', 100, 'per-second'],
] as const)('%s is %d in the metric\'s own unit', (given, value, unit) => {
  expect(readBound('metric', given, unit)).toEqual({ relative: false, value });
});

describe('what cannot be meant is refused', () => {
  test.each(['much', '', '97 %%', '8 miles', '--1', '1 2'])('"%s" is no bound', (given) => {
    expect(() => readBound('size', given, 'bytes')).toThrow(`The bound ${JSON.stringify(given)} of "size" cannot be read.`);
  });

  test('a size in milliseconds', () => {
    expect(() => readBound('size', '8 ms', 'bytes')).toThrow('"size" cannot be compared with "8 ms".');
  });

  test('a bare number for bytes or times, because nobody can tell the unit', () => {
    expect(() => readBound('size', 30, 'bytes')).toThrow('"size" cannot be compared with 30.');
    expect(() => readBound('latency.p50', 8, 'ms')).toThrow('"latency.p50" cannot be compared with 8.');
  });

  test('a unit for a plain number', () => {
    expect(() => readBound('ndcg@10', '3 MB', 'score')).toThrow('"ndcg@10" cannot be compared with "3 MB".');
  });
});

test('how sure is a share above a half, or off', () => {
  expect(readConfidence('95%')).toBe(0.95);
  expect(readConfidence(0.9)).toBe(0.9);
  expect(readConfidence('off')).toBeUndefined();
  expect(readConfidence(false)).toBeUndefined(); // an older YAML reads "off" so
});

test.each(['very', '50%', 100, '100%', true])('%s says not how sure', (given) => {
  expect(() => readConfidence(given)).toThrow(`${typeof given === 'string' ? JSON.stringify(given) : given} says not how sure a gate should be.`);
});
