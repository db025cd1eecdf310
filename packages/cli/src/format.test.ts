import { expect, test } from 'vitest';
import { age, amount, change, duration, large, metricWords, percent } from './format.ts';

test('bytes are megabytes of 10^6', () => {
  expect([amount(90_400_000, 'bytes'), amount(22_870_000, 'bytes'), amount(512, 'bytes'), amount(1_500_000_000, 'bytes')]).toEqual(['90.4 MB', '22.9 MB', '512 B', '1.5 GB']);
});

test('milliseconds keep the figures that mean something', () => {
  expect([amount(0.4213, 'ms'), amount(4.6, 'ms'), amount(10.24, 'ms'), amount(123.4, 'ms'), amount(1234, 'ms'), amount(61_000, 'ms')]).toEqual(['0.42 ms', '4.6 ms', '10.2 ms', '123 ms', '1.23 s', '61.0 s']);
});

test('scores have four decimals, and large ones fewer', () => {
  expect([amount(0.37334, 'score'), amount(1, 'score'), amount(24.3145, 'score'), amount(12_345.6, 'score')]).toEqual(['0.3733', '1.0000', '24.31', '12,346']);
});

test('small errors are written with exponents', () => {
  expect([amount(0.000021, 'error'), amount(0.0123, 'error'), amount(0, 'error')]).toEqual(['2.1e-5', '0.0123', '0']);
});

test('what was not measured is a dash', () => {
  expect([amount(NaN, 'score'), amount(Infinity, 'ms'), amount(-Infinity, 'ms')]).toEqual(['–', '∞', '-∞']);
});

test('sizes and scores change to a share of the original', () => {
  expect([change(90.4e6, 22.9e6, 'bytes'), change(0.3733, 0.3726, 'score'), change(400, 200, 'count')]).toEqual(['25.3 %', '99.8 %', '50.0 %']);
});

test('times change by a factor, and throughput the other way round', () => {
  expect([change(10.2, 4.6, 'ms'), change(4.6, 10.2, 'ms'), change(10, 10.2, 'ms'), change(100, 220, 'per-second'), change(1000, 10, 'ms')]).toEqual(['2.2× faster', '2.2× slower', 'as fast', '2.2× faster', '100× faster']);
});

test('nothing is said of the change of what was zero or unknown', () => {
  expect([change(0, 1, 'error'), change(NaN, 1, 'score'), change(1, NaN, 'score'), change(-1, 1, 'score')]).toEqual(['', '', '', '']);
});

test('durations grow from milliseconds to hours', () => {
  expect([duration(12.4), duration(999.4), duration(999.6), duration(1234), duration(59_960), duration(125_000), duration(3_600_000), duration(4_320_000)])
    .toEqual(['12 ms', '999 ms', '1.0 s', '1.2 s', '1 min 0 s', '2 min 5 s', '1 h 0 min', '1 h 12 min']);
});

test('ages are said in the largest unit that fits', () => {
  const minute = 60_000;
  expect([age(20_000), age(5 * minute), age(3 * 60 * minute), age(47 * 60 * minute), age(72 * 60 * minute)]).toEqual(['just now', '5 min ago', '3 h ago', '47 h ago', '3 days ago']);
});

test('counts are grouped, and millions are rounded', () => {
  expect([large(431), large(12_345), large(999_999), large(22_565_376), large(134_515_008), large(1.1e9)]).toEqual(['431', '12,345', '999,999', '22.6 M', '135 M', '1.10 B']);
});

test('shares have one decimal', () => {
  expect([percent(0.2534), percent(1), percent(12.5)]).toEqual(['25.3 %', '100.0 %', '1,250 %']);
});

test('metrics are read as words, and numbers in them stay', () => {
  expect([metricWords('latency.p50'), metricWords('beir.ndcg@10'), metricWords('recall@0.5'), metricWords('size')]).toEqual(['latency p50', 'beir ndcg@10', 'recall@0.5', 'size']);
});
