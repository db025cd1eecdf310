import assert from 'node:assert/strict';
import { assertValid, describeType, modelBytes, modelFromBytes, parseModel, printModel, type Model } from '@onnxpress/onnx';
import type { AnyContribution, Dataset, Pass } from '../plugin/kinds.ts';
import { randomFeeds } from '../run/feeds.ts';
import { seeded } from '../run/random.ts';
import { distance, ROUNDING_TOLERANCE } from '../run/distance.ts';
import { Runtime, type Feeds } from '../services/tokens.ts';
import { Cases, type RunnableCase } from './cases.ts';
import { addOptionsCases, optionsOf, type RejectCase } from './options-cases.ts';
import { testPassContext, testServices } from './test-context.ts';

/** A model in the ONNX textual syntax, or how to make one. */
export type ModelGiven = string | (() => Model);

interface PassCase<O> {
  readonly name: string;
  readonly model: ModelGiven;
  readonly options?: Partial<O>;
  readonly data?: Readonly<Record<string, Dataset>>;
  /** Sizes of symbolic dimensions for the random inputs. */
  readonly dims?: Readonly<Record<string, number>>;
}

export interface ChangeCase<O> extends PassCase<O> {
  /** The result as text; or `check`, where the text would say more than the case is about. */
  readonly to?: string;
  readonly check?: (model: Model) => void;
  /** For a lossy pass: the largest relative error this case may have, instead of the pass's bound. */
  readonly within?: number;
}

export interface PassCases<O> {
  readonly changes: readonly ChangeCase<O>[];
  readonly keeps: readonly PassCase<O>[];
  readonly rejects?: readonly RejectCase[];
  /** For a lossy pass: outputs differ by at most this share of their largest entry on these cases, and why so much. */
  readonly bound?: { readonly relative: number; readonly because: string };
  /** Why a second run may change the model again. */
  readonly unsettled?: string;
  /** Why the cases are not run: a signature that changes, or operators the runtime lacks. */
  readonly notRun?: string;
}

/**
 * Turns cases into tests for any runner, and adds what every pass promises: it changes one thing and leaves another alone, it works on its own copy,
 * its result is valid and survives writing and reading, the signature stays, a second run changes nothing, the same seed gives the same bytes,
 * numbers agree within what it says of itself, and an aborted signal ends it.
 */
export function passCases<O>(pass: Pass<O>, given: PassCases<O>): RunnableCase[] {
  const cases = new Cases();
  const contribution = pass as unknown as AnyContribution; // the same object; its options' type does not matter here
  addOptionsCases(cases, contribution, given.rejects ?? []);
  cases.add('has cases that change a model and cases that keep one', () => {
    assert(given.changes.length > 0, 'Give at least one case under "changes".');
    assert(given.keeps.length > 0, 'Give at least one case under "keeps": a pass is judged by what it leaves alone.');
    if (pass.numerics === 'lossy') assert(given.bound, 'The pass is lossy: say under "bound" how far its numbers may go, and why.');
  });
  for (const c of given.changes) {
    cases.add(`changes: ${c.name}`, async () => {
      const said: string[] = [];
      const { after } = await applied(c, { said });
      assert(after.revision > 0, ['The pass changed nothing.', ...said].join('\n  '));
      if (c.to !== undefined) assert.equal(printModel(after), printModel(modelOf(c.to)));
      c.check?.(after);
    });
    cases.add(`leaves the given model untouched: ${c.name}`, async () => {
      const before = modelOf(c.model);
      await run(before.clone(), c);
      assert.equal(printModel(before), printModel(modelOf(c.model)), 'The pass reached outside its own copy of the model.');
    });
    cases.add(`gives a valid model that survives writing and reading: ${c.name}`, async () => {
      const { after } = await applied(c);
      assertValid(after);
      assert.equal(printModel(modelFromBytes(modelBytes(after))), printModel(after));
    });
    if (!pass.signature) cases.add(`keeps inputs and outputs: ${c.name}`, async () => {
      const { before, after } = await applied(c);
      assert.deepEqual(signatureOf(after), signatureOf(before));
    });
    if (!given.unsettled) cases.add(`settles: ${c.name}`, async () => {
      const { after } = await applied(c);
      const again = after.clone();
      await run(again, c);
      assert.equal(printModel(again), printModel(after), 'A second run changed the model again.');
    });
    cases.add(`gives the same bytes for the same seed, on one thread and on two: ${c.name}`, async () => {
      const [one, same, two] = [await applied(c), await applied(c), await applied(c, { threads: 2 })];
      assert.deepEqual(modelBytes(same.after), modelBytes(one.after), 'Two runs with one seed differ.');
      assert.deepEqual(modelBytes(two.after), modelBytes(one.after), 'One thread and two give different bytes.');
    });
    if (!given.notRun) cases.add(`computes what it says: ${c.name}`, async () => {
      const { before, after } = await applied(c);
      await assertNumbers(before, after, c);
    });
  }
  for (const c of given.keeps) {
    cases.add(`keeps: ${c.name}`, async () => {
      const { after } = await applied(c);
      assert.equal(printModel(after), printModel(modelOf(c.model)));
      assert.equal(after.revision, 0, 'The model reads the same, but the pass did change it.');
    });
  }
  const [first] = given.changes;
  if (first) cases.add('ends when the signal is aborted', async () => {
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(async () => run(modelOf(first.model), first, { signal: stop.signal }), { name: 'AbortError' }, 'The pass went on. Call ctx.signal.throwIfAborted() in its loops.');
  });
  return cases.all;

  async function run(model: Model, c: PassCase<O>, how: { said?: string[]; signal?: AbortSignal; threads?: number } = {}): Promise<void> {
    const ctx = testPassContext({ ...how, usesRuntime: pass.usesRuntime === true, ...(c.data ? { data: c.data } : {}) });
    await pass.run(model, optionsOf(contribution, { ...c.options }) as O, ctx); // optionsOf has checked them against the pass's schema
  }

  async function applied(c: PassCase<O>, how: { said?: string[]; threads?: number } = {}): Promise<{ before: Model; after: Model }> {
    const before = modelOf(c.model);
    const after = before.clone();
    await run(after, c, how);
    return { before, after };
  }

  async function assertNumbers(before: Model, after: Model, c: ChangeCase<O>): Promise<void> {
    const allowed = pass.numerics === 'exact' ? 0 : pass.numerics === 'rounding' ? ROUNDING_TOLERANCE : (c.within ?? given.bound?.relative ?? 0);
    const [was, is] = [await outputs(before), await outputs(after)];
    for (const [name, a] of Object.entries(was)) {
      const b = is[name];
      assert(b, `Output "${name}" is gone.`);
      const apart = distance(a, b);
      assert(typeof apart === 'number', `Output "${name}" ${apart}.`);
      assert(apart <= allowed, `Output "${name}" differs by ${apart} of its largest entry; ${pass.numerics} allows ${allowed}.`);
    }

    async function outputs(model: Model): Promise<Feeds> {
      const session = await testServices().get(Runtime).load(model, { threads: 1, optimize: pass.numerics === 'exact' ? 'none' : 'all' });
      try {
        return await session.run(randomFeeds(before, { random: seeded('kit'), dims: c.dims ?? {} }));
      } finally {
        await session.dispose();
      }
    }
  }
}

const modelOf = (given: ModelGiven): Model => (typeof given === 'string' ? parseModel(given) : given());

const signatureOf = ({ graph }: Model): string[] => [...graph.inputs, ...graph.outputs].map((v) => `${v.name}: ${describeType(v.declared)}`);

