/* Every message of this plugin, sorted by code: what is wrong, where, and in the hint what now. Core's own are used where they fit. */
import { list, nearest, quote, RecipeError, RunError, say } from '@onnxpress/core';

/** The recipe asks for something impossible. */
const recipe = (code: string, message: string, hint: string): RecipeError => new RecipeError([{ code, severity: 'error', message, hint }]);
/** The data or the model is not what it should be. */
const run = (code: string, message: string, hint: string, cause?: unknown): RunError => new RunError({ code, severity: 'error', message, hint }, { cause });

export const badBound = (metric: string, given: unknown): RecipeError => new RecipeError([say.badBound(metric, given)]);

export const badImage = (file: string, cause: unknown): RunError =>
  run('data-broken', `${file} cannot be read as an image: ${cause instanceof Error ? cause.message : String(cause)}.`, 'Mend the file, or take it out of the folder.', cause);

export const badConfidence = (given: unknown): RecipeError =>
  recipe('bad-confidence', `${quote(given)} says not how sure a gate should be.`, 'Write a share above 50% and below 100%, such as 95%, or "off" to judge the mean alone.');

export const boundUnit = (metric: string, given: unknown, wanted: string): RecipeError =>
  recipe('bound-unit', `${quote(metric)} cannot be compared with ${quote(given)}.`, `Write ${wanted}, or a share of the original model such as 97%.`);

export const brokenArray = (place: string, problem: string, hint: string): RunError =>
  run('data-broken', `${place} ${problem}.`, hint);

export const brokenLine = (file: string, line: number, problem: string, expected: string, cause?: unknown): RunError => {
  const broken = say.dataBroken(file, line, `${problem}. Expected ${expected}.`);
  return new RunError(broken, { cause });
};

export const differentShape = (output: string, was: readonly number[], is: readonly number[]): RunError =>
  run('different-shape', `The output ${quote(output)} was [${was.join(', ')}] and is [${is.join(', ')}], so the two cannot be compared.`, 'Name an output that both models share with "output".');

export const emptyData = (file: string, expected: string): RunError =>
  run('data-empty', `${file} has no entries.`, `Expected ${expected}.`);

export const emptyChoice = (file: string, problem: string, hint: string): RecipeError =>
  recipe('data-empty', `${file}: ${problem}.`, hint);

export const gateWithoutBound = (metric: string): RecipeError =>
  recipe('gate-without-bound', `The gate on ${quote(metric)} has no bound.`, 'Give at-least or at-most, for example { at-least: 97% }.');

export const noImageLibrary = (cause: unknown): RunError =>
  run('no-image-library', 'Images are read by sharp, which is not installed here, or not for this system.', 'Install it beside onnxpress: npm install sharp@0.35.', cause);

export const noLabels = (from: string): RecipeError =>
  recipe('no-labels', from === 'folder' ? 'The images lie in no folders that could say what they show.' : `${from} says of no image what it shows.`, 'Put images of a kind into a folder of its name, or give a .csv file with lines "image,label".');

export const noOutput = (asked: string, known: readonly string[]): RecipeError =>
  recipe('unknown-output', `The model has no output ${quote(asked)}.`, `There are: ${list(known)}.`);

export const namelessTensors = (folder: string): RunError =>
  run('data-broken', `${folder} has several tensors, and not all have a name.`, "Give each the name of the model's input that it is for.");

export const noFloatOutput = (known: readonly string[]): RecipeError =>
  recipe('no-output', 'The model gives out no numbers that can be compared.', `Name an output with "output". There are: ${list(known)}.`);

export const noPredictions = (data: string): RunError =>
  run('data-empty', `No text of ${quote(data)} has two tokens, so nothing can be foretold.`, 'Give longer texts, or smaller windows.');

export const noSuchFile = (file: string): RecipeError => new RecipeError([say.noSuchFile(file)]);

export const notComparable = (output: string, dtype: string): RunError =>
  run('not-comparable', `The output ${quote(output)} is ${dtype}, which is not compared as numbers.`, 'Choose another with "output".');

export const notLogits = (output: string, dims: readonly number[], tokens: number): RunError =>
  run('not-logits', `The output ${quote(output)} is [${dims.join(', ')}] for ${tokens} tokens, which is no row of logits for each.`, 'Choose another with "output", or export the model with the logits of all positions.');

