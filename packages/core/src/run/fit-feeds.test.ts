import { expect, test } from 'vitest';
import type { Feed } from '../services/tokens.ts';
import { fitFeeds } from './fit-feeds.ts';

const feed: Feed = { dtype: 'float32', dims: [], data: Float32Array.of(1) };
const other: Feed = { dtype: 'int64', dims: [], data: BigInt64Array.of(1n) };

test('a model gets what it asks for, and nothing else', () => {
  expect(fitFeeds({ x: feed, y: other, z: feed }, ['y', 'x'])).toEqual({ x: feed, y: other });
});

test('a feed without a name is for the only input', () => {
  expect(fitFeeds({ '': feed }, ['pixels'])).toEqual({ pixels: feed });
  expect(fitFeeds({ '': feed, pixels: other }, ['pixels'])).toEqual({ pixels: other });
});

test('an input that gets nothing is an error that names it and what there is', () => {
  expect(() => fitFeeds({ '': feed }, ['x', 'y'])).toThrow('it asks for "x", "y", and they have a tensor without a name');
  expect(() => fitFeeds({ x: feed, z: feed }, ['x', 'y'])).toThrow('it asks for "y", and they have "x", "z"');
});
