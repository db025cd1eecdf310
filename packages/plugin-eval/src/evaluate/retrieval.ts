import { defineEvaluator, type Context } from '@onnxpress/core';
import { kendallTau, measureRelevance, overlap } from '@onnxpress/text';
import { readCollection, type Collection } from '../data/collection.ts';
import { fingerprintOf } from '../data/fingerprint.ts';
import { embedCollection, oncePerModel, type Embedded } from '../embed/embedded.ts';
import { vectorAt, type EncoderOptions, type Vectors } from '../embed/encoder.ts';
import { cosineOf, least } from '../statistics.ts';
import { search } from './search.ts';
import { Sheet } from './sheet.ts';

/** Rankings are cut here for map, as trec_eval cuts them. */
const mapDepth = 1000;
/** Vectors of one text that are further apart than this are worth a remark. float32 stays within 1e-5 of one. */
const consistent = 0.999;

/**
 * Searches a collection with both models, exactly, by the rules of trec_eval. Metrics: ndcg@k, recall@k, mrr@k, map, where documents were judged;
 * and without labels, against the original: overlap@k and tau@k of the rankings, cosine of the vectors (mean, and .min), cross-ndcg@k for queries by
 * the result against an index by the original, and batch-consistency, the least cosine of a text's vectors alone and beside a long text.
 */
export const retrieval = defineEvaluator({
  name: 'eval/retrieval',
  summary: 'Search quality: ndcg@k, recall@k, mrr@k, map, and agreement with the original model.',
  options: {
    data: { type: 'string', format: 'data', required: true, description: 'Retrieval data, such as eval/beir.' },
    k: { type: 'integer', minimum: 1, default: 10, description: 'The cutoff of ndcg@k, recall@k, mrr@k and of the agreement of rankings.' },
    pooling: { enum: ['mean', 'cls', 'last'], default: 'mean', description: 'How the vectors of tokens become one; of no effect where the output is pooled already.' },
    normalize: { type: 'boolean', default: true, description: 'Scale vectors to length one, so that search is by cosine; otherwise by dot product.' },
    'max-length': { type: 'integer', minimum: 1, description: "Tokens per text, special tokens included. Default: the model's own." },
    'query-prefix': { type: 'string', default: '', description: 'Put before each query, as some models want: "query: ".' },
    'document-prefix': { type: 'string', default: '', description: 'Put before each document: "passage: ".' },
    batch: { type: 'integer', minimum: 1, default: 32, description: 'Texts in a batch, at most; texts of about one length share one. Kernels that take one scale for a batch give other numbers for another size.' },
    output: { type: 'string', description: 'The output that is pooled. Default: last_hidden_state, sentence_embedding, or the first of floats.' },
  },
  metrics: ({ k }) => [...relevanceMetrics(k), `cross-ndcg@${k}`, `overlap@${k}`, `tau@${k}`, 'cosine', 'cosine.min', 'batch-consistency'],
  async measure(models, given, ctx) {
    const data = await ctx.dataset(given.data, 'retrieval');
    const collection = await readCollection(data, { query: given['query-prefix'], document: given['document-prefix'] });
    const encoding: EncoderOptions = { pooling: given.pooling, normalize: given.normalize, batch: given.batch, maxLength: given['max-length'], output: given.output };
    const key = fingerprintOf(data.fingerprint, given, ctx.settings, ctx.runtime.version, models.original.revision);

    const onDone = progressOf(collection, ctx);
    const original = await oncePerModel(models.original, key, () => embedCollection(models.original, collection, encoding, ctx, onDone(0)));
    const result = models.result === models.original ? original : await embedCollection(models.result, collection, encoding, ctx, onDone(1));
    const sheet = new Sheet();
    const rankings = await rank(original, result, collection, Math.max(given.k, mapDepth), ctx);
    addRelevance(sheet, rankings, collection, given.k);
    addAgreement(sheet, rankings, collection, given.k);
    addVectors(sheet, original, result);
    return sheet.measured();
  },
});

const relevanceMetrics = (k: number): readonly string[] => [`ndcg@${k}`, `recall@${k}`, `mrr@${k}`, 'map'];

