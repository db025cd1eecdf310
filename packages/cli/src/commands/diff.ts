import { bytes, EXIT, factsOf, plural, Runtime, type ModelFacts } from '@onnxpress/core';
import type { Colors } from '../colors.ts';
import { columns } from '../columns.ts';
import { compareModels, isSame, type StructureDiff } from '../compare.ts';
import { large, percent } from '../format.ts';
import { openGiven } from '../models.ts';
import { wholeNumber } from '../numbers.ts';
import { compareOutputs, type OutputDiff } from '../outputs.ts';
import type { Shell } from '../shell.ts';
import { withServices } from '../workspace.ts';

export interface DiffFlags {
  readonly run: boolean;
  readonly seed: string;
  readonly threads?: string;
  readonly json?: boolean;
}

/** Compares two models: what they are made of, and what they compute. Differences are no failure. */
export async function diff(shell: Shell, givenBefore: string, givenAfter: string, flags: DiffFlags): Promise<number> {
  const [seed, threads] = [wholeNumber('--seed', flags.seed), wholeNumber('--threads', flags.threads ?? '0')];
  const [before, after] = [openGiven(shell, givenBefore), openGiven(shell, givenAfter)];
  const facts = [await factsOf(before.model, shell.shown(before.path)), await factsOf(after.model, shell.shown(after.path))] as const;
  const structure = compareModels(before.model, after.model);
  const outputs = flags.run ? await ran() : undefined;
  if (shell.json) shell.outJson({ before: facts[0], after: facts[1], same: isSame(structure), ...structure, outputs });
  else shell.out(...factLines(facts), ...structureLines(structure, shell.colors), ...outputLines(outputs, seed, shell.colors));
  return EXIT.passed;

  function ran(): Promise<readonly OutputDiff[]> {
    return withServices(shell, (services) => compareOutputs(before.model, after.model, services.get(Runtime), { seed, settings: { provider: 'cpu', threads }, signal: shell.host.signal }));
  }
}

/** Names listed per kind of change before the rest is counted. */
const MOST = 12;

function factLines([a, b]: readonly [ModelFacts, ModelFacts]): string[] {
  return columns([
    ['', a.file, b.file, ''],
    ['size', bytes(a.bytes), bytes(b.bytes), a.bytes ? percent(b.bytes / a.bytes) : ''],
    ['weights', large(a.params), large(b.params), a.params ? percent(b.params / a.params) : ''],
    ['nodes', String(a.nodes), String(b.nodes), a.nodes ? percent(b.nodes / a.nodes) : ''],
    ['opset', String(a.opset), String(b.opset), ''],
  ], { indent: '  ' });
}

function structureLines(d: StructureDiff, colors: Colors): string[] {
  if (isSame(d)) return ['', `  ${colors.green('=')} the same structure and the same weights`];
  const { removed, added } = d.signature;
  const { weights } = d;
  const section = (title: string, rows: readonly (readonly string[])[]): string[] => {
    const more = rows.length > MOST ? [`    … and ${rows.length - MOST} more`] : [];
    return rows.length ? ['', `  ${colors.bold(title)}`, ...columns(rows.slice(0, MOST), { indent: '    ' }), ...more] : [];
  };
  const minus = (text: string): string => `${colors.red('-')} ${text}`;
  const plus = (text: string): string => `${colors.green('+')} ${text}`;
  return [
    ...section('inputs and outputs', [...removed.map((line) => [minus(line)]), ...added.map((line) => [plus(line)])]),
    ...section('opsets', d.opsets.map((o) => [o.domain, `${o.before ?? 'none'} → ${o.after ?? 'none'}`])),
    ...section('operators', d.operators.map((o) => [o.operator, `${o.before} → ${o.after}`, `${o.after > o.before ? '+' : '-'}${Math.abs(o.after - o.before)}`])),
    ...section(`weights changed (${plural(weights.same, 'other')} unchanged)`, weights.changed.map((w) => [w.name, w.before === w.after ? w.before : `${w.before} → ${w.after}`])),
    ...section('weights renamed', weights.renamed.map((w) => [`${w.before} → ${w.after}`])),
    ...section('weights removed', weights.removed.map((w) => [minus(w.name), w.type, bytes(w.bytes)])),
    ...section('weights added', weights.added.map((w) => [plus(w.name), w.type, bytes(w.bytes)])),
  ];
}

function outputLines(outputs: readonly OutputDiff[] | undefined, seed: number, colors: Colors): string[] {
  if (!outputs) return [];
  const rows = outputs.map((o) => [o.output, ...(o.problem !== undefined ? [colors.yellow(o.problem)] : o.relative === 0 ? [colors.green('equal')] : [`differs by ${exponent(o.relative)} of its largest entry`, `absolute ${exponent(o.absolute)}`, o.cosine === undefined ? '' : `cosine ${o.cosine.toFixed(6)}`])]);
  return ['', `  ${colors.bold(`outputs on random inputs (seed ${seed})`)}`, ...columns(rows, { indent: '    ' })];
}

const exponent = (value: number | undefined): string => (value === undefined ? '–' : value.toExponential(1));
