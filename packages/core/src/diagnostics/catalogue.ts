/* Every message that a user may read, sorted by code. One voice: what is wrong, where, what now; the user's own word in quotes. */
import type { AnyContribution } from '../plugin/kinds.ts';
import type { Diagnostic, Span } from './diagnostic.ts';
import { nearest } from './nearest.ts';
import { bytes, list, plural, quote } from './words.ts';

type Kind = AnyContribution['kind'];

const error = (code: string, message: string, at?: Span, hint?: string): Diagnostic => ({ code, severity: 'error', message, hint, at });
const warning = (code: string, message: string, at?: Span, hint?: string): Diagnostic => ({ code, severity: 'warning', message, hint, at });

/** "Did you mean …?" where a known word is near. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const near = nearest(word, known);
  return near === undefined ? undefined : `Did you mean "${near}"?`;
}

/** The same, followed by all known words. */
export function suggest(word: string, known: readonly string[]): string {
  const near = didYouMean(word, known);
  return `${near === undefined ? '' : `${near} `}${known.length > 0 ? `There are: ${list(known)}.` : 'There are none.'}`;
}

const SECTION = { pass: 'steps', evaluator: 'evaluate', dataset: 'data', gate: 'gates', reporter: 'reports' } as const satisfies Record<Kind, string>;
const A_KIND = { pass: 'a pass', evaluator: 'an evaluator', dataset: 'a data set', gate: 'a gate', reporter: 'a reporter' } as const satisfies Record<Kind, string>;

// Sorted by code.

export const aliasNested = (at: Span): Diagnostic =>
  error('alias-nested', 'An alias (*name) stands inside an anchored value (&name).', at, 'Aliases may not be nested. Write the value out.');

export const ambiguousMetric = (metric: string, from: readonly string[], at?: Span): Diagnostic =>
  error('ambiguous-metric', `${quote(metric)} is measured more than once: by ${list(from)}.`, at, `Give the evaluators names with "as: name" and write "name.${metric}".`);

export const badBound = (metric: string, given: unknown, at?: Span): Diagnostic =>
  error('bad-bound', `The bound ${quote(given)} of ${quote(metric)} cannot be read.`, at, 'Write a number, a share of the original model such as 97%, or a number with a unit such as "8 ms" or "30 MB".');

export const badCall = (problem: string, hint?: string): Diagnostic =>
  error('bad-call', problem, undefined, hint ?? 'Run onnxpress --help to see what there is.');

export const badExpression = (text: string, at: Span): Diagnostic =>
  error('bad-expression', `${quote(text)} is not an expression of a recipe.`, at, 'There is one form: ${{ matrix.name }}.');

export const badOption = (use: string, option: string, problem: string, given: unknown, at?: Span, hint?: string): Diagnostic =>
  error('bad-option', `${quote(option)} of ${use} ${problem}, but is ${quote(given)}.`, at, hint);

export const badPlugin = (plugin: string, problem: string): Diagnostic =>
  error('bad-plugin', `The plugin ${plugin} ${problem}.`, undefined, 'This is for the author of the plugin to mend.');

export const badValue = (key: string, problem: string, given: unknown, at?: Span, hint?: string): Diagnostic =>
  error('bad-value', `${quote(key)} ${problem}, but is ${quote(given)}.`, at, hint);

export const badVariable = (name: string, at: Span): Diagnostic =>
  error('bad-variable', `${quote(name)} cannot be a variable of the matrix.`, at, name === 'include' ? 'List all values, and leave combinations out with exclude.' : 'A name is made of letters, digits, "-" and "_", and starts with a letter or "_".');

export const cacheDamaged = (object: string): Diagnostic =>
  warning('cache-damaged', `The cached object ${object} does not have the content it was stored with. It is made anew.`, undefined, 'If this happens again, the disk may be failing: run onnxpress cache verify.');

export const cacheUnwritable = (folder: string, problem: string): Diagnostic =>
  warning('cache-unwritable', `Nothing can be kept in the cache ${folder}: ${problem}`, undefined, 'The run goes on, and the next one starts anew. Make the folder writable, or name another with --cache.');

