import { defineDataset, quote, type Feed, type Feeds } from '@onnxpress/core';
import { brokenLine, emptyData } from '../problems.ts';
import { fingerprintOf } from './fingerprint.ts';
import { jsonLines, kindOf, type JsonLine } from './json-lines.ts';
import { scan } from './lines.ts';
import { filled, isNumberType, numberTypes } from './numbers.ts';

/** Inputs for models that read no texts, written down: one example to a line, its values in row-major order. */
export const tensors = defineDataset({
  name: 'eval/tensors',
  summary: 'Inputs for a model, one JSON object to a line: {"input": {"dtype": "float32", "dims": [1, 3], "data": [0.5, 1, -2]}}.',
  options: {
    file: { type: 'string', format: 'path', required: true, description: 'A .jsonl file in UTF-8.' },
    take: { type: 'integer', minimum: 1, description: 'At most so many examples. Default: all.' },
  },
  async open({ file, take }, ctx) {
    const path = ctx.resolve(file);
    const { sha256, lines } = await scan(path);
    if (lines === 0) throw emptyData(path, expected);
    const count = Math.min(lines, take ?? Infinity);
    return { kind: 'tensors', fingerprint: fingerprintOf('tensors', sha256, take), count, feeds: () => read(path, count) };
  },
});

const expected = '{"<input>": {"dtype": "float32", "dims": [1, 3], "data": [0.5, 1, -2]}, …}';

async function* read(path: string, count: number): AsyncGenerator<Feeds, void, undefined> {
  let left = count;
  for await (const line of jsonLines(path, expected)) {
    yield Object.fromEntries(Object.entries(line.value).map(([name, given]) => [name, feedOf(line, name, given)]));
    if (--left === 0) return;
  }
}

function feedOf({ file, number }: JsonLine, name: string, given: unknown): Feed {
  const broken = (problem: string): Error => brokenLine(file, number, `${quote(name)} ${problem}`, expected);
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
