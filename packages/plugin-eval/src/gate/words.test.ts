import { expect, test } from 'vitest';
import { boundWords, confidenceWords, intervalWords, valueWords } from './words.ts';

test('a bound reads as people write it', () => {
  expect(boundWords({ relative: true, value: 0.97 }, 'score')).toBe('97 %');
  expect(boundWords({ relative: true, value: 0.995 }, 'ms')).toBe('99.5 %');
  expect(boundWords({ relative: false, value: 30e6 }, 'bytes')).toBe('30 MB');
  expect(boundWords({ relative: false, value: 1.5e9 }, 'bytes')).toBe('1.5 GB');
  expect(boundWords({ relative: false, value: 8 }, 'ms')).toBe('8 ms');
  expect(boundWords({ relative: false, value: 0.36 }, undefined)).toBe('0.36');
});

test('a number that was found has the digits of the table', () => {
  expect(valueWords(0.98765, true, 'score')).toBe('98.8 %');
  expect(valueWords(0.37331, false, 'score')).toBe('0.3733');
  expect(valueWords(10.24, false, 'ms')).toBe('10.2 ms');
  expect(valueWords(0.0871, false, 'ms')).toBe('0.087 ms');
  expect(valueWords(22.9e6, false, 'bytes')).toBe('22.9 MB');
});

test('an interval says its unit once', () => {
  expect(intervalWords({ low: 0.981, high: 1.014 }, true, 'score')).toBe('98.1–101.4 %');
  expect(intervalWords({ low: 0.361, high: 0.386 }, false, 'score')).toBe('0.3610–0.3860');
  expect(intervalWords({ low: 4.5, high: 4.8 }, false, 'ms')).toBe('4.5–4.8 ms');
  expect(confidenceWords(0.95)).toBe('95 %');
});
