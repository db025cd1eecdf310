import { describe, Node, type Aside, type Tensor, type Value } from '@onnxpress/onnx';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Checkpoint, Context, Dataset, DatasetKind, PassContext } from '../plugin/kinds.ts';
import type { Services, Token } from '../services/services.ts';
import { interruptible, Log, Runtime, type RuntimeSettings } from '../services/tokens.ts';
import { keyOf } from './keys.ts';
import type { StepRecord } from './events.ts';
import type { Store } from './store.ts';

/** What a run knows while a contribution is at work. */
export interface ContextParts {
  readonly services: Services;
  readonly settings: RuntimeSettings;
  readonly signal: AbortSignal;
  /** The recipe's folder. */
  readonly folder: string;
  readonly store: Store | undefined;
  /** Opens a data set of the recipe, each once per run. Of any kind where `kinds` is empty. */
  dataset(name: string, kinds: readonly DatasetKind[]): Promise<Dataset>;
  progress(done: number, of: number, what: string): void;
}

/** The context of a contribution that is no pass. */
export function contextOf(parts: ContextParts): Context {
  return {
    get runtime() {
      return interruptible(parts.services.get(Runtime), parts.signal);
    },
    settings: parts.settings,
    signal: parts.signal,
    log: (message) => parts.services.get(Log).info(message),
    dataset: <K extends DatasetKind>(name: string, kind: K | readonly K[]) => parts.dataset(name, [kind].flat() as readonly K[]) as Promise<Extract<Dataset, { readonly kind: K }>>, // `dataset` refuses any other kind; a list of one or of several is a list
    resolve: (path) => resolve(parts.folder, path),
    progress: (done, of, what = '') => parts.progress(done, of, what),
    async memo<T>(key: readonly unknown[], compute: () => Promise<T>): Promise<T> {
      const id = keyOf(['memo', ...key]);
      const known = await parts.store?.get(id);
      if (known) return known.value as T; // written below for this very key
      const value = await compute();
      await parts.store?.put({ key: id, kind: 'memo', label: String(key[0]), value, blobs: [] });
      return value;
    },
    get: <T>(what: Token<T>) => parts.services.get(what),
  };
}

export interface PassParts {
  readonly use: string;
  readonly usesRuntime: boolean;
  readonly random: () => number;
  readonly checkpoint: Checkpoint;
  /** Absent where results may stay in memory. */
  readonly aside?: Aside | undefined;
  warn(message: string): void;
  count(name: string, by: number): void;
  /** Absent where nobody wants to know. */
  readonly missed?: ((why: string) => void) | undefined;
  /** Absent where nobody keeps records. */
  readonly record?: ((record: StepRecord) => void) | undefined;
}

/** Smaller tensors are no burden, and reading them back would be. */
const WORTH_A_FILE = 64 * 1024;

/** The context of a pass. */
export function passContextOf(parts: ContextParts, pass: PassParts): PassContext {
  const base = contextOf(parts);
  const own = {
    random: pass.random,
    checkpoint: pass.checkpoint,
    aside: (tensor: Tensor) => (pass.aside && tensor.byteLength >= WORTH_A_FILE ? pass.aside.put(tensor) : tensor),
    warn: (message: string, at?: Node | Value) => pass.warn(at ? `${message} (${at instanceof Node ? describe(at) : `"${at.name}"`})` : message),
    count: (name: string, by = 1) => pass.count(name, by),
    missed(why: string | (() => Iterable<string>)) {
      if (pass.missed) for (const reason of typeof why === 'string' ? [why] : why()) pass.missed(reason);
    },
    record(name: string, values: StepRecord['values'] | (() => StepRecord['values'])) {
      if (!pass.record) return;
      const all = typeof values === 'function' ? values() : values;
      pass.record({ name, values: Object.fromEntries(Object.entries(all).filter(([, value]) => Number.isFinite(value))) });
    },
    get runtime() {
      if (!pass.usesRuntime) throw new Error(`${pass.use} runs a model without saying so: its author should declare usesRuntime: true, which makes its cache key depend on the runtime.`);
      return base.runtime;
    },
  };
  // Descriptors rather than a spread: reading `runtime` here would start it, or throw.
  return Object.create(null, { ...Object.getOwnPropertyDescriptors(base), ...Object.getOwnPropertyDescriptors(own) }) as PassContext;
}

/** Finished pieces of one step, in the store under the step's key. */
export function checkpointOf(store: Store | undefined, key: string): Checkpoint & { clear(): Promise<void> } {
  const saved = new Set<string>();
  const id = (name: string): string => keyOf(['checkpoint', key, name]);
  return {
    async load(name) {
      const entry = await store?.get(id(name));
      const path = entry?.blobs[0] && (await store?.open(entry.blobs[0]));
      if (!path) return undefined;
      saved.add(name);
      return readFile(path);
    },
    async save(name, bytes) {
      if (!store) return;
      await store.put({ key: id(name), kind: 'checkpoint', label: name, value: null, blobs: [store.keep((write) => write(bytes), bytes.byteLength)] });
      saved.add(name);
    },
    async clear() {
      for (const name of saved) await store?.remove(id(name));
    },
  };
}
