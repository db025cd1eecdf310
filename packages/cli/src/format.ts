import { bytes, type Unit } from '@onnxpress/core';

/* Numbers as the table shows them. Pure, and the same on every machine: no locale is asked. */

/** A metric's value in its unit: "90.4 MB", "10.2 ms", "0.3733". A dash where there is none. */
export function amount(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  switch (unit) {
    case 'bytes': return bytes(Math.round(value));
    case 'ms': return milliseconds(value);
    case 'per-second': return `${value >= 100 ? grouped(Math.round(value)) : figures(value, 3)}/s`;
    case 'count': return large(value);
    case 'score': return score(value);
    case 'error': return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : figures(value, 3);
  }
}

/** What became of a metric: a share of the original's, or how much faster. Nothing where the original's is zero or unknown. */
export function change(original: number, result: number, unit: Unit): string {
  if (!(original > 0) || !Number.isFinite(original) || !Number.isFinite(result)) return '';
  switch (unit) {
    case 'ms': return speed(original / result);
    case 'per-second': return speed(result / original);
    default: return percent(result / original);
  }
}

/** A share as "25.4 %". */
export function percent(share: number): string {
  const value = share * 100;
  return `${Math.abs(value) >= 1000 ? grouped(Math.round(value)) : value.toFixed(1)} %`;
}

/** How long something took: "120 ms", "1.2 s", "2 min 5 s", "1 h 12 min". */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long ago something was: "just now", "5 min ago", "3 h ago", "2 days ago". */
export function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ago`;
  return `${Math.floor(hours / 24)} days ago`;
}

/** A count as people say it: "431", "12,345", "22.6 M". */
export function large(count: number): string {
  if (Math.abs(count) < 1e6) return Number.isInteger(count) ? grouped(count) : figures(count, 3);
  const power = Math.abs(count) >= 1e9 ? 9 : 6;
  return `${figures(count / 10 ** power, 3)} ${power === 9 ? 'B' : 'M'}`;
}

/** A metric's name as words: "latency p50". Recipes and reports say it with the dot. */
export const metricWords = (metric: string): string => metric.replace(/\.(?=[a-z])/gi, ' ');

function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms >= 100 ? ms.toFixed(0) : ms >= 1 ? ms.toFixed(1) : figures(ms, 2)} ms`;
}

function score(value: number): string {
  const size = Math.abs(value);
  return size < 10 ? value.toFixed(4) : size < 1000 ? value.toFixed(2) : grouped(Math.round(value));
}

function speed(ratio: number): string {
  if (!Number.isFinite(ratio) || ratio <= 0) return '';
  const [times, word] = ratio >= 1 ? [ratio, 'faster'] : [1 / ratio, 'slower'];
  return times < 1.05 ? 'as fast' : `${times < 10 ? times.toFixed(1) : times.toFixed(0)}× ${word}`;
}

/** So many significant figures, never in exponents for what a table shows. */
function figures(value: number, count: number): string {
  const digits = value === 0 ? 0 : Math.max(0, count - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 12));
}

const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');
