import { defineGate, type Verdict } from '@onnxpress/core';
import { gateWithoutBound, unknownMetric } from '../problems.ts';
import { readBound, readConfidence } from './bound.ts';
import { judgeSide } from './side.ts';

const written = { anyOf: [{ type: 'number' }, { type: 'string' }] } as const;

/**
 * A bound on one metric. A share is of the original's number. Where the metric has a value per example, the bound must hold for the whole interval of
 * the paired bootstrap; an interval that lies beyond it fails, and one that contains it is inconclusive. Without such values the number alone is judged.
 */
export const threshold = defineGate({
  name: 'eval/threshold',
  summary: 'A metric must not be below or above a bound: a number, or a share of the original.',
  options: {
    metric: { type: 'string', format: 'metric', required: true, description: 'What is judged: "ndcg@10", "size", "latency.p50".' },
    'at-least': { ...written, description: 'The lowest that passes: 0.36, or 97% of the original.' },
    'at-most': { ...written, description: 'The highest that passes: "8 ms", "30 MB", or 60% of the original.' },
    sure: { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }], default: '95%', description: 'How sure: the confidence of the interval that must clear the bound; "off" judges the mean alone.' },
    inconclusive: { enum: ['fail', 'warn', 'pass'], default: 'fail', description: 'What an interval that contains the bound means.' },
  },
  judge(measured, { metric, 'at-least': atLeast, 'at-most': atMost, sure, inconclusive }) {
    if (!Object.hasOwn(measured.result.metrics, metric)) throw unknownMetric(metric, Object.keys(measured.result.metrics));
    const unit = measured.units?.[metric];
    const confidence = readConfidence(sure);
    const verdicts = ([['at-least', atLeast], ['at-most', atMost]] as const).flatMap(([side, given]) => (
      given === undefined ? [] : [judgeSide({ metric, unit, side, bound: readBound(metric, given, unit), confidence, inconclusive }, measured)]));
    const [first, second] = verdicts;
    if (first === undefined) throw gateWithoutBound(metric);
    return second === undefined ? first : both(first, second);
  },
});

function both(first: Verdict, second: Verdict): Verdict {
  const details = [...new Set([first.detail, second.detail].filter((detail) => detail !== undefined))];
  return {
    ok: first.ok && second.ok,
    inconclusive: (first.inconclusive ?? false) || (second.inconclusive ?? false),
    ...(first.ok && second.ok && (first.warn || second.warn) ? { warn: true } : {}),
    metric: first.metric,
    bound: `${first.bound}, ${second.bound}`,
    detail: details.length > 0 ? details.join('; ') : undefined,
    message: `${first.message} ${second.message}`,
  };
}
