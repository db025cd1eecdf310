export * from '@onnxpress/onnx';
export * as say from './diagnostics/catalogue.ts';
export { inOrder, positionOf, render, type Diagnostic, type Position, type Span } from './diagnostics/diagnostic.ts';
export { EXIT, exitCodeOf, isInterruption, RecipeError, RunError } from './diagnostics/errors.ts';
export { nearest } from './diagnostics/nearest.ts';
export { bytes, list, plural, quote } from './diagnostics/words.ts';
export { defineDataset, defineEvaluator, defineGate, definePass, definePlugin, defineReporter } from './plugin/define.ts';
export type {
  AnyContribution, Checkpoint, Context, Dataset, DatasetKind, DatasetSource, Evaluator, Gate, Judgements, Measured, Measurement, Numerics, Pass, PassContext, Plugin, Reporter, Text, Unit, Verdict,
} from './plugin/kinds.ts';
export { toJsonSchema, type Infer, type JsonSchema, type OptionFormat, type OptionsOf, type OptionsSchema } from './plugin/options.ts';
export { variantsOf, type Call, type Choose, type Matrix, type ModelSource, type Recipe, type Variant } from './recipe/recipe.ts';
export type { Path, Pointing } from './recipe/source.ts';
export type { ModelFacts, RunEvent, StepDone } from './run/events.ts';
export { Services, token, type Token } from './services/services.ts';
export { Clock, Files, Log, Machine, Runtime, type Feed, type FeedData, type Feeds, type RuntimeSettings, type Session, type SessionOptions } from './services/tokens.ts';
export { DEFAULT_CACHE_BYTES, evict, storeBytes, type Evicted } from './run/evict.ts';
export { factsOf, nodeCount, tensorsOf, weightBytes } from './run/facts.ts';
export { randomFeeds, type FeedSpec } from './run/feeds.ts';
export { mergeReports } from './run/merge.ts';
export { namesLike, nodesNamed, selector } from './run/patterns.ts';
export { planRun, type Evaluation, type Plan, type PlannedVariant, type RunRequest, type Step } from './run/plan.ts';
export { seeded } from './run/random.ts';
export { reportText, run } from './run/run.ts';
export type { Environment, MeasuredBy, MetricRow, Report, VariantReport } from './run/report.ts';
export { hashFile, Store, type BlobRef, type Entry, type StoredEntry } from './run/store.ts';
export { distance, ROUNDING_TOLERANCE, verify } from './run/verify.ts';
export { OrtRuntime } from './services/ort.ts';
