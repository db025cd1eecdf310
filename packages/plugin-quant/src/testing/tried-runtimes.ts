import { OrtRuntime, type Feed, type Feeds, type Model } from '@onnxpress/core';

/** A runtime that models are tried in. */
export interface TriedRuntime {
  readonly name: string;
  readonly version: string;
  /** The only output, or the error, at each setting that the runtime is tried at, by names for readers. */
  run(model: Model, feeds: Feeds): Promise<ReadonlyMap<string, Feed | Error>>;
  dispose?(): void;
}

/** onnxruntime's names for what it may do to a graph, and ours. */
const LEVELS = { disabled: 'none', basic: 'basic', all: 'all' } as const;

/** onnxruntime-node as passes and evaluators use it. */
export function onnxruntimeNode(): TriedRuntime {
  const runtime = new OrtRuntime();
  return {
    name: 'onnxruntime-node',
    version: runtime.version.replace('onnxruntime-node ', ''),
    run: (model, feeds) => tried(Object.entries(LEVELS), async (optimize) => {
      const session = await runtime.load(model, { optimize, threads: 1 });
      try {
        return Object.values(await session.run(feeds))[0]!; // it has one
      } finally {
        await session.dispose();
      }
    }),
  };
}

/** What `act` makes of each setting. */
export async function tried<T>(settings: Iterable<readonly [string, T]>, act: (setting: T) => Promise<Feed>): Promise<Map<string, Feed | Error>> {
  const made = new Map<string, Feed | Error>();
  for (const [name, setting] of settings) made.set(name, await act(setting).catch((e: unknown) => (e instanceof Error ? e : new Error(String(e)))));
  return made;
}
