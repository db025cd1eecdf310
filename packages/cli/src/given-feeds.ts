import { readFileSync } from 'node:fs';
import { RecipeError, say, type Feed, type FeedData, type Feeds, type Model } from '@onnxpress/core';

/** Inputs that a JSON file gives: name → numbers, texts or truths, as lists in lists of the input's shape. Throws RecipeError where the file says something else. */
export function feedsFrom(path: string, shown: string, model: Model): Feeds {
  const text = read(path, shown);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (e) {
    throw broken(shown, `it is not JSON (${e instanceof Error ? e.message : String(e)})`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw broken(shown, 'it holds no object of input names');
  return Object.fromEntries(Object.entries(content).map(([name, value]) => [name, feedOf(name, value, model, shown)]));
}

function read(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new RecipeError([say.noSuchFile(shown)]);
  }
}

function feedOf(name: string, value: unknown, model: Model, shown: string): Feed {
  const known = model.graph.inputs.map((v) => v.name);
  const type = model.graph.inputs.find((v) => v.name === name)?.type;
  if (type?.kind !== 'tensor') throw broken(shown, `the model has no tensor as an input "${name}"`, say.suggest(name, known));
  const dims: number[] = [];
  for (let v = value; Array.isArray(v); v = v[0] as unknown) dims.push(v.length);
  const flat: unknown[] = Array.isArray(value) ? value.flat(Infinity) : [value];
  if (flat.length !== dims.reduce((a, b) => a * b, 1)) throw broken(shown, `the lists of "${name}" differ in length`);
  const data = dataOf(type.dtype, flat);
  if (!data) throw broken(shown, `"${name}" cannot be given as ${type.dtype}`);
  return { dtype: type.dtype, dims, data };
}

/** The elements in the array that the runtime takes for the type; undefined where they do not fit or the type cannot be written in JSON. */
function dataOf(dtype: string, flat: readonly unknown[]): FeedData | undefined {
  if (dtype === 'string') return flat.every((v) => typeof v === 'string') ? flat : undefined;
  if (!flat.every((v) => typeof v === 'number' || typeof v === 'boolean')) return undefined;
  const numbers = flat.map(Number);
  switch (dtype) {
    case 'float32': return Float32Array.from(numbers);
    case 'float64': return Float64Array.from(numbers);
    case 'int64': return numbers.every(Number.isSafeInteger) ? BigInt64Array.from(numbers, BigInt) : undefined;
    case 'int32': return Int32Array.from(numbers);
    case 'int16': return Int16Array.from(numbers);
    case 'int8': return Int8Array.from(numbers);
    case 'uint8': case 'bool': return Uint8Array.from(numbers);
    default: return undefined;
  }
}

const broken = (shown: string, problem: string, hint = 'Write {"name of an input": [[1, 2], [3, 4]]}: lists in lists, of the shape of the input.'): RecipeError => new RecipeError([say.badCall(`${shown} cannot be read as inputs: ${problem}.`, hint)]);
