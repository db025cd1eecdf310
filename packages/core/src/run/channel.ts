/**
 * What `work` tells while it is at it, and then what it returns: `for await (const told of channel(work))`, with the result in `done`.
 * Work that never awaits is heard at its end. Where nobody listens any more, `abandon` asks the work to stop, and leaving waits until it has: what it
 * uses may be taken away afterwards.
 */
export async function* channel<E, R>(work: (tell: (event: E) => void) => Promise<R>, abandon: () => void): AsyncGenerator<E, R> {
  const told: E[] = [];
  let wake = (): void => {};
  let settled = false;
  const result = work((event) => {
    told.push(event);
    wake();
  }).finally(() => {
    settled = true;
    wake();
  });
  result.catch(() => {}); // it is awaited below; until then a rejection is not unhandled
  try {
    while (!settled || told.length) {
      if (!told.length) await new Promise<void>((resolve) => (wake = resolve));
      yield* told.splice(0);
    }
    return await result;
  } finally {
    if (!settled) {
      abandon();
      await result.catch(() => {}); // nobody is left to hear it
    }
  }
}
