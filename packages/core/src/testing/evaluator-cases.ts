import assert from 'node:assert/strict';
import type { Model } from '@onnxpress/onnx';
import { parseModel } from '@onnxpress/onnx';
import type { AnyContribution, Dataset, Evaluator, Measured } from '../plugin/kinds.ts';
import { Cases, type RunnableCase } from './cases.ts';
import { addOptionsCases, optionsOf, type RejectCase } from './options-cases.ts';
import type { ModelGiven } from './pass-cases.ts';
import { testContext, type TestContextSpec } from './test-context.ts';

export interface EvaluatorCases<O> {
  readonly measures: readonly {
    readonly name: string;
    readonly original: ModelGiven;
    /** The original itself where it is left out. */
    readonly result?: ModelGiven;
    readonly options?: Partial<O>;
    readonly data?: Readonly<Record<string, Dataset>>;
    readonly context?: TestContextSpec;
    readonly check: (measured: Measured) => void;
  }[];
  readonly rejects?: readonly RejectCase[];
}

/**
 * Tests for an evaluator. What every one promises besides its cases: it measures just the metrics that it announces, on both sides; averages are those
 * of their examples, of which both sides have as many; and unless it is timed, the same models give the same numbers.
 */
export function evaluatorCases<O>(evaluator: Evaluator<O>, given: EvaluatorCases<O>): RunnableCase[] {
  const cases = new Cases();
  const contribution = evaluator as unknown as AnyContribution; // the same object; its options' type does not matter here
  addOptionsCases(cases, contribution, given.rejects ?? []);
  cases.add('has a case', () => assert(given.measures.length > 0, 'Give at least one case under "measures".'));
  for (const c of given.measures) {
    const options = (): O => optionsOf(contribution, { ...c.options }) as O; // optionsOf has checked them
    const measure = async (): Promise<Measured> => {
      const original = modelOf(c.original);
      return evaluator.measure({ original, result: c.result === undefined ? original : modelOf(c.result) }, options(), testContext({ ...c.context, ...(c.data ? { data: c.data } : {}) }));
    };
    cases.add(`measures: ${c.name}`, async () => c.check(await measure()));
    cases.add(`announces what it measures: ${c.name}`, async () => {
      const { original, result } = await measure();
      const announced = [...evaluator.metrics(options())].sort();
      assert.deepEqual(Object.keys(original.metrics).sort(), announced);
      assert.deepEqual(Object.keys(result.metrics).sort(), announced);
    });
    cases.add(`has as many examples on both sides: ${c.name}`, async () => {
      const { original, result } = await measure();
      for (const [metric, values] of Object.entries(result.perExample ?? {})) assert.equal(original.perExample?.[metric]?.length, values.length, metric);
    });
    if (!evaluator.timed) cases.add(`gives the same numbers each time: ${c.name}`, async () => assert.deepEqual(await measure(), await measure()));
  }
  return cases.all;
}

const modelOf = (given: ModelGiven): Model => (typeof given === 'string' ? parseModel(given) : given());
