import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, OnnxError, writeModel, type DType, type Model, type Node } from '@onnxpress/onnx';
import type * as Ort from 'onnxruntime-node';
import type { Feed, FeedData, Feeds, Runtime, Session, SessionOptions } from './tokens.ts';

/** onnxruntime's names where they differ from ours: none today. The runtime has no JavaScript tensors of the types left out. */
export const CARRIED: ReadonlySet<DType> = new Set<DType>(['float32', 'float64', 'float16', 'int64', 'uint64', 'int32', 'uint32', 'int16', 'uint16', 'int8', 'uint8', 'bool', 'string']);
const LEVEL = { none: 'disabled', basic: 'basic', all: 'all' } as const;

type Library = typeof Ort;

/** The library's own log: its errors are thrown as well, and its warnings alarm people who cannot act on them. */
const SILENT = 4;

/** Runtime on onnxruntime-node. The library is loaded with the first model: `check` and `plan` never pay for it. */
export class OrtRuntime implements Runtime {
  static readonly needs = [] as const;
  #ort: Promise<Library> | undefined;

  get version(): string {
    const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }; // every package.json has one
    return `onnxruntime-node ${version}`;
  }

  async load(model: Model, options: SessionOptions = {}): Promise<Session> {
    const deadly = deadlyNode(model);
    if (deadly) throw new OnnxError('unsupported', `onnxruntime would end this process at ${describe(deadly)}: it reads the bias of Attention, and there is none.`);
    const ort = await (this.#ort ??= import('onnxruntime-node'));
    const { path, clean } = await fileOf(model, options.extraOutputs ?? []);
    try {
      const session = await ort.InferenceSession.create(path, {
        executionProviders: [options.provider ?? 'cpu'],
        graphOptimizationLevel: LEVEL[options.optimize ?? 'all'],
        ...(options.threads ? { intraOpNumThreads: options.threads } : {}),
        logSeverityLevel: SILENT,
      });
      const types = model.graph.inputs.flatMap((v) => (v.type?.kind === 'tensor' ? [[v.name, v.type.dtype] as const] : []));
      return new OrtSession(ort, session, new Map(types), clean);
    } catch (e) {
      await clean();
      throw new OnnxError('unsupported', `onnxruntime cannot load the model: ${messageOf(e)}`, { cause: e });
    }
  }
}

/** A node at which onnxruntime-node 1.30 ends the whole process rather than throwing: com.microsoft.Attention without its bias, whatever its sizes. */
function deadlyNode(model: Model): Node | undefined {
  for (const n of model.nodes()) if (n.is('Attention', 'com.microsoft') && !n.inputs[2]) return n;
  return undefined;
}

class OrtSession implements Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly #ort: Library;
  readonly #session: Ort.InferenceSession;
  readonly #types: ReadonlyMap<string, DType>;
  readonly #clean: () => Promise<void>;

  constructor(ort: Library, session: Ort.InferenceSession, types: ReadonlyMap<string, DType>, clean: () => Promise<void>) {
    this.#ort = ort;
    this.#session = session;
    this.#types = types;
    this.#clean = clean;
    this.inputs = session.inputNames;
    this.outputs = session.outputNames;
  }

  async run(feeds: Feeds, fetch: readonly string[] = this.outputs): Promise<Feeds> {
    const given = Object.fromEntries(Object.entries(feeds).map(([name, f]) => [name, this.#tensor(name, f)]));
    let made: Ort.InferenceSession.OnnxValueMapType;
    try {
      made = await this.#session.run(given, [...fetch], { logSeverityLevel: SILENT });
    } catch (e) {
      throw new OnnxError('unsupported', `onnxruntime cannot run the model: ${messageOf(e)}`, { cause: e });
    }
    return Object.fromEntries(Object.entries(made).map(([name, t]) => [name, feedOf(name, t as Ort.Tensor)])); // sequences and maps are refused there
  }

  async dispose(): Promise<void> {
    await this.#session.release();
    await this.#clean();
  }

  /** Texts become int64 everywhere; a model that wants int32 gets that. */
  #tensor(name: string, feed: Feed): Ort.Tensor {
    const { dtype, dims, data } = feed.dtype === 'int64' && this.#types.get(name) === 'int32' ? { ...feed, dtype: 'int32' as const, data: Int32Array.from(feed.data as BigInt64Array, Number) } : feed; // int64 is held in a BigInt64Array
    if (!CARRIED.has(dtype)) throw new OnnxError('unsupported', `Input "${name}" is ${dtype}, which onnxruntime-node takes from no caller.`);
    return new this.#ort.Tensor(dtype as 'float32', data as Float32Array, [...dims]); // the library pairs each type with its own array; ours do so too
  }
}

function feedOf(name: string, t: Ort.Tensor): Feed {
  const dtype = t.type as DType; // CARRIED: the names are the same
  if (!CARRIED.has(dtype)) throw new OnnxError('unsupported', `Output "${name}" is ${t.type}, which onnxruntime-node gives to no caller.`);
  return { dtype, dims: t.dims, data: t.data as FeedData };
}

/** A file that holds the model: its own where it is unchanged, else a temporary one that `clean` removes. */
async function fileOf(model: Model, extraOutputs: readonly string[]): Promise<{ path: string; clean: () => Promise<void> }> {
  if (model.origin && model.revision === 0 && extraOutputs.length === 0) return { path: model.origin, clean: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'onnxpress-'));
  const clean = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(extraOutputs.length ? withOutputs(model, extraOutputs) : model, path);
    return { path, clean };
  } catch (e) {
    await clean();
    throw e;
  }
}

function withOutputs(model: Model, names: readonly string[]): Model {
  const copy = model.clone();
  for (const name of names) {
    const value = copy.graph.value(name);
    if (!value) throw new OnnxError('bad-edit', `The model has no value "${name}" to give out.`);
    if (!value.isOutput) copy.graph.addOutput(value);
  }
  return copy;
}

const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e));
