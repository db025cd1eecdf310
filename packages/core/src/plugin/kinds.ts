import type { Model, Node, Tensor, Value } from '@onnxpress/onnx';
import type { RunEvent, StepRecord } from '../run/events.ts';
import type { Services, Token } from '../services/services.ts';
import type { Feeds, Runtime, RuntimeSettings } from '../services/tokens.ts';
import type { OptionsSchema } from './options.ts';

/* Five kinds, one shape: a name, a summary, options, and one verb. */

interface Contribution {
  /** With the plugin's prefix, as recipes say it: "quant/dynamic". */
  readonly name: string;
  /** One sentence, for lists and docs. */
  readonly summary: string;
  readonly options: OptionsSchema;
}

/**
 * What a pass may do to the numbers. `exact`: bit for bit the same. `rounding`: the same but for the order of floating-point operations.
 * `lossy`: something else, on purpose. The conformance kit picks its tolerance from it, and the report says it.
 */
export type Numerics = 'exact' | 'rounding' | 'lossy';

/** Edits the model it is given. It always gets its own copy, so it may fail half-way without harm. */
export interface Pass<O = never> extends Contribution {
  readonly kind: 'pass';
  readonly numerics: Numerics;
  /** A reason, if the pass may change inputs or outputs; otherwise names and types must stay. */
  readonly signature?: string | undefined;
  /** Whether the pass runs models (calibration, folding): its result then depends on the runtime and the processor, and so does its cache key. `ctx.runtime` refuses without it. */
  readonly usesRuntime?: boolean | undefined;
  run(model: Model, options: O, ctx: PassContext): void | Promise<void>;
}

/** Sees both models, because latency is paired and agreement is with the original. */
export interface Evaluator<O = never> extends Contribution {
  readonly kind: 'evaluator';
  /** Whether its numbers depend on the machine and the moment: shown with their age when they come from the cache. */
  readonly timed?: boolean | undefined;
  /** The names of the metrics that `measure` will give, so that a gate on something else is found before the run. */
  metrics(options: O): readonly string[];
  measure(models: { readonly original: Model; readonly result: Model }, options: O, ctx: Context): Promise<Measured>;
}

export interface DatasetSource<O = never> extends Contribution {
  readonly kind: 'dataset';
  open(options: O, ctx: Context): Promise<Dataset>;
}

/** Judges one bound. Pure: no context, no clock. */
export interface Gate<O = never> extends Contribution {
  readonly kind: 'gate';
  judge(measured: Measured, options: O): Verdict;
}

/** A function of events; what it returns is called for each, in order. */
export interface Reporter<O = never> extends Contribution {
  readonly kind: 'reporter';
  report(options: O, ctx: Context): (event: RunEvent) => void | Promise<void>;
}

/** Any contribution, whatever its options are. */
export type AnyContribution = Pass | Evaluator | DatasetSource | Gate | Reporter;

/** A number per metric, and where it is an average, the value per example, so that gates can use statistics. */
export interface Measurement {
  readonly metrics: Readonly<Record<string, number>>;
  readonly perExample?: Readonly<Record<string, readonly number[]>> | undefined;
}

export interface Measured {
  readonly original: Measurement;
  readonly result: Measurement;
  /** Metric → how to show it. A metric without an entry is a plain number where more is better. */
  readonly units?: Readonly<Record<string, Unit>> | undefined;
  /** Sentences for the report: what the numbers do not say. */
  readonly remarks?: readonly string[] | undefined;
}
/** `bytes` are shown as MB (10^6), `ms` as milliseconds; in both, less is better. */
export type Unit = 'bytes' | 'ms' | 'per-second' | 'count' | 'score' | 'error';

/** What a gate says. `inconclusive`: the interval of the metric contains the bound; `ok` then is what the gate's options make of it. */
export interface Verdict {
  readonly ok: boolean;
  readonly inconclusive?: boolean | undefined;
  /** It passes, and a person should look: shown with a mark of its own, and its message told. */
  readonly warn?: boolean | undefined;
  readonly metric: string;
  /** For the table: "≥ 97 %". */
  readonly bound: string;
  /** For the table: "95 %: 98.1–101.4 %, n = 225". */
  readonly detail?: string | undefined;
  /** One sentence: what was asked, what was found, and for a failure what now. */
  readonly message: string;
}

