import { quote, type Feed, type Feeds } from '@onnxpress/core';
import { brokenLine } from '../problems.ts';
import type { Examples } from './examples.ts';
import { jsonLines, kindOf, type JsonLine } from './json-lines.ts';
import { scan } from './lines.ts';
import { filled, isNumberType, numberTypes } from './numbers.ts';

export const tensorLine = '{"<input>": {"dtype": "float32", "dims": [1, 3], "data": [0.5, 1, -2]}, …}';

/** One example to a line. */
export async function lineExamples(path: string): Promise<Examples> {
  const { sha256, lines } = await scan(path);
  return { sha256, count: lines, feeds: () => read(path) };
}

async function* read(path: string): AsyncGenerator<Feeds, void, undefined> {
  for await (const line of jsonLines(path, tensorLine)) {
    yield Object.fromEntries(Object.entries(line.value).map(([name, given]) => [name, feedOf(line, name, given)]));
  }
}

function feedOf({ file, number }: JsonLine, name: string, given: unknown): Feed {
  const broken = (problem: string): Error => brokenLine(file, number, `${quote(name)} ${problem}`, tensorLine);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw broken(`is ${kindOf(given)}, not an object`);
  const { dtype = 'float32', dims, data } = given as { dtype?: unknown; dims?: unknown; data?: unknown }; // an object, and each is looked at below
  if (typeof dtype !== 'string' || !isNumberType(dtype)) throw broken(`has the dtype ${quote(dtype)}; there are ${numberTypes.join(', ')}`);
  if (!isNumbers(dims) || !dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) throw broken('has no "dims" that are a list of whole numbers');
  if (!isNumbers(data)) throw broken('has no "data" that is a list of numbers');
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (data.length !== count) throw broken(`has ${data.length} numbers, but [${dims.join(', ')}] is ${count}`);
  if (!dtype.startsWith('float') && !data.every(Number.isSafeInteger)) throw broken(`has numbers with a fraction, but is ${dtype}`);
  return { dtype, dims, data: filled(dtype, count, (index) => data[index]!) };
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'number');
}
