import type * as Ort from 'onnxruntime-node';
import type { Feed, FeedData, Feeds } from './tokens.ts';

/** A loaded model as onnxruntime-node has it: every feed is of the type that its input has, and of one that the library carries. */
export interface Engine {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  run(feeds: Feeds, fetch: readonly string[]): Promise<{ readonly outputs: Feeds; readonly ms: number }>;
  /** Runs and gives out nothing but the milliseconds that the run itself took. */
  time(feeds: Feeds, fetch: readonly string[]): Promise<number>;
  release(): Promise<void>;
}

/** What to load, and how. */
export interface EngineRequest {
  readonly path: string;
  readonly options: Ort.InferenceSession.SessionOptions;
  /** Bytes of the model and its weights: what a large one took is given back at once. */
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Where sessions live. */
export interface Engines {
  open(request: EngineRequest): Promise<Engine>;
  /** The execution providers that come with the library. */
  providers(): Promise<readonly string[]>;
}

/** The library's own log: its errors are thrown as well, and its warnings alarm people who cannot act on them. */
export const SILENT = 4;

/** Sessions on the calling thread, which they block while they load and run. The library is loaded with the first of them. */
export class EnginesHere implements Engines {
  #ort: Promise<typeof Ort> | undefined;

  async open({ path, options, signal }: EngineRequest): Promise<Engine> {
    signal?.throwIfAborted();
    const ort = await this.#library();
    const session = await ort.InferenceSession.create(path, options);
    const run = async (feeds: Feeds, fetch: readonly string[]): Promise<{ made: Ort.InferenceSession.OnnxValueMapType; ms: number }> => {
      signal?.throwIfAborted();
      const given = Object.fromEntries(Object.entries(feeds).map(([name, { dtype, dims, data }]) => [name, new ort.Tensor(dtype as 'float32', data as Float32Array, [...dims])])); // the library pairs each type with its own array; ours do so too
      const start = performance.now();
      const made = await session.run(given, [...fetch], { logSeverityLevel: SILENT });
      return { made, ms: performance.now() - start };
    };
    return {
      inputs: session.inputNames,
      outputs: session.outputNames,
      async run(feeds, fetch) {
        const { made, ms } = await run(feeds, fetch);
        return { outputs: Object.fromEntries(Object.entries(made).map(([name, t]) => [name, feedOf(t as Ort.Tensor)])), ms }; // the caller refuses sequences and maps by their type
      },
      time: async (feeds, fetch) => (await run(feeds, fetch)).ms,
      release: () => session.release(),
    };
  }

  async providers(): Promise<readonly string[]> {
    return (await this.#library()).listSupportedBackends().filter(({ bundled }) => bundled).map(({ name }) => name);
  }

  #library(): Promise<typeof Ort> {
    return (this.#ort ??= import('onnxruntime-node'));
  }
}

const feedOf = ({ type, dims, data }: Ort.Tensor): Feed => ({ dtype: type as Feed['dtype'], dims, data: data as FeedData }); // names are the same; the caller checks
