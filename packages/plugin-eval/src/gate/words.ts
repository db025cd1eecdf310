import { bytes, type Unit } from '@onnxpress/core';
import type { Interval } from './bootstrap.ts';
import type { Bound } from './bound.ts';

/** A bound's number as people write it: "97 %", "30 MB", "8 ms", "0.36". */
export function boundWords({ relative, value }: Bound, unit: Unit | undefined): string {
  return relative ? `${plain(value * 100, 4)} %` : amount(value, unit, (number) => plain(number, 6)).replace('.0 ', ' ');
}

/** A number that was found: shares with one digit after the point, scores with four. */
export function valueWords(value: number, relative: boolean, unit: Unit | undefined): string {
  return relative ? `${(value * 100).toFixed(1)} %` : amount(value, unit, digitsFor(unit));
}

/** "98.1–101.4 %", "0.3610–0.3860". */
export function intervalWords({ low, high }: Interval, relative: boolean, unit: Unit | undefined): string {
  const [from, to] = [valueWords(low, relative, unit), valueWords(high, relative, unit)];
  const [, lowUnit = ''] = /( .*)?$/.exec(from) ?? [];
  return lowUnit !== '' && to.endsWith(lowUnit) ? `${from.slice(0, -lowUnit.length)}–${to}` : `${from}–${to}`;
}

/** "95 %". */
export const confidenceWords = (confidence: number): string => `${plain(confidence * 100, 4)} %`;

function amount(value: number, unit: Unit | undefined, digits: (value: number) => string): string {
  switch (unit) {
    case 'bytes': return bytes(Math.round(value));
    case 'ms': return `${digits(value)} ms`;
    case 'per-second': return `${digits(value)} /s`;
    default: return digits(value);
  }
}

function digitsFor(unit: Unit | undefined): (value: number) => string {
  switch (unit) {
    case 'count': return (value) => plain(value, 6);
    case 'error': return (value) => plain(value, 3);
    case 'ms': case 'per-second': return (value) => (Math.abs(value) < 1 ? plain(value, 2) : value.toFixed(1));
    default: return (value) => value.toFixed(4);
  }
}

/** So many significant digits, without trailing zeros. */
const plain = (value: number, digits: number): string => String(Number(value.toPrecision(digits)));
