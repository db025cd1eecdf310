/**
 * What `work` tells while it is at it, and then what it returns: `for await (const told of channel(work))`, with the result in `done`.
 * Work that never awaits is heard at its end. Whoever stops listening aborts nothing: cancel through the signal that `work` was given.
 */
export async function* channel<E, R>(work: (tell: (event: E) => void) => Promise<R>): AsyncGenerator<E, R> {
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
  while (!settled || told.length) {
    if (!told.length) await new Promise<void>((resolve) => (wake = resolve));
    yield* told.splice(0);
  }
  return result;
}