export const chooseWithoutMatrix = (at: Span): Diagnostic =>
  error('choose-without-matrix', 'There is nothing to choose from: the recipe has no matrix.', at, 'Add a matrix, or remove choose.');

export const cpuLacks = (feature: string, cpu: string, present: readonly string[], at?: Span): Diagnostic =>
  error('cpu-lacks', `The recipe requires a processor with ${quote(feature)}, and ${cpu} has none.`, at, `It has: ${list(present)}. Run on another machine, or drop the requirement if the numbers may differ.`);

export const dataBroken = (file: string, line: number, problem: string): Diagnostic =>
  error('data-broken', `${file}:${line}: ${problem}`, undefined, 'Mend the line, or remove it.');

export const dataCycle = (names: readonly string[], at: Span): Diagnostic =>
  error('data-cycle', `The data set ${quote(names[0])} is made from itself: ${names.join(' → ')}.`, at, 'Let one of them read from a file.');

export const dataEmpty = (name: string, file: string): Diagnostic =>
  error('data-empty', `The data set ${quote(name)} has no examples: ${file} holds none that can be used.`, undefined, 'Check the file, and the options that choose from it.');

export const dataMisfit = (missing: readonly string[], given: readonly string[]): Diagnostic =>
  error('data-misfit', `The data do not fit the model: it asks for ${list(missing.map(quote))}, and they have ${list(given.map((name) => (name === '' ? 'a tensor without a name' : quote(name)))) || 'nothing'}.`, undefined, "Give the data the names of the model's inputs; onnxpress inspect shows them.");

export const dataWrongKind = (name: string, is: string, wanted: string, at?: Span): Diagnostic =>
  error('data-wrong-kind', `The data set ${quote(name)} holds ${is}, where there should be ${wanted}.`, at, 'Name another entry of data:, or add one with a data source of that kind.');

export const diskFull = (path: string, needed?: number, free?: number): Diagnostic =>
  error('disk-full', `No space is left on the disk for ${path}${needed === undefined ? '' : `: it needs ${bytes(needed)}${free === undefined ? '' : `, and ${bytes(free)} are free, so ${bytes(Math.max(0, needed - free))} are missing`}`}.`, undefined, 'Free some space, or run onnxpress cache prune. What was there before is untouched.');

export const duplicateAs = (name: string, at: Span): Diagnostic =>
  error('duplicate-as', `Two evaluators are named ${quote(name)}.`, at, 'Their metrics could not be told apart. Choose another name.');

export const duplicateKey = (key: string, at: Span): Diagnostic =>
  error('duplicate-key', `${quote(key)} is given twice.`, at, 'Keep one of them.');

export const duplicateName = (kind: Kind, name: string, plugin: string): Diagnostic =>
  error('duplicate-name', `The plugin ${plugin} offers ${A_KIND[kind]} named ${quote(name)} twice.`, undefined, 'This is for the author of the plugin to mend.');

export const duplicatePlugin = (prefix: string, first: string, second: string, at?: Span): Diagnostic =>
  error('duplicate-plugin', `Two plugins want the prefix ${quote(prefix)}: ${first} and ${second}.`, at, 'Remove one of them.');

export const duplicateValue = (key: string, value: unknown, at: Span): Diagnostic =>
  error('duplicate-value', `${quote(key)} lists ${quote(value)} twice.`, at, 'Each value makes a candidate; keep one of them.');

export const emptyMatrix = (at: Span): Diagnostic =>
  error('empty-matrix', 'The matrix leaves no combination: all of them are excluded.', at, 'Exclude fewer.');

export const emptyRecipe = (at: Span): Diagnostic =>
  error('empty-recipe', 'The recipe is empty.', at, 'The least is "model: model.onnx" and a list of steps. onnxpress init writes a recipe for a model.');

export const excludesNothing = (at: Span): Diagnostic =>
  error('excludes-nothing', 'This excludes no combination of the matrix.', at, 'Use variables and values of the matrix.');

