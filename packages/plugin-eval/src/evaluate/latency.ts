import { Clock, defineEvaluator, seeded, type Context, type Feeds, type Session } from '@onnxpress/core';
import { quantile } from '../statistics.ts';
import { feedsFor } from './feeds.ts';
import { withSessions, type Pair } from './pair.ts';
import { Sheet } from './sheet.ts';

/** Fewer rounds than this say nothing of a 95th percentile, so a slow model gets them whatever the budget. */
const fewest = 7;

/**
 * The time of one run, both models on the same input and in turns: original, result, result, original, …, so that a machine that slows down does so for
 * both. Metrics: latency.p50, latency.p95 in milliseconds; throughput, examples per second in the mean of the rounds. Every round's numbers are kept.
 */
export const latency = defineEvaluator({
  name: 'eval/latency',
  summary: 'Time of one run, paired with the original: median, 95th percentile, throughput.',
  timed: true,
  options: {
    batch: { type: 'integer', minimum: 1, default: 1, description: 'Examples in one run; also the size of a first dimension that is symbolic.' },
    length: { type: 'integer', minimum: 1, default: 128, description: 'Tokens per text, for models that read texts.' },
    dims: { type: 'object', additionalProperties: { type: 'integer', minimum: 0 }, default: {}, description: 'Sizes of symbolic dimensions, by their names in the model: { height: 224 }.' },
    rounds: { type: 'integer', minimum: 1, default: 50, description: 'How often each model is timed.' },
    seconds: { type: 'number', exclusiveMinimum: 0, default: 20, description: `No round starts after this time, once ${fewest} are done.` },
    warmup: { type: 'integer', minimum: 0, default: 3, description: 'Runs of each model before the first that counts.' },
  },
  metrics: () => ['latency.p50', 'latency.p95', 'throughput'],
  async measure(models, options, ctx) {
    const dims = options.dims as Readonly<Record<string, number>>; // by its schema, which types do not reach into
    const feeds = feedsFor(models.original, { batch: options.batch, length: options.length, dims }, seeded('eval/latency'));
    const [was, is] = await withSessions(models, ctx, (sessions) => inTurns(sessions, feeds, options, ctx));
    const perSecond = (times: readonly number[]): number[] => times.map((ms) => (options.batch * 1000) / ms);
    const sheet = new Sheet()
      .examples('latency.p50', was, is, 'ms', (times) => quantile(times, 0.5))
      .examples('latency.p95', was, is, 'ms', (times) => quantile(times, 0.95))
      .examples('throughput', perSecond(was), perSecond(is), 'per-second');
    if (was.length < options.rounds) sheet.remark(`Timing stopped after ${options.seconds} s with ${was.length} of ${options.rounds} rounds.`);
    return sheet.measured();
  },
});

interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmup: number;
}

/** Milliseconds of each round. Who goes first alternates: the second finds caches as the first left them. */
async function inTurns(sessions: Pair<Session>, feeds: Feeds, { rounds, seconds, warmup }: Rounds, ctx: Context): Promise<Pair<number[]>> {
  const clock = ctx.get(Clock);
  const times: Pair<number[]> = [[], []];
  const time = async (session: Session): Promise<number> => {
    if (session.time) return session.time(feeds);
    const start = clock.ticks();
    await session.run(feeds);
    return clock.ticks() - start;
  };
  for (let run = 0; run < warmup; run++) {
    for (const session of sessions) {
      ctx.signal.throwIfAborted();
      await time(session);
    }
  }
  const start = clock.ticks();
  for (let round = 0; round < rounds; round++) {
    ctx.signal.throwIfAborted();
    if (round >= fewest && clock.ticks() - start > seconds * 1000) break;
    for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) times[which].push(await time(sessions[which]));
    ctx.progress(round + 1, rounds, 'timing both models in turns');
  }
  return times;
}
