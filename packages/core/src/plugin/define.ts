import type { DatasetSource, Evaluator, Gate, Pass, Plugin, Reporter } from './kinds.ts';
import type { OptionsOf, OptionsSchema } from './options.ts';

/* `const` keeps the options' literal types, so that the verb's argument is inferred from the schema. */
type Spec<K, S extends OptionsSchema> = Omit<K, 'options' | 'kind'> & { readonly options?: S };

export const definePass = <const S extends OptionsSchema = {}>(spec: Spec<Pass<OptionsOf<S>>, S>): Pass<OptionsOf<S>> => ({ kind: 'pass', options: {}, ...spec });
export const defineEvaluator = <const S extends OptionsSchema = {}>(spec: Spec<Evaluator<OptionsOf<S>>, S>): Evaluator<OptionsOf<S>> => ({ kind: 'evaluator', options: {}, ...spec });
export const defineDataset = <const S extends OptionsSchema = {}>(spec: Spec<DatasetSource<OptionsOf<S>>, S>): DatasetSource<OptionsOf<S>> => ({ kind: 'dataset', options: {}, ...spec });
export const defineGate = <const S extends OptionsSchema = {}>(spec: Spec<Gate<OptionsOf<S>>, S>): Gate<OptionsOf<S>> => ({ kind: 'gate', options: {}, ...spec });
export const defineReporter = <const S extends OptionsSchema = {}>(spec: Spec<Reporter<OptionsOf<S>>, S>): Reporter<OptionsOf<S>> => ({ kind: 'reporter', options: {}, ...spec });

/** Checks nothing, types everything: a plugin package's default export. */
export const definePlugin = (plugin: Plugin): Plugin => plugin;
