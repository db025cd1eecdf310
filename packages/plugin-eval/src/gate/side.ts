import type { Measured, Unit, Verdict } from '@onnxpress/core';
import { zeroOriginal } from '../problems.ts';
import { bootstrap, type Interval } from './bootstrap.ts';
import type { Bound } from './bound.ts';
import { ofRatio, ofResult } from './statistic.ts';
import { boundWords, confidenceWords, intervalWords, valueWords } from './words.ts';

/** One bound on one metric. */
export interface Question {
  readonly metric: string;
  readonly unit: Unit | undefined;
  readonly side: 'at-least' | 'at-most';
  readonly bound: Bound;
  /** Of the interval; undefined judges the number alone. */
  readonly confidence: number | undefined;
  readonly inconclusive: 'fail' | 'warn' | 'pass';
}

interface Found {
  readonly value: number;
  /** Where there is a value per example, and someone wants to be sure. */
  readonly sure?: { readonly interval: Interval; readonly n: number; readonly confidence: number } | undefined;
}

/** Judges one bound: see eval/threshold. */
export function judgeSide(question: Question, measured: Measured): Verdict {
  const { metric, side, bound, unit, inconclusive } = question;
  const found = look(question, measured);
  const { low, high } = found.sure?.interval ?? { low: found.value, high: found.value };
  const clears = side === 'at-least' ? low >= bound.value : high <= bound.value;
  const beyond = side === 'at-least' ? high < bound.value : low > bound.value;
  const open = !clears && !beyond && !Number.isNaN(found.value);
  return {
    ok: clears || (open && inconclusive !== 'fail'),
    inconclusive: open,
    ...(open && inconclusive === 'warn' ? { warn: true } : {}),
    metric,
    bound: `${side === 'at-least' ? '≥' : '≤'} ${boundWords(bound, unit)}`,
    detail: found.sure && detailWords(found.sure, bound, unit),
    message: clears ? passed(question, found) : open ? undecided(question, found) : failed(question, found),
  };
}

function look({ metric, bound, confidence }: Question, { original, result }: Measured): Found {
  const [was, is] = [original.metrics[metric] ?? NaN, result.metrics[metric] ?? NaN];
  if (bound.relative && was === 0) throw zeroOriginal(metric);
  const alone = bound.relative ? is / was : is;
  const after = result.perExample?.[metric];
  const before = bound.relative ? original.perExample?.[metric] : after;
  if (confidence === undefined || after === undefined || before === undefined || after.length < 2 || after.length !== before.length) return { value: alone };
  const statistic = bound.relative ? ofRatio(metric) : ofResult(metric);
  return {
    value: statistic(Float64Array.from(before), Float64Array.from(after)),
    sure: { interval: bootstrap(before, after, statistic, confidence), n: after.length, confidence },
  };
}

function passed(question: Question, found: Found): string {
  return `${foundWords(question, found)}, ${askedWords(question)}.`;
}

function failed(question: Question, found: Found): string {
  if (Number.isNaN(found.value)) return `${question.metric} of the result is not a number, ${askedWords(question)}. Look for outputs that are not finite.`;
  return `${foundWords(question, found)}, ${askedWords(question)}. See in the report which step cost it and weaken that one, or change the bound.`;
}

/** Says what would decide it. The interval's width falls with the square root of n. */
function undecided(question: Question, found: Found): string {
  const { side, bound, unit } = question;
  const { interval, n } = found.sure!; // without an interval nothing is open
  const examples = unit === 'ms' || unit === 'per-second' ? 'rounds' : 'examples';
  const margin = side === 'at-least' ? found.value - bound.value : bound.value - found.value;
  const width = side === 'at-least' ? found.value - interval.low : interval.high - found.value;
  const shown = `${n} ${examples} can show a difference of ${valueWords(width, bound.relative, unit)}, and none that is smaller`;
  const needed = Math.ceil(n * (width / margin) ** 2);
  const advice = margin <= 0 ? `More ${examples} would most likely fail it`
    : needed > most ? `It is too near the bound for any number of ${examples}` : `About ${rounded(needed)} ${examples} would do`;
  return `${foundWords(question, found)}: the interval contains the bound, ${askedWords(question)}, so this is inconclusive. ${shown}. ${advice}; "sure: off" judges the ${question.metric.includes('.p') ? 'number' : 'mean'} alone.`;
}

/** Nobody collects more. */
const most = 1e6;

/** Two significant digits: it is an estimate. */
const rounded = (count: number): number => Math.ceil(Number(count.toPrecision(2)));

function foundWords({ metric, bound, unit }: Question, { value, sure }: Found): string {
  return `${metric} is ${valueWords(value, bound.relative, unit)}${bound.relative ? " of the original's" : ''}${sure ? ` (${detailWords(sure, bound, unit)})` : ''}`;
}

function askedWords({ side, bound, unit }: Question): string {
  return `and ${side === 'at-least' ? 'at least' : 'at most'} ${boundWords(bound, unit)} was asked for`;
}

function detailWords({ interval, n, confidence }: NonNullable<Found['sure']>, { relative }: Bound, unit: Unit | undefined): string {
  return `${confidenceWords(confidence)}: ${intervalWords(interval, relative, unit)}, n = ${n}`;
}