export const smallImage = (file: string, is: readonly [number, number], crop: readonly [number, number]): RunError =>
  run('data-broken', `${file} is ${is[0]} × ${is[1]}, and ${crop[0]} × ${crop[1]} are to be cut from it.`, 'Give "resize" a length of at least that.');

export const strayInput = (name: string, known: readonly string[]): RecipeError =>
  recipe('unknown-input', `eval/random gives ${quote(name)} a type or a limit, but no shape.`, `Add it to "shapes", which has ${list(known)}.`);

export const strideTooLong = (stride: number, window: number | undefined): RecipeError =>
  recipe('stride-too-long', window === undefined ? 'A "stride" says where windows begin, and the data has none.' : `Windows of ${window} tokens that begin every ${stride} tokens would leave tokens out.`,
    window === undefined ? 'Give the data a "window", or leave the stride out.' : `Give a stride of at most ${window}.`);

export const unknownFormat = (file: string, field: string): RecipeError =>
  recipe('unknown-format', `${file} is neither .txt nor .jsonl.`, `Write one text to a line, as it is (.txt) or as JSON with a field ${quote(field)} (.jsonl).`);

export const unknownId = (at: string, what: string, id: string, file: string, count: number): RunError =>
  run('unknown-id', `${at} names the ${what} ${quote(id)}, which ${file} does not have${count > 1 ? `; it is the first of ${count} such ids` : ''}.`, 'Take all files from one version of the collection.');

export const unknownMetric = (metric: string, known: readonly string[]): RecipeError => {
  const near = nearest(metric, known);
  return recipe('unknown-metric', `Nothing measured ${quote(metric)}.`, `${near === undefined ? '' : `Did you mean "${near}"? `}Measured were: ${list(known)}.`);
};

export const unknownShape = (input: string, axis: number, dim: string | null): RecipeError => {
  if (dim === null) return recipe('unknown-shape', `Dimension ${axis} of input ${quote(input)} has neither a size nor a name.`, 'Export the model with names for its dimensions.');
  return recipe('unknown-shape', `Dimension ${axis} of input ${quote(input)} is ${quote(dim)}, and nobody said how large that is.`, `Add it to the evaluator: dims: { ${dim}: 8 }.`);
};

export const unequalImages = (one: string, other: string): RunError =>
  run('data-broken', `${one} and ${other} differ in size, so they cannot share a batch.`, 'Give "resize" both sides, add a "crop", or set "batch" to 1.');

export const unevenArrays = (file: string, one: string, rows: number, other: string, otherRows: number): RunError =>
  run('data-broken', `${file}: ${quote(one)} has ${rows} examples and ${quote(other)} has ${otherRows}.`, 'Give all arrays the same first dimension, or write batch: all if it does not count examples.');

export const unknownTensorFormat = (file: string): RecipeError =>
  recipe('unknown-format', `${file} is neither .npz, .npy, .pb nor .jsonl, and no folder.`, 'Write the inputs with numpy.savez: an array per input, under its name.');

export const unknownType = (where: string, dtype: string, known: readonly string[]): RecipeError =>
  recipe('unknown-type', `${where} is ${dtype}, of which no numbers are made.`, `There are: ${list(known)}.`);

export const unreadableFile = (file: string, problem: string, cause: unknown): RunError =>
  run('unreadable-file', `${file} cannot be read: ${problem}.`, 'Check that it is a file you may read.', cause);

export const vocabularyTooSmall = (id: number, vocabulary: number): RunError =>
  run('vocabulary-too-small', `The tokenizer gives token ${id}, and the model has logits for ${vocabulary}.`, 'Put the tokenizer.json beside the model that it was trained with.');

export const windowsInOrder = (): RecipeError =>
  recipe('windows-in-order', 'Windows are cut from the texts in their order, so "window" and "shuffle" do not go together.', 'Leave "shuffle" out, and choose windows by "skip" and "take".');

export const zeroOriginal = (metric: string): RecipeError =>
  recipe('zero-original', `The original model's ${quote(metric)} is 0, so a share of it means nothing.`, 'Give the bound as a number.');