export const extendsCycle = (files: readonly string[], at: Span): Diagnostic =>
  error('extends-cycle', `The recipe extends itself: ${files.join(' → ')}.`, at, 'Break the circle: let the shared settings be a file that extends nothing.');

export const extendsTooDeep = (limit: number, at: Span): Diagnostic =>
  error('extends-too-deep', `More than ${limit} recipes extend each other in a row.`, at, 'Put shared settings into one file.');

export const gateWithoutBound = (metric: string, at: Span): Diagnostic =>
  error('gate-without-bound', `The gate on ${quote(metric)} has no bound.`, at, 'Give at-least or at-most, for example { at-least: 97% }.');

export const internal = (problem: string): Diagnostic =>
  error('internal', `Something went wrong that should not: ${problem}`, undefined, 'This is a mistake in onnxpress. The stack below says where; please report it.');

export const interrupted = (): Diagnostic =>
  error('interrupted', 'Interrupted.', undefined, 'What is finished is kept: the next run goes on from there.');

export const matrixNotHere = (text: string, at: Span): Diagnostic =>
  error('matrix-not-here', `${quote(text)} cannot be used here: there is one of this for all candidates.`, at, 'Matrix variables work under data, steps, evaluate and gates.');

export const matrixTooLarge = (count: number, limit: number, at: Span): Diagnostic =>
  error('matrix-too-large', `The matrix has ${count} combinations. At most ${limit} are allowed.`, at, 'List fewer values, or split the recipe.');

export const missingKey = (key: string, of: string, description?: string, at?: Span): Diagnostic =>
  error('missing-key', `${of} needs ${quote(key)}.`, at, description === undefined ? undefined : `${quote(key)}: ${description}`);

export const missingOption = (use: string, option: string, description?: string, at?: Span): Diagnostic =>
  error('missing-option', `${use} needs the option ${quote(option)}.`, at, description === undefined ? undefined : `${quote(option)}: ${description}`);

export const missingPlugin = (use: string, packageName: string, at?: Span): Diagnostic =>
  error('missing-plugin', `${quote(use)} belongs to a plugin that is not installed.`, at, `Install it: npm install ${packageName}`);

export const modelDiffers = (path: string, sha256: string, at?: Span): Diagnostic =>
  error('model-differs', `${path} is not the model that the recipe was written for: its SHA-256 is ${sha256}.`, at, 'Get the model that is meant, or write this hash into the recipe if the change is wanted.');

export const modelRefused = (file: string, problem: string): Diagnostic =>
  error('model-refused', `The runtime cannot load ${file}: ${problem}`, undefined, 'Check the model with onnxpress inspect. If it loads elsewhere, its opset or one of its operators may be too new for this runtime.');

export const modelSource = (from: string, at?: Span): Diagnostic =>
  error('model-source', `${quote(from)} is an address, and models are read from files.`, at, 'Download the model, and name the file or its folder. sha256 beside it pins its content.');

export const multipleDocuments = (at: Span): Diagnostic =>
  error('multiple-documents', 'The file holds more than one YAML document.', at, 'A recipe is one document. Remove the "---" line, or make it a file of its own.');

export const networkFailed = (what: string, problem: string): Diagnostic =>
  error('network-failed', `${what} could not be fetched: ${problem}`, undefined, 'Check the address and the connection, or fetch the file yourself and name its path.');

export const noAccess = (path: string, doing: 'read' | 'write', at?: Span): Diagnostic =>
  error('no-access', `${path} may not be ${doing === 'read' ? 'read' : 'written'}: permission denied.`, at, 'Change the permissions of the file or its folder, or choose another path.');

export const noSuchFile = (path: string, what = 'The file', at?: Span, near: readonly string[] = []): Diagnostic =>
  error('no-such-file', `${what} ${path} does not exist.`, at, near.length > 0 ? suggest(path, near) : 'Paths are relative to the recipe that says them.');

