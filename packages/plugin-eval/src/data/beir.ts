import { join } from 'node:path';
import { defineDataset, quote, type Judgements, type Text } from '@onnxpress/core';
import { brokenLine, emptyData, unknownId } from '../problems.ts';
import { fingerprintOf } from './fingerprint.ts';
import { jsonLines, kindOf, textAt, type JsonLine } from './json-lines.ts';
import { judgementLines } from './judgements.ts';
import { scan } from './lines.ts';

/**
 * A retrieval collection in the layout of BEIR (Thakur et al. 2021): corpus.jsonl, queries.jsonl and qrels/<split>.tsv in one folder.
 * Every file is read as a stream, so a collection may be larger than memory; only its ids are kept, while judgements are checked.
 */
export const beir = defineDataset({
  name: 'eval/beir',
  summary: 'A retrieval collection in the layout of BEIR: corpus.jsonl, queries.jsonl, qrels/<split>.tsv.',
  options: {
    folder: { type: 'string', format: 'path', required: true, description: 'The folder with corpus.jsonl, queries.jsonl and qrels.' },
    split: { type: 'string', minLength: 1, default: 'test', description: 'Which judgements: qrels/<split>.tsv. "none" where there are none: then only the agreement of models can be measured.' },
    take: { type: 'integer', minimum: 1, description: 'Only the first so many queries that are judged; all documents stay.' },
  },
  async open({ folder, split, take }, ctx) {
    const place = ctx.resolve(folder);
    const corpusFile = join(place, 'corpus.jsonl');
    const queriesFile = join(place, 'queries.jsonl');
    const judgementsFile = split === 'none' ? undefined : join(place, 'qrels', `${split}.tsv`);
    const [documents, queries] = [await scan(corpusFile), await scan(queriesFile)];
    const judged = judgementsFile === undefined ? undefined : await scan(judgementsFile);
    if (documents.lines === 0) throw emptyData(corpusFile, documentLine);
    if (queries.lines === 0) throw emptyData(queriesFile, queryLine);

    const readJudgements = async (): Promise<Judgements> => {
      if (judgementsFile === undefined) return new Map();
      return checkedJudgements(judgementsFile, await idsOf(queriesFile, queryLine), await idsOf(corpusFile, documentLine), corpusFile, queriesFile);
    };
    const readQueries = (): AsyncGenerator<Text, void, undefined> => {
      const all = textsOf(queriesFile, queryLine);
      return take === undefined ? all : firstOf(all, take, judgementsFile === undefined ? undefined : readJudgements);
    };
    return {
      kind: 'retrieval',
      fingerprint: fingerprintOf('beir', documents.sha256, queries.sha256, judged?.sha256, take),
      count: take === undefined ? queries.lines : await lengthOf(readQueries()),
      corpus: () => textsOf(corpusFile, documentLine),
      queries: readQueries,
      judgements: readJudgements,
    };
  },
});

const documentLine = '{"_id": "…", "title": "…", "text": "…"} (the title may be missing)';
const queryLine = '{"_id": "…", "text": "…"}';

async function* textsOf(file: string, expected: string): AsyncGenerator<Text, void, undefined> {
  const seen = new Map<string, number>();
  for await (const line of jsonLines(file, expected)) {
    const id = idOf(line, expected);
    const earlier = seen.get(id);
    if (earlier !== undefined) throw brokenLine(file, line.number, `it has the id ${quote(id)} of line ${earlier}`, 'an id of its own');
    seen.set(id, line.number);
    const { title } = line.value;
    if (title !== undefined && title !== null && typeof title !== 'string') throw brokenLine(file, line.number, `it has a "title" that is ${kindOf(title)}, not a string`, expected);
    yield { id, text: textAt(line, 'text', expected), title: title ?? undefined };
  }
}

/** Some collections write ids as numbers. */
function idOf(line: JsonLine, expected: string): string {
  const id = line.value['_id'];
  return typeof id === 'number' ? String(id) : textAt(line, '_id', expected);
}

async function idsOf(file: string, expected: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { id } of textsOf(file, expected)) ids.add(id);
  return ids;
}

async function checkedJudgements(file: string, queries: ReadonlySet<string>, documents: ReadonlySet<string>, corpusFile: string, queriesFile: string): Promise<Judgements> {
  const judgements = new Map<string, Map<string, number>>();
  const unknown = { query: new Stray(), document: new Stray() };
  for await (const { query, document, grade, line } of judgementLines(file)) {
    const at = `${file}:${line}`;
    if (!queries.has(query)) unknown.query.add(query, at);
    if (!documents.has(document)) unknown.document.add(document, at);
    const grades = judgements.get(query) ?? new Map<string, number>();
    const earlier = grades.get(document);
    if (earlier !== undefined && earlier !== grade) throw brokenLine(file, line, `it judges document ${quote(document)} for query ${quote(query)} again, with ${grade} after ${earlier}`, 'one grade for each pair');
    judgements.set(query, grades.set(document, grade));
  }
  unknown.query.refuse('query', queriesFile);
  unknown.document.refuse('document', corpusFile);
  if (judgements.size === 0) throw emptyData(file, 'lines of query id, document id and grade, separated by tabs');
  return judgements;
}

/** Ids that judgements name and no file has: counted, and the first one kept for the message. */
class Stray {
  #first: { readonly id: string; readonly at: string } | undefined;
  readonly #ids = new Set<string>();

  add(id: string, at: string): void {
    this.#first ??= { id, at };
    this.#ids.add(id);
  }

  refuse(what: string, file: string): void {
    if (!this.#first) return;
    throw unknownId(this.#first.at, what, this.#first.id, file, this.#ids.size);
  }
}

/** Of judged collections the first queries with a relevant document; of others the first queries. */
async function* firstOf(queries: AsyncIterable<Text>, take: number, judgements: (() => Promise<Judgements>) | undefined): AsyncGenerator<Text, void, undefined> {
  const judged = await judgements?.();
  let left = take;
  for await (const query of queries) {
    if (judged && ![...(judged.get(query.id)?.values() ?? [])].some((grade) => grade > 0)) continue;
    yield query;
    if (--left === 0) return;
  }
}

async function lengthOf(all: AsyncIterable<unknown>): Promise<number> {
  let length = 0;
  for await (const _ of all) length++;
  return length;
}
