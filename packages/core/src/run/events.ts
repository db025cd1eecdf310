import type { Measured, Numerics, Verdict } from '../plugin/kinds.ts';

/** Facts about a model that a table shows. */
export interface ModelFacts {
  readonly file: string;
  /** The model file and its external data, in bytes. */
  readonly bytes: number;
  /** Elements of all initializers. */
  readonly params: number;
  readonly nodes: number;
  readonly opset: number;
}

interface Where {
  /** Which candidate of a matrix: '' where there is one. */
  readonly variant: string;
}

/** What happens in a run, in order. Plain data: reporters, the report, the terminal and the tests read nothing else. */
export type RunEvent =
  | { readonly type: 'started'; readonly name: string; readonly model: ModelFacts; readonly variants: readonly string[]; readonly fingerprint: string }
  | (Where & { readonly type: 'step-started'; readonly index: number; readonly use: string })
  | (Where & { readonly type: 'progress'; readonly phase: 'step' | 'evaluate'; readonly use: string; readonly done: number; readonly of: number; readonly what: string })
  | (Where & StepDone)
  | (Where & { readonly type: 'warning'; readonly message: string; readonly use?: string | undefined })
  | (Where & { readonly type: 'measured'; readonly use: string; readonly as?: string | undefined; readonly measured: Measured; readonly ms: number; readonly cached: boolean; /** Milliseconds since 1970. */ readonly at: number })
  | (Where & { readonly type: 'judged'; readonly gate: string; readonly verdict: Verdict })
  | (Where & { readonly type: 'variant-done'; readonly ok: boolean; readonly result: ModelFacts })
  | { readonly type: 'done'; readonly ok: boolean; readonly chosen: string | undefined; readonly output: string | undefined; readonly report: string | undefined };

/** What a pass measured of one layer or tensor: `{ name: 'encoder.0.fc1', values: { 'weight-error': 0.08, seconds: 0.4 } }`. */
export interface StepRecord {
  readonly name: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface StepDone {
  readonly type: 'step';
  readonly index: number;
  readonly use: string;
  readonly key: string;
  readonly numerics: Numerics;
  readonly cached: boolean;
  readonly changed: boolean;
  readonly ms: number;
  readonly nodes: readonly [before: number, after: number];
  /** Weights in bytes. */
  readonly bytes: readonly [before: number, after: number];
  readonly counts: Readonly<Record<string, number>>;
  /** Per layer or tensor, in the order in which the pass told them; absent where it told none. */
  readonly records?: readonly StepRecord[] | undefined;
  readonly warnings: readonly string[];
  /** What comparing before and after found; for a skip, why. */
  readonly verify: string | undefined;
  /** Why the result was thrown away and the model before was kept: the pass changed what the model computes. Then `changed` is false. */
  readonly rolledBack?: string | undefined;
}