export const nonFiniteActivation = (value: string, sample: number, found: number, index: number): Diagnostic =>
  error('non-finite-activation', `${quote(value)} holds ${found} at element ${index} when the model runs on sample ${sample} of the data.`, undefined, 'Look whether the data fit the model, or exclude what reads it.');

export const notAFile = (path: string, at?: Span): Diagnostic =>
  error('not-a-file', `${path} is a folder, and a file is needed.`, at, 'Name the file in it.');

export const notAMap = (found: unknown, at: Span): Diagnostic =>
  error('not-a-map', `A recipe is a map of settings, and this is ${quote(found)}.`, at, 'The least is "model: model.onnx" and a list of steps.');

export const notAPlugin = (specifier: string, found: string, at?: Span): Diagnostic =>
  error('not-a-plugin', `${quote(specifier)} is no plugin: its default export is ${found}.`, at, 'A plugin module ends with "export default definePlugin({ name, passes: [...] })".');

export const notObservable = (value: string): Diagnostic =>
  error('not-observable', `${quote(value)} is no float tensor with columns, so there is nothing to calibrate on.`, undefined, 'Exclude what reads it.');

export const notUtf8 = (at: Span): Diagnostic =>
  error('not-utf8', 'The file is not UTF-8 text.', at, 'Save it as UTF-8. Windows PowerShell writes UTF-16 by default.');

export const notVerified = (use: string, step: number, why: string): Diagnostic =>
  error('not-verified', `${use}, step ${step}: the model before and after were ${why}.`, undefined, '"verify: strict" in the recipe wants every exact and every rounding step compared. "verify: always" says so in the report and goes on.');

export const outputIsModel = (path: string, at?: Span): Diagnostic =>
  error('output-is-model', `The result would replace the model that it is made from: ${path}.`, at, 'Choose another place for the output.');

export const patternMatchesNothing = (use: string, option: string, pattern: string, near: readonly string[], at?: Span): Diagnostic =>
  error('pattern-matches-nothing', `${quote(pattern)} in ${quote(option)} of ${use} matches nothing in the model.`, at, near.length > 0 ? `Near it there are: ${list(near)}.` : 'onnxpress inspect lists the names.');

export const pluginFailed = (use: string, step: number | undefined, problem: string): Diagnostic =>
  error('plugin-failed', `${use}${step === undefined ? '' : `, step ${step}`}: ${problem}`);

export const pluginLoadFailed = (specifier: string, problem: string, at?: Span): Diagnostic =>
  error('plugin-load-failed', `The plugin ${quote(specifier)} failed while it was loaded: ${problem}`, at, 'Check that it fits this version of onnxpress, and install it anew.');

export const pluginNotFound = (specifier: string, from: string, at?: Span): Diagnostic =>
  error('plugin-not-found', `The plugin ${quote(specifier)} is not found from ${from}.`, at, /^[./]/.test(specifier) ? 'The path is relative to the recipe that says it.' : `Install it: npm install ${specifier}`);

export const recipeTooLarge = (size: number, limit: number, at: Span): Diagnostic =>
  error('recipe-too-large', `The recipe has ${bytes(size)}. At most ${bytes(limit)} are allowed.`, at, 'Is this the right file? Data belongs into files of its own.');

export const runtimeFailed = (doing: string, problem: string): Diagnostic =>
  error('runtime-failed', `The runtime failed while ${doing}: ${problem}`);

export const samePlace = (recipe: string, other: string, place: string, at?: Span): Diagnostic =>
  error('same-place', `${recipe} and ${other} would both write ${place}.`, at, 'Give each recipe an output in a folder of its own: report.json lies beside it.');

export const signatureChanged = (use: string, step: number, changes: readonly string[]): Diagnostic =>
  error('signature-changed', `${use}, step ${step}: the pass changed the model's inputs or outputs, and does not say that it may: ${list(changes)}.`, undefined, 'This is for the author of the pass to mend: keep names and types, or state a reason as "signature".');

export const sourceChanged = (file: string): Diagnostic =>
  error('source-changed', `${file} was changed while the run was reading it.`, undefined, 'Nothing was written. Run again when nobody writes to the model.');

