import { expect, test } from 'vitest';
import { channel } from './channel.ts';

async function all<E, R>(events: AsyncGenerator<E, R>): Promise<{ told: E[]; result: R }> {
  const told: E[] = [];
  for (let next = await events.next(); ; next = await events.next()) {
    if (next.done) return { told, result: next.value };
    told.push(next.value);
  }
}

const never = (): never => {
  throw new Error('Someone was still listening.');
};

test('gives what was told, in order, and then the result', async () => {
  expect(await all(channel<number, string>(async (tell) => {
    tell(1);
    await Promise.resolve();
    tell(2);
    await new Promise((resolve) => setTimeout(resolve, 5));
    tell(3);
    return 'done';
  }, never))).toEqual({ told: [1, 2, 3], result: 'done' });
});

test('an error comes after what was told before it', async () => {
  const events = channel<number, never>(async (tell) => {
    tell(1);
    throw new Error('no');
  }, never);
  expect((await events.next()).value).toBe(1);
  await expect(events.next()).rejects.toThrow('no');
});

test('who stops listening asks the work to stop, and goes on when it has', async () => {
  const stop = new AbortController();
  let stopped = false;
  const events = channel<number, undefined>(async (tell) => {
    tell(1);
    await new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, 5));
    stopped = true;
    return undefined;
  }, () => stop.abort());
  await events.next();
  await events.return(undefined);
  expect(stopped).toBe(true);
});