export interface Text { readonly id: string; readonly text: string; readonly title?: string | undefined }
/** A query's relevant documents: document id → grade. */
export type Judgements = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * One long text, to be cut into windows of `tokens` tokens by whoever has the model's tokenizer: `windowsOf` of @onnxpress/text. `skip` and `take` count windows.
 * `text` gives it in parts that follow one another without anything between them.
 */
export interface Windows {
  readonly tokens: number;
  readonly skip: number;
  readonly take?: number | undefined;
  text(): AsyncIterable<string>;
}

/** What the data is, not yet what the model eats. Texts with `windows` are to be read as those; `texts` and `count` then are of all of the file. */
export type Dataset = {
  /** Same data, same fingerprint: part of a step's cache key. */
  readonly fingerprint: string;
  /** How many examples, for progress. */
  readonly count: number;
} & (
  | { readonly kind: 'texts'; texts(): AsyncIterable<Text>; readonly maxLength?: number | undefined; readonly windows?: Windows | undefined }
  | { readonly kind: 'pairs'; pairs(): AsyncIterable<{ readonly first: string; readonly second: string; readonly score?: number | undefined }> }
  | { readonly kind: 'retrieval'; corpus(): AsyncIterable<Text>; queries(): AsyncIterable<Text>; judgements(): Promise<Judgements> }
  | {
    readonly kind: 'tensors';
    /** What `fitFeeds` makes fit: a feed without a name is for a model's only input. */
    feeds(): AsyncIterable<Feeds>;
    /** What the examples show, those of a batch one after the other; undefined where nobody said. */
    readonly labels?: readonly (string | undefined)[] | undefined;
  }
);
export type DatasetKind = Dataset['kind'];

/** What every contribution may use. */
export interface Context {
  readonly runtime: Runtime;
  /** Where and how the recipe wants models run: give it to `runtime.load`. */
  readonly settings: RuntimeSettings;
  readonly signal: AbortSignal;
  log(message: string): void;
  /** The data set of that name in the recipe; `kind` is what the caller can use, one or several, and anything else is an error that says so. */
  dataset<K extends DatasetKind>(name: string, kind: K | readonly K[]): Promise<Extract<Dataset, { readonly kind: K }>>;
  /** An absolute path for one that the recipe gives relative to itself. */
  resolve(path: string): string;
  /** For long work: shown as a progress bar by the terminal, as a log line by the action. */
  progress(done: number, of: number, what?: string): void;
  /** A JSON value computed once for this key, which must name all it depends on; kept in the cache. */
  memo<T>(key: readonly unknown[], compute: () => Promise<T>): Promise<T>;
  /** A service: of the host, or of a plugin. */
  get<T>(what: Token<T>): T;
}

export interface PassContext extends Context {
  /** Seeded by the recipe: same recipe, same bytes. Each pass has its own sequence in [0, 1). */
  readonly random: () => number;
  /** Where a long pass keeps its finished layers, so that a killed run goes on where it was. */
  readonly checkpoint: Checkpoint;
  /** The same tensor, on the disk if it is large: for results that are made one by one and would fill the memory together. */
  aside(tensor: Tensor): Tensor;
  warn(message: string, at?: Node | Value): void;
  /** A number for the report: nodes fused, weights zeroed. Calls with one name add up. */
  count(name: string, by?: number): void;
  /**
   * What was measured of one layer or tensor, for the report: error, seconds, bits. A function is called only where somebody keeps the answer, so a
   * preview pays for nothing. Numbers that are not finite are left out.
   */
  record(name: string, values: StepRecord['values'] | (() => StepRecord['values'])): void;
  /** Says why things were left alone: shown by `onnxpress plan --why`. A function, which gives any number of reasons, is called only where somebody wants to know. */
  missed(why: string | (() => Iterable<string>)): void;
}

/** Finished pieces of a step, by name, for this step's key only. They go when the step is done. */
export interface Checkpoint {
  load(name: string): Promise<Uint8Array | undefined>;
  save(name: string, bytes: Uint8Array): Promise<void>;
}

/** A plugin package's default export. `name` is the prefix in recipes: "quant" offers "quant/dynamic". */
export interface Plugin {
  readonly name: string;
  readonly passes?: readonly Pass[] | undefined;
  readonly evaluators?: readonly Evaluator[] | undefined;
  readonly datasets?: readonly DatasetSource[] | undefined;
  readonly gates?: readonly Gate[] | undefined;
  readonly reporters?: readonly Reporter[] | undefined;
  /** For the few that bring a service of their own, such as another Runtime. */
  services?(services: Services): void;
}
