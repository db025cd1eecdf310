import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { defineDataset, type Feeds } from '@onnxpress/core';
import { emptyChoice, emptyData, noSuchFile, unknownTensorFormat } from '../problems.ts';
import { arrayExamples } from './arrays/array-examples.ts';
import { protoExamples } from './arrays/proto-examples.ts';
import { onlyInput, type Examples } from './examples.ts';
import { fingerprintOf } from './fingerprint.ts';
import { lineExamples, tensorLine } from './tensor-lines.ts';

/** Inputs for models that read no texts, as other tools write them down: JSON lines, NumPy's arrays, ONNX's test data. */
export const tensors = defineDataset({
  name: 'eval/tensors',
  summary: 'Inputs for a model: NumPy arrays (.npz, .npy), ONNX test data (a folder of input_0.pb …), or JSON lines {"input": {"dtype": "float32", "dims": [1, 3], "data": [0.5, 1, -2]}}.',
  options: {
    file: { type: 'string', format: 'path', required: true, description: 'A .npz (an array per input), .npy (one input), .pb or .jsonl file, or a folder of input_0.pb …, or of folders test_data_set_0 … of such.' },
    input: { type: 'string', minLength: 1, description: 'The input that a .npy file is for. Default: the only one that the model has.' },
    batch: { anyOf: [{ type: 'integer', minimum: 1 }, { enum: ['all'] }], default: 1, description: 'Of .npz and .npy, the first dimension counts examples, and so many of them make one run; with "all" the arrays are one run as they are.' },
    skip: { type: 'integer', minimum: 0, default: 0, description: 'Leave out the first so many runs.' },
    take: { type: 'integer', minimum: 1, description: 'At most so many runs. Default: all.' },
  },
  async open({ file, input, batch, skip, take }, ctx) {
    const path = ctx.resolve(file);
    const { sha256, count, feeds } = await examplesOf(path, input ?? onlyInput, batch);
    if (count === 0) throw emptyData(path, extname(path) === '.jsonl' ? tensorLine : 'an example along the first dimension of each array');
    const end = Math.min(count, skip + (take ?? Infinity));
    if (end <= skip) throw emptyChoice(path, `all of its ${count} examples are skipped`, `Set "skip" below ${count}.`);
    return { kind: 'tensors', fingerprint: fingerprintOf('tensors', sha256, input, batch, skip, take), count: end - skip, feeds: () => slice(feeds(), skip, end) };
  },
});

function examplesOf(path: string, input: string, batch: number | string): Promise<Examples> {
  const size = typeof batch === 'number' ? batch : undefined;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw noSuchFile(path);
  if (found.isDirectory()) return protoExamples(path);
  switch (extname(path).toLowerCase()) {
    case '.npz': case '.npy': return arrayExamples(path, input, size);
    case '.pb': return protoExamples(path);
    case '.jsonl': case '.ndjson': return lineExamples(path);
    default: throw unknownTensorFormat(path);
  }
}

async function* slice(all: AsyncIterable<Feeds>, from: number, to: number): AsyncGenerator<Feeds, void, undefined> {
  let index = 0;
  for await (const feeds of all) {
    if (index >= from) yield feeds;
    if (++index >= to) return;
  }
}
