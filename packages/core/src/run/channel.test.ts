import { expect, test } from 'vitest';
import { channel } from './channel.ts';

async function all<E, R>(events: AsyncGenerator<E, R>): Promise<{ told: E[]; result: R }> {
  const told: E[] = [];
  for (let next = await events.next(); ; next = await events.next()) {
    if (next.done) return { told, result: next.value };
    told.push(next.value);
  }
}

test('gives what was told, in order, and then the result', async () => {
  expect(await all(channel<number, string>(async (tell) => {
    tell(1);
    await Promise.resolve();
    tell(2);
    await new Promise((resolve) => setTimeout(resolve, 5));
    tell(3);
    return 'done';
  }))).toEqual({ told: [1, 2, 3], result: 'done' });
});

test('an error comes after what was told before it', async () => {
  const events = channel<number, never>(async (tell) => {
    tell(1);
    throw new Error('no');
  });
  expect((await events.next()).value).toBe(1);
  await expect(events.next()).rejects.toThrow('no');
});
