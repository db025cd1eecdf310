import { expect, test } from 'vitest';
import { Kept } from './kept.ts';

const feed = (first: number) => ({ dtype: 'float32', dims: [2], data: Float32Array.of(first, -0) }) as const;

test('what does not fit into memory comes back from a file', async () => {
  const kept = new Kept(8);
  await kept.put(0, 'a', feed(1));
  await kept.put(1, 'a', feed(2));
  await kept.put(0, 'ids', { dtype: 'int64', dims: [1], data: BigInt64Array.of(7n) });
  expect(await kept.get(0, 'a')).toEqual(feed(1));
  expect(await kept.get(1, 'a')).toEqual(feed(2));
  expect((await kept.get(0, 'ids')).data).toEqual(BigInt64Array.of(7n));
  expect(kept.peakBytes).toBe(8);
  await kept.dispose();
});

test('what was dropped makes room', async () => {
  const kept = new Kept(8);
  await kept.put(0, 'a', feed(1));
  await kept.drop(0, 'a');
  await kept.put(0, 'b', feed(2));
  expect(kept.peakBytes).toBe(8);
  await expect(kept.get(0, 'a')).rejects.toThrow('"a"');
  await kept.dispose();
});
