import assert from 'node:assert/strict';
import type { AnyContribution } from '../plugin/kinds.ts';
import { checkOptions, schemaProblems } from '../plugin/schema.ts';
import type { Cases } from './cases.ts';

export interface RejectCase {
  readonly name: string;
  /** Options that must be refused. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What the message must say. */
  readonly says: RegExp;
}

/** What every contribution promises about its options: they compile, each says what it does, every default is valid, and mistakes are refused with a reason. */
export function addOptionsCases(cases: Cases, contribution: AnyContribution, rejects: readonly RejectCase[]): void {
  const { options, name, summary } = contribution;
  cases.add('has a summary, and options that compile, say what they do, and have valid defaults', () => {
    assert(summary.trim() !== '', `${name} has no summary.`);
    assert.deepEqual(schemaProblems(options), []);
  });
  for (const { name: what, options: given, says } of rejects) {
    cases.add(`rejects: ${what}`, () => {
      const problems = problemsOf(contribution, given);
      assert(problems.length > 0, `The options were accepted: ${JSON.stringify(given)}.`);
      assert.match(problems.join('\n'), says);
    });
  }
}

/** The options with defaults filled in. Throws an assertion where they are not valid. */
export function optionsOf(contribution: AnyContribution, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  assert.deepEqual(problemsOf(contribution, given), [], 'The options of this case are not valid.');
  return checkOptions(contribution.options, given).value as Record<string, unknown>; // an options schema accepts nothing but an object
}

/** What a recipe with these options would be told. */
function problemsOf({ options }: AnyContribution, given: Readonly<Record<string, unknown>>): string[] {
  return checkOptions(options, given).misfits.map((m) => {
    if (m.kind === 'unknown') return `unknown option "${m.key}"`;
    return m.kind === 'missing' ? `"${m.key}" is missing` : `"${m.path.join('.')}" ${m.problem}`;
  });
}