/** A warning of its step, which knows its name. */
export const stepRolledBack = (found: string, culprit?: string): Diagnostic =>
  warning('step-rolled-back', `rolled back. ${rollBackReason(found, culprit)}`, undefined, 'The run goes on with the model as it was before the step. "verify: strict" in the recipe would end it.');

const rollBackReason = (found: string, culprit: string | undefined): string => `The model before and after compute different things: ${found}${culprit === undefined ? '' : `; ${culprit}`}.`;

export const tooDeep = (at: Span): Diagnostic =>
  error('too-deep', 'The recipe is nested too deeply.', at, 'No recipe needs more than a few levels. Is this the right file?');

export const tooLargeToRead = (path: string, at?: Span): Diagnostic =>
  error('too-large-to-read', `${path} is too large to be read as text.`, at, 'Is this the right file?');

export const tooManyAliases = (limit: number, at: Span): Diagnostic =>
  error('too-many-aliases', `The recipe has more than ${limit} aliases (*name).`, at, 'Write the values out.');

export const tooManyMistakes = (more: number, at?: Span): Diagnostic =>
  error('too-many-mistakes', `${plural(more, 'more mistake')} not shown.`, at, 'Mend those above first.');

export const unknownAlias = (name: string, known: readonly string[], at: Span): Diagnostic =>
  error('unknown-alias', `There is no anchor &${name} before this alias.`, at, `${known.length > 0 ? suggest(name, known) : 'There are none.'} To start a text with *, quote it.`);

export const unknownContribution = (kind: Kind, use: string, known: readonly string[], at?: Span): Diagnostic =>
  error(`unknown-${kind}`, `No installed plugin offers ${A_KIND[kind]} ${quote(use)}.`, at, `${suggest(use, known)}${nearest(use, known) === undefined ? ' If another plugin offers it, install that, or name it under plugins:.' : ''}`);

export const unknownData = (use: string, option: string, name: string, known: readonly string[], at?: Span): Diagnostic =>
  error('unknown-data', `${quote(option)} of ${use} names ${quote(name)}, which is no entry of data:.`, at, suggest(name, known));

export const unknownKey = (key: string, of: string, known: readonly string[], at?: Span): Diagnostic =>
  error('unknown-key', `${of} has no key ${quote(key)}.`, at, suggest(key, known));

export const unknownMetric = (metric: string, known: readonly string[], at?: Span): Diagnostic =>
  error('unknown-metric', `No evaluator of this recipe measures ${quote(metric)}.`, at, suggest(metric, known));

export const unknownOption = (use: string, option: string, known: readonly string[], at?: Span): Diagnostic =>
  error('unknown-option', `${use} has no option ${quote(option)}.`, at, suggest(option, known));

export const unknownVariable = (name: string, known: readonly string[], at: Span): Diagnostic =>
  error('unknown-variable', `The matrix has no variable ${quote(name)}.`, at, suggest(name, known));

export const verifyFailed = (use: string, step: number, found: string, culprit?: string): Diagnostic =>
  error('verify-failed', `${use}, step ${step}: ${rollBackReason(found, culprit)}`, undefined, 'This is a mistake in the pass, or the model is sensitive to rounding. "verify: always" in the recipe goes on without the step, "verify: off" does not compare.');

export const wrongKind = (use: string, is: Kind, wanted: Kind, at?: Span): Diagnostic =>
  error('wrong-kind', `${quote(use)} is ${A_KIND[is]}, and ${A_KIND[wanted]} belongs here.`, at, `Put it under ${SECTION[is]}:`);

export const yamlSyntax = (problem: string, at: Span, hint?: string): Diagnostic =>
  error('yaml-syntax', problem, at, hint);

export const yamlTag = (tag: string, at: Span): Diagnostic =>
  error('yaml-tag', `Tags such as ${quote(tag)} have no meaning in a recipe.`, at, 'Remove it. To start a text with "!", quote it.');
