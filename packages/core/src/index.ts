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
