import { expect, test } from 'vitest';
import { ofRatio, ofResult, percentileOf } from './statistic.ts';

const values = (...numbers: number[]): Float64Array => Float64Array.from(numbers);

test('a metric named after a percentile is that percentile of its examples, any other their mean', () => {
  expect(percentileOf('latency.p50')).toBe(0.5);
  expect(percentileOf('fast.latency.p95')).toBe(0.95);
  expect(percentileOf('latency.p5')).toBe(0.05);
  expect(percentileOf('ndcg@10')).toBeUndefined();
  expect(percentileOf('cosine.pooled')).toBeUndefined();
});

test('for a bound that is a number, the result alone counts', () => {
  expect(ofResult('ndcg@10')(values(9, 9), values(1, 3))).toBe(2);
  expect(ofResult('latency.p50')(values(9, 9, 9), values(3, 1, 2))).toBe(2);
});

test('a share of means is not a mean of shares', () => {
  expect(ofRatio('ndcg@10')(values(1, 3), values(0, 3))).toBe(0.75);
});

test('a median is compared pair by pair, so a machine that slowed down half-way changes nothing', () => {
  expect(ofRatio('latency.p50')(values(10, 10, 30, 30), values(5, 5, 15, 15))).toBe(0.5);
  expect(ofRatio('latency.p50')(values(10, 40, 30), values(9, 4, 15))).toBe(0.5);
});

test('another percentile is compared percentile by percentile', () => {
  expect(ofRatio('latency.p95')(values(20, 20, 20), values(10, 10, 10))).toBe(0.5);
});

test('nothing of nothing is all of it', () => {
  expect(ofRatio('ndcg@10')(values(0, 0), values(0, 0))).toBe(1);
});

test('perplexities of windows make the perplexity of all, which is their geometric mean', () => {
  expect(ofResult('perplexity')(values(9, 9), values(2, 8))).toBeCloseTo(4, 12);
  expect(ofRatio('small.perplexity')(values(1, 4), values(2, 8))).toBeCloseTo(2, 12);
});
