import { extname } from 'node:path';
import { defineDataset, seeded, type Text, type Windows } from '@onnxpress/core';
import { emptyChoice, emptyData, unknownFormat, windowsInOrder } from '../problems.ts';
import { shuffled } from '../random.ts';
import { fingerprintOf } from './fingerprint.ts';
import { jsonLines, textAt } from './json-lines.ts';
import { linesOf, scan, textOf } from './lines.ts';

/**
 * Texts without labels, for calibration and agreement: one to a line, which is the text or a JSON object that holds it. Blank lines are no texts.
 * With `window` they are one text, as models that continue texts are measured: a .txt file as it stands, blank lines too, or the texts of a .jsonl file a line each.
 */
export const texts = defineDataset({
  name: 'eval/texts',
  summary: 'Texts of a .txt file (one to a line) or of a field of a .jsonl file.',
  options: {
    file: { type: 'string', format: 'path', required: true, description: 'A .txt or .jsonl file in UTF-8.' },
    field: { type: 'string', minLength: 1, default: 'text', description: 'Which field of a .jsonl line is the text.' },
    shuffle: { type: 'boolean', default: false, description: 'Take texts in random order, before skip and take.' },
    seed: { type: 'integer', default: 0, description: 'Which random order: the same seed, the same texts.' },
    skip: { type: 'integer', minimum: 0, default: 0, description: 'Leave out the first so many texts.' },
    take: { type: 'integer', minimum: 1, description: 'At most so many texts. Default: all.' },
    window: { type: 'integer', minimum: 1, description: 'Read all texts as one, cut into windows of exactly so many tokens, for models that continue texts; "skip" and "take" then count windows.' },
    'max-length': { type: 'integer', minimum: 1, description: 'Tokens per text, special tokens included; the rest is cut off. Default: what the model takes.' },
  },
  async open({ file, field, shuffle, seed, skip, take, window, 'max-length': maxLength }, ctx) {
    const path = ctx.resolve(file);
    if (window !== undefined && shuffle) throw windowsInOrder();
    const read = readerOf(path, field);
    const { sha256, lines } = await scan(path);
    if (lines === 0) throw emptyData(path, 'one text to a line');
    if (window !== undefined) {
      const windows: Windows = { tokens: window, skip, take, text: () => (isPlain(path) ? textOf(path) : joined(read())) };
      return { kind: 'texts', fingerprint: fingerprintOf('windows', sha256, field, skip, take, window), count: lines, texts: read, windows };
    }
    const end = Math.min(lines, skip + (take ?? Infinity));
    if (end <= skip) throw emptyChoice(path, `all of its ${lines} texts are skipped`, `Set "skip" below ${lines}.`);
    const chosen = shuffle ? shuffled(lines, seeded('eval/texts', seed)).slice(skip, end) : undefined;
    return {
      kind: 'texts',
      fingerprint: fingerprintOf('texts', sha256, field, shuffle ? seed : undefined, skip, take, maxLength),
      count: end - skip,
      maxLength,
      texts: () => (chosen ? inOrder(read(), chosen) : slice(read(), skip, end)),
    };
  },
});

const isPlain = (path: string): boolean => extname(path).toLowerCase() === '.txt';

async function* joined(all: AsyncIterable<Text>): AsyncGenerator<string, void, undefined> {
  let between = '';
  for await (const { text } of all) {
    yield between + text;
    between = '\n';
  }
}

function readerOf(path: string, field: string): () => AsyncIterable<Text> {
  switch (extname(path).toLowerCase()) {
    case '.txt': return () => plainTexts(path);
    case '.jsonl': case '.ndjson': return () => jsonTexts(path, field);
    default: throw unknownFormat(path, field);
  }
}

async function* plainTexts(path: string): AsyncGenerator<Text, void, undefined> {
  for await (const { number, text } of linesOf(path)) yield { id: String(number), text: text.trim() };
}

async function* jsonTexts(path: string, field: string): AsyncGenerator<Text, void, undefined> {
  const expected = `a JSON object whose "${field}" is the text; another field is chosen by the option "field"`;
  for await (const line of jsonLines(path, expected)) yield { id: String(line.number), text: textAt(line, field, expected) };
}

async function* slice(all: AsyncIterable<Text>, from: number, to: number): AsyncGenerator<Text, void, undefined> {
  let index = 0;
  for await (const text of all) {
    if (index >= from) yield text;
    if (++index >= to) return;
  }
}

/** The texts at the places of `chosen`, in that order. Memory holds those and no others. */
async function* inOrder(all: AsyncIterable<Text>, chosen: readonly number[]): AsyncGenerator<Text, void, undefined> {
  const wanted = new Map(chosen.map((place, index) => [place, index]));
  const found = new Array<Text>(chosen.length);
  let place = 0;
  for await (const text of all) {
    const index = wanted.get(place++);
    if (index !== undefined) found[index] = text;
  }
  yield* found;
}
