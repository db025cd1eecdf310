import type { DType, Model } from '@onnxpress/onnx';
import { token } from './services.ts';

/** A tensor as it goes into a model or comes out of it. `data` is a typed array of the type's natural kind, raw bytes (Uint8Array) where JavaScript has none, or strings. */
export interface Feed {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: FeedData;
}
export type FeedData =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array
  | readonly string[];
export type Feeds = Readonly<Record<string, Feed>>;

/** Where and how a model runs. `threads` 0 is all cores. */
export interface RuntimeSettings {
  readonly provider: string;
  readonly threads: number;
}

export interface SessionOptions extends Partial<RuntimeSettings> {
  /** What the runtime may rewrite at load. 'none' runs the graph as it is. Default 'all'. */
  readonly optimize?: 'none' | 'basic' | 'all';
  /** Values to give out besides the graph's outputs: for calibration and error per layer. */
  readonly extraOutputs?: readonly string[];
  /** Leaves the model at once, wherever it is: loading and running are then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Refuses models that are known to end the whole process as they are loaded, which it finds out in another one. */
  readonly guarded?: boolean;
}

/** Runs a model: calibration, evaluation, training and the conformance kit ask for this, never for onnxruntime by name. */
export interface Runtime {
  /** Name and version, part of every key that depends on numbers. */
  readonly version: string;
  load(model: Model, options?: SessionOptions): Promise<Session>;
}

/** A loaded model. `dispose` frees its memory; a session that is dropped without it leaks. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Runs once. `fetch` names the outputs wanted: all by default. */
  run(feeds: Feeds, fetch?: readonly string[]): Promise<Feeds>;
  /** Runs once for the milliseconds that takes, without the way there and back; the outputs are dropped. Absent where a runtime cannot tell: measure `run` then. */
  time?(feeds: Feeds, fetch?: readonly string[]): Promise<number>;
  dispose(): Promise<void>;
}
export const Runtime = token<Runtime>('Runtime');

/** The only source of time. */
export interface Clock {
  /** Milliseconds since 1970, for dates in reports. */
  now(): number;
  /** Milliseconds of a monotonic clock, for durations. */
  ticks(): number;
}
export const Clock = token<Clock>('Clock');

/** Where messages for a person go. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
}
export const Log = token<Log>('Log');

/** The processor, as far as numbers depend on it: features such as avx512_vnni decide what an int8 kernel computes. */
export interface Machine {
  readonly cpu: string;
  readonly features: readonly string[];
  readonly cores: number;
  readonly platform: string;
}
export const Machine = token<Machine>('Machine');

/** The few calls on files that can fail in ways users meet. Tests bind one whose disk is full. */
export interface Files {
  readText(path: string): Promise<string>;
  /** Writes under a temporary name, then renames: the old file stays until the new one is whole. */
  writeText(path: string, text: string): Promise<void>;
  exists(path: string): Promise<boolean>;
}
export const Files = token<Files>('Files');

/** A runtime whose sessions all end by this signal, besides their own. */
export function interruptible(runtime: Runtime, signal: AbortSignal): Runtime {
  return {
    get version() {
      return runtime.version;
    },
    load: (model, options = {}) => runtime.load(model, { ...options, signal: options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]) }),
  };
}
