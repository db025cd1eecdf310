import type { Unit } from '@onnxpress/core';
import { badBound, badConfidence, boundUnit } from '../problems.ts';

/** A limit: a share of the original's number, or a number in the metric's own unit. */
export interface Bound {
  readonly relative: boolean;
  /** 0.97 for "97%"; milliseconds, bytes, or the plain number. */
  readonly value: number;
}

/** Units that may be written, what they measure, and how many of the metric's own they are. MB is 10^6. */
const units: Readonly<Record<string, readonly [measures: Unit, factor: number]>> = {
  us: ['ms', 1e-3], ms: ['ms', 1], s: ['ms', 1000],
  b: ['bytes', 1], kb: ['bytes', 1e3], mb: ['bytes', 1e6], gb: ['bytes', 1e9], tb: ['bytes', 1e12],
  '/s': ['per-second', 1],
};

const form = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(%|[a-zµ]+|\/s)?$/i;

/**
 * Reads a bound: 0.9, "0.9", "97%", "8 ms", "30 MB". A metric in bytes or milliseconds wants a unit: nobody can tell what "30" was meant to be.
 * Throws `bad-bound` for what is none of these, and `bound-unit` for a unit that does not fit the metric.
 */
export function readBound(metric: string, given: string | number, unit: Unit | undefined): Bound {
  const [, digits, suffix = ''] = form.exec(String(given).trim()) ?? [];
  const number = Number(digits);
  if (digits === undefined || !Number.isFinite(number)) throw badBound(metric, given);
  if (suffix === '%') return { relative: true, value: number / 100 };
  const written = units[suffix.toLowerCase().replace('µ', 'u')];
  if (suffix !== '' && written === undefined) throw badBound(metric, given);
  const wanted = unit === 'bytes' ? 'a size such as "30 MB"' : unit === 'ms' ? 'a time such as "8 ms"' : 'a plain number';
  if (written === undefined) {
    if ((unit === 'bytes' || unit === 'ms') && number !== 0) throw boundUnit(metric, given, wanted);
    return { relative: false, value: number };
  }
  const [measures, factor] = written;
  if (measures !== unit) throw boundUnit(metric, given, wanted);
  return { relative: false, value: number * factor };
}

/** How sure: 0.95 for "95%" or 0.95; undefined for "off". Throws `bad-confidence`. */
export function readConfidence(given: string | number | boolean): number | undefined {
  if (given === 'off' || given === false) return undefined;
  const [, digits, percent] = /^(\d+\.?\d*|\.\d+)\s*(%)?$/.exec(String(given).trim()) ?? [];
  const share = Number(digits) / (percent ? 100 : 1);
  if (!(share > 0.5 && share < 1)) throw badConfidence(given);
  return share;
}
