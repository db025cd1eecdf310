import assert from 'node:assert/strict';
import type { AnyContribution, Dataset, DatasetSource } from '../plugin/kinds.ts';
import { Cases, type RunnableCase } from './cases.ts';
import { addOptionsCases, optionsOf, type RejectCase } from './options-cases.ts';
import { testContext } from './test-context.ts';

export interface DatasetCases<O> {
  /** Where relative paths start. */
  readonly folder: string;
  readonly opens: readonly { readonly name: string; readonly options: Partial<O>; readonly check: (dataset: Dataset) => void | Promise<void> }[];
  /** Data that must be refused, and what the message must say. */
  readonly fails: readonly { readonly name: string; readonly options: Partial<O>; readonly says: RegExp }[];
  readonly rejects?: readonly RejectCase[];
}

/** Tests for a data source: what every one promises besides its cases is the same fingerprint for the same data, a right count, and data that can be read twice. */
export function datasetCases<O>(source: DatasetSource<O>, given: DatasetCases<O>): RunnableCase[] {
  const cases = new Cases();
  const contribution = source as unknown as AnyContribution; // the same object; its options' type does not matter here
  addOptionsCases(cases, contribution, given.rejects ?? []);
  const open = (options: Partial<O>): Promise<Dataset> => source.open(optionsOf(contribution, { ...options }) as O, testContext({ folder: given.folder })); // optionsOf has checked them
  cases.add('has a case that opens and one that fails', () => {
    assert(given.opens.length > 0, 'Give at least one case under "opens".');
    assert(given.fails.length > 0, 'Give at least one case under "fails": what does a user with broken data read?');
  });
  for (const c of given.opens) {
    cases.add(`opens: ${c.name}`, async () => c.check(await open(c.options)));
    cases.add(`has the same fingerprint each time: ${c.name}`, async () => assert.equal((await open(c.options)).fingerprint, (await open(c.options)).fingerprint));
    cases.add(`can be read twice, and counts right: ${c.name}`, async () => {
      const dataset = await open(c.options);
      const [first, second] = [await examples(dataset), await examples(dataset)];
      assert.deepEqual(second, first);
      assert.equal(dataset.count, first.length);
    });
  }
  for (const c of given.fails) cases.add(`fails: ${c.name}`, async () => {
    await assert.rejects(async () => examples(await open(c.options)), c.says);
  });
  return cases.all;
}

async function examples(dataset: Dataset): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const x of sourceOf(dataset)) all.push(x);
  return all;
}

function sourceOf(dataset: Dataset): AsyncIterable<unknown> {
  switch (dataset.kind) {
    case 'texts': return dataset.texts();
    case 'pairs': return dataset.pairs();
    case 'retrieval': return dataset.queries();
    case 'tensors': return dataset.feeds();
  }
}
