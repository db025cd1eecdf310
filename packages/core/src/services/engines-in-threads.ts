import type { Engine, EngineRequest, Engines } from './engine.ts';
import { SILENT } from './engine.ts';
import { Thread } from './thread.ts';
import type { Feed, FeedData, Feeds } from './tokens.ts';

/** From this on a model's thread ends with its session, which gives all memory back; smaller ones share a thread, one after the other, as it takes tens of milliseconds to start. */
const LARGE_BYTES = 64 * 2 ** 20;

/**
 * Sessions in threads of their own: the caller's goes on while a model loads or runs, and may leave it by a signal at any time. Numbers are copied once on
 * their way in and none on their way out.
 */
export class EnginesInThreads implements Engines {
  #spare: Thread | undefined;

  async open({ path, options, bytes, signal }: EngineRequest): Promise<Engine> {
    signal?.throwIfAborted();
    const thread = this.#take();
    const leave = (): void => thread.abandon(signal?.reason as Error); // an abort's reason is an error unless its author says otherwise
    signal?.addEventListener('abort', leave);
    const settle = async (): Promise<void> => {
      signal?.removeEventListener('abort', leave);
      if (!thread.works) return; // left, it ends when it can
      if (bytes < LARGE_BYTES) return this.#put(thread);
      thread.end();
      await thread.over;
    };
    try {
      const { inputs, outputs } = (await thread.call('load', { path, options })) as Engine; // the names, as the thread answers a load
      return {
        inputs,
        outputs,
        run: async (feeds, fetch) => (await thread.call('run', ...callOf(feeds, fetch))) as { outputs: Feeds; ms: number }, // as the thread answers a run
        time: async (feeds, fetch) => (await thread.call('time', ...callOf(feeds, fetch))) as number, // as the thread answers
        async release() {
          if (!thread.works) return;
          await thread.call('release', {}).finally(settle);
        },
      };
    } catch (e) {
      await settle();
      throw e;
    }
  }

  async providers(): Promise<readonly string[]> {
    const thread = this.#take();
    try {
      return (await thread.call('providers', {})) as string[]; // as the thread answers
    } finally {
      this.#put(thread);
    }
  }

  dispose(): void {
    this.#spare?.end();
    this.#spare = undefined;
  }

  #take(): Thread {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.works ? spare : new Thread();
  }

  #put(thread: Thread): void {
    if (!thread.works) return;
    if (this.#spare === undefined) this.#spare = thread;
    else thread.end();
  }
}

/** The caller keeps its numbers, so the thread gets a copy: moved to it, not copied again. */
function callOf(feeds: Feeds, fetch: readonly string[]): [call: object, transfer: ArrayBuffer[]] {
  const copies = Object.entries(feeds).map(([name, { dtype, dims, data }]): [string, Feed] => [name, { dtype, dims, data: copyOf(data) }]);
  const buffers = copies.flatMap(([, { data }]) => (ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : [])); // a copy lies in memory of its own, never in shared one
  return [{ feeds: Object.fromEntries(copies), fetch, options: { logSeverityLevel: SILENT } }, buffers];
}

function copyOf(data: FeedData): FeedData {
  if (!ArrayBuffer.isView(data)) return data;
  return data instanceof Uint8Array ? new Uint8Array(data) : data.slice(); // a Buffer's slice is no copy
}
