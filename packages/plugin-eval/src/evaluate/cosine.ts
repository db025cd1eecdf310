import { defineEvaluator, fitFeeds, isFloat, tokenizerOf, type Context, type Dataset, type Feeds, type Model, type Session } from '@onnxpress/core';
import { batchOf, windowsOf } from '@onnxpress/text';
import { floatsOf } from '../embed/floats.ts';
import { feedsOf, inputsOf } from '../embed/text-feeds.ts';
import { differentShape, noFloatOutput, noOutput } from '../problems.ts';
import { cosineOf, greatest, least, mean } from '../statistics.ts';
import { withSessions, type Pair } from './pair.ts';
import { Sheet } from './sheet.ts';

/**
 * How near the outputs are to the original's. Each example is run by itself, so no batch and no padding has a part in it. Metrics: cosine of an
 * example's outputs, flattened (the mean over outputs, then over examples), its least value as cosine.min, and max-error, the largest absolute difference of two numbers.
 */
export const cosine = defineEvaluator({
  name: 'eval/cosine',
  summary: "Cosine and largest difference between the result's outputs and the original's, on texts or tensors.",
  options: {
    data: { type: 'string', format: 'data', required: true, description: 'Texts or tensors, such as eval/texts, eval/tensors or eval/random.' },
    output: { type: 'string', description: 'Compare this output alone. Default: all outputs of floats.' },
  },
  metrics: () => ['cosine', 'cosine.min', 'max-error'],
  async measure(models, { data, output }, ctx) {
    const examples = await examplesOf(data, [models.original, models.result], ctx);
    return withSessions(models, ctx, async (sessions) => {
      const names = outputsOf(models.original, sessions, output);
      const [cosines, errors]: [number[], number[]] = [[], []];
      let broken = 0;
      for await (const feeds of examples.feeds(sessions)) {
        ctx.signal.throwIfAborted();
        const outputs: Pair<Feeds> = [await sessions[0].run(feeds[0], names), await sessions[1].run(feeds[1], names)];
        const compared = names.map((name) => compare(name, outputs));
        cosines.push(mean(compared.map((one) => one.cosine)));
        errors.push(greatest(compared.map((one) => one.error)));
        if (compared.some((one) => one.broken)) broken++;
        ctx.progress(cosines.length, examples.count, 'comparing outputs');
      }
      const sheet = new Sheet().agreement('cosine', cosines).value('cosine.min', 1, least(cosines), 'score').value('max-error', 0, greatest(errors), 'error');
      if (broken > 0) sheet.remark(`In ${broken} of ${cosines.length} examples the two models differ in which outputs are finite numbers; those are not part of max-error.`);
      return sheet.measured();
    });
  },
});

interface Examples {
  readonly count: number;
  /** What each of the two models is given. */
  feeds(sessions: Pair<Session>): AsyncIterable<Pair<Feeds>>;
}

async function examplesOf(name: string, models: Pair<Model>, ctx: Context): Promise<Examples> {
  const data = await ctx.dataset(name, ['texts', 'tensors']);
  const count = (data.kind === 'texts' ? data.windows?.take : undefined) ?? data.count;
  return { count, feeds: (sessions) => (data.kind === 'texts' ? textFeeds(data, models, sessions) : tensorFeeds(data.feeds(), sessions)) };
}

type Texts = Extract<Dataset, { readonly kind: 'texts' }>;

async function* textFeeds(data: Texts, models: Pair<Model>, sessions: Pair<Session>): AsyncGenerator<Pair<Feeds>, void, undefined> {
  const others = feedsOfOne(data, models[1], sessions[1]);
  for await (const feeds of feedsOfOne(data, models[0], sessions[0])) {
    const { value } = await others.next();
    if (value !== undefined) yield [feeds, value];
  }
  await others.return();
}

/** What one of the models is given: each text by itself, or each window. */
async function* feedsOfOne(data: Texts, model: Model, session: Session): AsyncGenerator<Feeds, void, undefined> {
  const [tokenizer, inputs] = [await tokenizerOf(model, data.maxLength), inputsOf(model, session)];
  if (data.windows) for await (const batch of windowsOf(tokenizer, inputs, data.windows.text(), data.windows)) yield feedsOf(model, batch);
  else for await (const { text } of data.texts()) yield feedsOf(model, batchOf(tokenizer, inputs, [text]));
}

async function* tensorFeeds(all: AsyncIterable<Feeds>, sessions: Pair<Session>): AsyncGenerator<Pair<Feeds>, void, undefined> {
  for await (const feeds of all) yield [fitFeeds(feeds, sessions[0].inputs), fitFeeds(feeds, sessions[1].inputs)];
}

function outputsOf(model: Model, sessions: Pair<Session>, asked: string | undefined): readonly string[] {
  const shared = sessions[0].outputs.filter((name) => sessions[1].outputs.includes(name));
  if (asked !== undefined) {
    if (!shared.includes(asked)) throw noOutput(asked, shared);
    return [asked];
  }
  const floats = shared.filter((name) => {
    const type = model.graph.outputs.find((value) => value.name === name)?.type;
    return type?.kind === 'tensor' && isFloat(type.dtype);
  });
  if (floats.length === 0) throw noFloatOutput(shared);
  return floats;
}

function compare(name: string, [was, is]: Pair<Feeds>): { readonly cosine: number; readonly error: number; readonly broken: boolean } {
  const [a, b] = [was[name]!, is[name]!]; // both were asked for
  if (a.dims.join() !== b.dims.join()) throw differentShape(name, a.dims, b.dims);
  const [x, y] = [floatsOf(name, a).slice(), floatsOf(name, b).slice()];
  let [error, broken] = [0, false];
  for (let at = 0; at < x.length; at++) {
    if (Object.is(x[at], y[at])) {
      if (!Number.isFinite(x[at])) x[at] = y[at] = 0; // a masked logit is -Infinity in both: no difference, and no direction
      continue;
    }
    const apart = Math.abs(x[at]! - y[at]!);
    if (Number.isFinite(apart)) error = Math.max(error, apart);
    else broken = true;
  }
  return { cosine: cosineOf(x, y), error, broken };
}
