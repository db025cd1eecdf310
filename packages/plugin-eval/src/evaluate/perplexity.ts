import { defineEvaluator, isFloat, tokenizerOf, type Context, type Dataset, type Feeds, type Model, type Session } from '@onnxpress/core';
import { batchOf, windowsOf, type Batch, type Tokenizer } from '@onnxpress/text';
import { floatsOf } from '../embed/floats.ts';
import { inputsOf } from '../embed/text-feeds.ts';
import { differentShape, noOutput, noPredictions, notLogits, strideTooLong, vocabularyTooSmall } from '../problems.ts';
import { comparePredictions, type Logits, type Predictions } from './next-token.ts';
import { withSessions, type Pair } from './pair.ts';
import { Sheet } from './sheet.ts';

/**
 * How well models that continue texts foretell each next token. Metrics: perplexity, e to the mean negative log-likelihood of all tokens; kl, the mean of
 * KL(original || result) per token in nats over the whole vocabulary, which tells small losses apart where perplexity does not; top1, how often both find
 * the same token likeliest. Both models read the original's tokens, a window (or a text, where the data has no windows) at a time; each has a value per
 * window, and logits of one window are in memory.
 */
export const perplexity = defineEvaluator({
  name: 'eval/perplexity',
  summary: "Perplexity, divergence from the original and agreement on the likeliest token, for models that continue texts.",
  options: {
    data: { type: 'string', format: 'data', required: true, description: 'Texts, best with windows: { use: eval/texts, with: { file: valid.txt, window: 512, take: 32 } }.' },
    stride: { type: 'integer', minimum: 1, description: 'Windows begin every so many tokens, and only tokens that no earlier window had are foretold. Default: windows that do not overlap.' },
    output: { type: 'string', description: 'The output that holds the logits. Default: logits, or the first of floats.' },
  },
  metrics: () => ['perplexity', 'kl', 'top1'],
  async measure(models, { data: name, stride, output }, ctx) {
    const data = await ctx.dataset(name, 'texts');
    if (stride !== undefined && stride > (data.windows?.tokens ?? 0)) throw strideTooLong(stride, data.windows?.tokens);
    const found = await withSessions(models, ctx, (sessions) => predictions(models, sessions, data, stride, output, ctx));
    const sum = found.reduce((total, { count }) => total + count, 0);
    if (sum === 0) throw noPredictions(name);
    const overall = (of: (one: Predictions) => number): number => found.reduce((total, one) => total + of(one) * one.count, 0) / sum;
    const power = (loss: number): number => finite(Math.exp(loss));
    const sheet = new Sheet()
      .examples('perplexity', found.map((one) => power(one.original)), found.map((one) => power(one.result)), 'error')
      .value('perplexity', power(overall((one) => one.original)), power(overall((one) => one.result)), 'error')
      .examples('kl', found.map(() => 0), found.map((one) => finite(one.kl)), 'error')
      .value('kl', 0, finite(overall((one) => one.kl)), 'error')
      .agreement('top1', found.map((one) => one.top1))
      .value('top1', 1, overall((one) => one.top1), 'score');
    const broken = found.filter((one) => !Number.isFinite(one.result)).length;
    if (broken > 0) sheet.remark(`In ${broken} of ${found.length} windows the result's logits are not finite numbers.`);
    return sheet.remark(`${sum} tokens were foretold.`).measured();
  },
});

/** A model whose logits are no numbers is as bad as numbers tell: what is not finite could not be stored, nor judged. */
const finite = (value: number): number => (Number.isFinite(value) ? value : Number.MAX_VALUE);

type Texts = Extract<Dataset, { readonly kind: 'texts' }>;

async function predictions(models: { readonly original: Model; readonly result: Model }, sessions: Pair<Session>, data: Texts, stride: number | undefined, output: string | undefined, ctx: Context): Promise<Predictions[]> {
  const tokenizer = await tokenizerOf(models.original, data.maxLength);
  const names: Pair<string> = [logitsOf(models.original, sessions[0], output), logitsOf(models.result, sessions[1], output)];
  const same = models.original === models.result;
  const found: Predictions[] = [];
  const ofResult = batches(tokenizer, models.result, sessions[1], data, stride, ctx.signal);
  for await (const { batch, from } of batches(tokenizer, models.original, sessions[0], data, stride, ctx.signal)) {
    ctx.signal.throwIfAborted();
    const ids = batch.feeds['input_ids']!.data; // without it, no batch
    const other = same ? undefined : (await ofResult.next()).value;
    const was = logits(await sessions[0].run(batch.feeds, [names[0]]), names[0], ids.length);
    const is = other ? logits(await sessions[1].run(other.batch.feeds, [names[1]]), names[1], ids.length) : was;
    if (was.vocabulary !== is.vocabulary) throw differentShape(names[0], [ids.length, was.vocabulary], [ids.length, is.vocabulary]);
    const beyond = ids.find((id) => Number(id) >= was.vocabulary);
    if (beyond !== undefined) throw vocabularyTooSmall(Number(beyond), was.vocabulary);
    const one = comparePredictions(was, is, ids, from);
    if (one.count > 0) found.push(one);
    ctx.progress(found.length, data.windows?.take ?? data.count, 'foretelling tokens');
  }
  await ofResult.return(undefined);
  return found;
}

interface Placed {
  readonly batch: Batch;
  /** The first position whose next token no earlier window foretold. */
  readonly from: number;
}

async function* batches(tokenizer: Tokenizer, model: Model, session: Session, data: Texts, stride: number | undefined, signal: AbortSignal): AsyncGenerator<Placed, void, undefined> {
  const inputs = inputsOf(model, session);
  if (data.windows === undefined) {
    for await (const { text } of data.texts()) yield { batch: batchOf(tokenizer, inputs, [text]), from: 0 };
    return;
  }
  const { tokens, skip, take } = data.windows;
  const fresh = stride ?? tokens;
  for await (const batch of windowsOf(tokenizer, inputs, data.windows.text(), { tokens, skip, take, stride, signal })) {
    yield { batch, from: batch.first === skip ? 0 : Math.max(0, tokens - fresh - 1) };
  }
}

function logitsOf(model: Model, { outputs }: Session, asked: string | undefined): string {
  if (asked !== undefined && !outputs.includes(asked)) throw noOutput(asked, outputs);
  const floats = outputs.filter((name) => {
    const type = model.graph.outputs.find((value) => value.name === name)?.type;
    return type?.kind === 'tensor' && isFloat(type.dtype);
  });
  const found = asked ?? outputs.find((name) => name === 'logits') ?? floats[0];
  if (found === undefined) throw noOutput('logits', outputs);
  return found;
}

function logits(outputs: Feeds, name: string, tokens: number): Logits {
  const given = outputs[name]!; // it was asked for
  const vocabulary = given.dims.at(-1) ?? 0;
  const rows = given.dims.slice(0, -1).reduce((a, b) => a * b, 1);
  if (given.dims.length < 2 || rows !== tokens) throw notLogits(name, given.dims, tokens);
  return { data: floatsOf(name, given), vocabulary };
}