type Rankings = ReadonlyMap<string, readonly string[]>;

interface Ranked {
  readonly original: Rankings;
  readonly result: Rankings;
  /** Queries by the result, documents by the original; undefined where their vectors differ in width. */
  readonly cross: Rankings | undefined;
}

async function rank(original: Embedded, result: Embedded, collection: Collection, depth: number, { signal }: Context): Promise<Ranked> {
  return {
    original: await search(original.queries, original.documents, collection, depth, signal),
    result: await search(result.queries, result.documents, collection, depth, signal),
    cross: sameWidth(original, result) ? await search(result.queries, original.documents, collection, depth, signal) : undefined,
  };
}

function addRelevance(sheet: Sheet, { original, result, cross }: Ranked, { judgements, queryIds }: Collection, k: number): void {
  if (judgements.size === 0) {
    sheet.remark('Nobody judged these documents, so there is agreement with the original model and no quality.');
    return;
  }
  const [was, is] = [measureRelevance(original, judgements, [k]), measureRelevance(result, judgements, [k])];
  for (const metric of relevanceMetrics(k)) sheet.examples(metric, was.perQuery[metric]!, is.perQuery[metric]!);
  if (cross) sheet.examples(`cross-ndcg@${k}`, was.perQuery[`ndcg@${k}`]!, measureRelevance(cross, judgements, [k]).perQuery[`ndcg@${k}`]!);
  const unjudged = queryIds.length - is.queries.length;
  if (unjudged > 0) sheet.remark(`${unjudged} of ${queryIds.length} queries have no relevant document and are not averaged.`);
}

function addAgreement(sheet: Sheet, { original, result }: Ranked, { queryIds }: Collection, k: number): void {
  const pairs = queryIds.map((id) => [original.get(id)!.slice(0, k), result.get(id)!.slice(0, k)] as const); // every query was searched for
  sheet.agreement(`overlap@${k}`, pairs.map(([a, b]) => overlap(a, b, k)));
  const taus = pairs.map(([a, b]) => kendallTau(a, b)).filter((tau) => tau !== undefined);
  if (taus.length > 0) sheet.agreement(`tau@${k}`, taus);
}

function addVectors(sheet: Sheet, original: Embedded, result: Embedded): void {
  if (sameWidth(original, result)) {
    const cosines = [...cosinesOf(original.queries, result.queries), ...cosinesOf(original.documents, result.documents)];
    sheet.agreement('cosine', cosines).value('cosine.min', 1, least(cosines), 'score');
  } else {
    sheet.remark(`The result's vectors have ${result.documents.width} numbers and the original's ${original.documents.width}: they share no index, and no cosine is measured.`);
  }
  const broken = [result.documents, result.queries].some(({ data }) => data.some((value) => !Number.isFinite(value)));
  if (broken) sheet.remark('Some of the result\'s vectors have entries that are not finite numbers; such documents rank last.');
  if (original.batchConsistency === undefined || result.batchConsistency === undefined) return;
  sheet.value('batch-consistency', original.batchConsistency, result.batchConsistency, 'score');
  if (result.batchConsistency < consistent) {
    sheet.remark(
      `A text's vector depends on its batch: cosine ${result.batchConsistency.toFixed(4)} at worst between queries alone and beside a long document. ` +
      'Dynamic quantization takes one scale for a whole batch: embed with the batches you will serve with, or quantize with scales per token or fixed ones.');
  }
}

function sameWidth(a: Embedded, b: Embedded): boolean {
  return a.documents.width === b.documents.width;
}

function cosinesOf(a: Vectors, b: Vectors): number[] {
  return Array.from({ length: a.count }, (_, index) => cosineOf(vectorAt(a, index), vectorAt(b, index)));
}

/** One bar over both models. */
function progressOf({ documents, queries }: Collection, ctx: Context): (model: 0 | 1) => (texts: number, what: string) => void {
  const each = documents.length + queries.length;
  return (model) => {
    let done = model * each;
    return (texts, what) => ctx.progress((done += texts), 2 * each, `embedding ${what}, ${['original', 'result'][model]}`);
  };
}
