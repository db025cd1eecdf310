import type { RunEvent } from '@onnxpress/core';

/* What differs from run to run and from machine to machine is taken out of what a run says. */

const DURATION = /( +)(\d+ ms|\d+\.\d s)(?= {2}|$)/gm;
/** Metrics as the table shows them: int8 kernels of different processors differ in the last digits, which a gate does not mind. */
const SCORE = /\b\d\.\d{3,}\b|\b\d\.\d+e-\d+\b/g;

/** Standard output without durations and keys, and with metrics blotted out but for their width. `folder` is the project's. */
export function plainText(text: string, folder: string): string {
  return text
    .replaceAll(folder, '<project>')
    .replace(DURATION, (all: string) => 'time'.padStart(all.length))
    .replace(SCORE, (number) => number.replace(/\d/g, '#'))
    .replace(/\b[0-9a-f]{12}\b/g, 'a key'.padEnd(12));
}

const VOLATILE = new Set(['ms', 'at', 'key', 'fingerprint', 'perExample', 'report', 'file', 'output']);

/** Events as lines of JSON without times, keys and places. Progress is left out: how often it is told depends on the machine. */
export function plainEvents(events: readonly RunEvent[]): string {
  const plain = events.filter((e) => e.type !== 'progress').map((event) => JSON.stringify(event, (key, value: unknown) => {
    if (VOLATILE.has(key)) return undefined;
    if (typeof value === 'number' && !Number.isInteger(value)) return Number(value.toFixed(1));
    return typeof value === 'string' ? plainText(value, '\0') : value;
  }));
  return `[\n${plain.join(',\n')}\n]\n`;
}
