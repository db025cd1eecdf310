import { createRequire } from 'node:module';
import { describe, OnnxError, type DType, type Model, type Node } from '@onnxpress/onnx';
import { weightBytes } from '../run/facts.ts';
import { EnginesInThreads } from './engines-in-threads.ts';
import { EnginesHere, SILENT, type Engine, type Engines } from './engine.ts';
import { fileOf } from './model-file.ts';
import type { Feed, Feeds, Runtime, Session, SessionOptions } from './tokens.ts';
import { isRisky, tryToLoad } from './trial.ts';

/** Types that go into models and come out of them. onnxruntime names them as we do; it has no JavaScript tensors of the types left out. */
export const CARRIED: ReadonlySet<DType> = new Set<DType>(['float32', 'float64', 'float16', 'int64', 'uint64', 'int32', 'uint32', 'int16', 'uint16', 'int8', 'uint8', 'bool', 'string']);
const LEVEL = { none: 'disabled', basic: 'basic', all: 'all' } as const;

/** Runtime on onnxruntime-node, on the calling thread: for tests and scripts. The library is loaded with the first model: `check` and `plan` never pay for it. */
export class OrtRuntime implements Runtime {
  static readonly needs = [] as const;
  readonly #engines: Engines;

  constructor(engines: Engines = new EnginesHere()) {
    this.#engines = engines;
  }

  get version(): string {
    const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }; // every package.json has one
    return `onnxruntime-node ${version}`;
  }

  async load(model: Model, options: SessionOptions = {}): Promise<Session> {
    const { provider = 'cpu', signal } = options;
    const deadly = deadlyNode(model);
    if (deadly) throw new OnnxError('unsupported', `onnxruntime would end this process at ${describe(deadly)}: it reads the bias of Attention, and there is none.`);
    signal?.throwIfAborted();
    const { path, clean } = await fileOf(model, options.extraOutputs ?? []);
    try {
      if (options.guarded && isRisky(model)) await tryToLoad(path, LEVEL[options.optimize ?? 'all']);
      const engine = await this.#engines.open({
        path,
        bytes: weightBytes(model),
        signal,
        options: {
          executionProviders: [provider],
          graphOptimizationLevel: LEVEL[options.optimize ?? 'all'],
          ...(options.threads ? { intraOpNumThreads: options.threads } : {}),
          logSeverityLevel: SILENT,
        },
      });
      const types = model.graph.inputs.flatMap((v) => (v.type?.kind === 'tensor' ? [[v.name, v.type.dtype] as const] : []));
      return new OrtSession(engine, new Map(types), clean, signal);
    } catch (e) {
      await cleaned(clean, signal);
      signal?.throwIfAborted();
      if (e instanceof OnnxError) throw e;
      if (provider !== 'cpu') throw await this.#noProvider(provider, e);
      throw new OnnxError('unsupported', `onnxruntime cannot load the model: ${messageOf(e)}`, { cause: e });
    }
  }

  async #noProvider(provider: string, cause: unknown): Promise<OnnxError> {
    const here = await this.#engines.providers();
    const reason = messageOf(cause).replace(/\.$/, '');
    return new OnnxError('unsupported', `onnxruntime cannot run the model by the provider "${provider}": ${reason}. The providers that come with it here are ${here.map((name) => `"${name}"`).join(', ')}: name another in the recipe's runtime, or leave it out for "cpu".`, { cause });
  }
}

/** OrtRuntime in threads of its own, as hosts have it. `dispose` gives back what is kept for the next model. */
export class OrtThreads extends OrtRuntime {
  readonly #threads: EnginesInThreads;

  constructor() {
    const threads = new EnginesInThreads();
    super(threads);
    this.#threads = threads;
  }

  dispose(): void {
    this.#threads.dispose();
  }
}

/** A model that was left may still be read, and some systems remove no file that is. */
const cleaned = (clean: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> => clean().catch((e: unknown) => {
  if (!signal?.aborted) throw e;
});

/** A node at which onnxruntime-node 1.30 ends the whole process rather than throwing: com.microsoft.Attention without its bias, whatever its sizes. */
function deadlyNode(model: Model): Node | undefined {
  for (const n of model.nodes()) if (n.is('Attention', 'com.microsoft') && !n.inputs[2]) return n;
  return undefined;
}

class OrtSession implements Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly #engine: Engine;
  readonly #types: ReadonlyMap<string, DType>;
  readonly #clean: () => Promise<void>;
  readonly #signal: AbortSignal | undefined;

  constructor(engine: Engine, types: ReadonlyMap<string, DType>, clean: () => Promise<void>, signal: AbortSignal | undefined) {
    this.#engine = engine;
    this.#types = types;
    this.#clean = clean;
    this.#signal = signal;
    this.inputs = engine.inputs;
    this.outputs = engine.outputs;
  }

  async run(feeds: Feeds, fetch: readonly string[] = this.outputs): Promise<Feeds> {
    const { outputs } = await this.#attempt(feeds, (given) => this.#engine.run(given, fetch));
    for (const [name, { dtype }] of Object.entries(outputs)) if (!CARRIED.has(dtype)) throw new OnnxError('unsupported', `Output "${name}" is ${dtype ?? 'no tensor'}, which onnxruntime-node gives to no caller.`);
    return outputs;
  }

  time(feeds: Feeds, fetch: readonly string[] = this.outputs): Promise<number> {
    return this.#attempt(feeds, (given) => this.#engine.time(given, fetch));
  }

  async dispose(): Promise<void> {
    await this.#engine.release();
    await cleaned(this.#clean, this.#signal);
  }

  async #attempt<T>(feeds: Feeds, act: (given: Feeds) => Promise<T>): Promise<T> {
    const given = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, this.#fitted(name, feed)]));
    try {
      return await act(given);
    } catch (e) {
      this.#signal?.throwIfAborted();
      throw new OnnxError('unsupported', `onnxruntime cannot run the model: ${messageOf(e)}`, { cause: e });
    }
  }

  /** Texts become int64 everywhere; a model that wants int32 gets that. */
  #fitted(name: string, feed: Feed): Feed {
    if (!CARRIED.has(feed.dtype)) throw new OnnxError('unsupported', `Input "${name}" is ${feed.dtype}, which onnxruntime-node takes from no caller.`);
    if (feed.dtype !== 'int64' || this.#types.get(name) !== 'int32') return feed;
    return { ...feed, dtype: 'int32', data: Int32Array.from(feed.data as BigInt64Array, Number) }; // int64 is held in a BigInt64Array
  }
}

const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e));
