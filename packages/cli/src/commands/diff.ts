import { bytes, EXIT, factsOf, interruptible, plural, randomFeeds, Runtime, seeded, type ModelFacts } from '@onnxpress/core';
import type { Colors } from '../colors.ts';
import { columns } from '../columns.ts';
import { compareModels, isSame, type StructureDiff } from '../compare.ts';
import { large, percent } from '../format.ts';
import { feedsFrom } from '../given-feeds.ts';
import { compareLayers, type LayersDiff } from '../layers.ts';
import { openGiven } from '../models.ts';
import { wholeNumber } from '../numbers.ts';
import { compareOutputs, type OutputDiff } from '../outputs.ts';
import type { Shell } from '../shell.ts';
import { withServices } from '../workspace.ts';

export interface DiffFlags {
  readonly run: boolean;
  readonly seed: string;
  /** A file of inputs; what it does not name is drawn at random. */
  readonly inputs?: string;
  readonly layers?: boolean;
  readonly threads?: string;
  readonly json?: boolean;
}

/** Compares two models: what they are made of, and what they compute. Differences are no failure. */
export async function diff(shell: Shell, givenBefore: string, givenAfter: string, flags: DiffFlags): Promise<number> {
  const [seed, threads] = [wholeNumber('--seed', flags.seed), wholeNumber('--threads', flags.threads ?? '0')];
  const [before, after] = [openGiven(shell, givenBefore), openGiven(shell, givenAfter)];
  const facts = [await factsOf(before.model, shell.shown(before.path)), await factsOf(after.model, shell.shown(after.path))] as const;
  const structure = compareModels(before.model, after.model);
  const feeds = flags.run ? { ...randomFeeds(before.model, { random: seeded('diff', seed) }), ...(flags.inputs === undefined ? {} : feedsFrom(shell.path(flags.inputs), flags.inputs, before.model)) } : {};
  const settings = { settings: { provider: 'cpu', threads }, signal: shell.host.signal };
  const outputs = flags.run ? await withServices(shell, (services) => compareOutputs(before.model, after.model, feeds, interruptible(services.get(Runtime), shell.host.signal), settings)) : undefined;
  const inside = flags.run && flags.layers ? await withServices(shell, (services) => compareLayers(before.model, after.model, feeds, interruptible(services.get(Runtime), shell.host.signal), settings)) : undefined;
  const on = flags.inputs === undefined ? `random inputs (seed ${seed})` : `the inputs of ${flags.inputs}`;
  if (shell.json) shell.outJson({ before: facts[0], after: facts[1], same: isSame(structure), ...structure, outputs, ...inside });
  else shell.out(...factLines(facts), ...structureLines(structure, shell.colors), ...outputLines(outputs, on, shell.colors), ...layerLines(inside, on, shell.colors));
  return EXIT.passed;
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

function outputLines(outputs: readonly OutputDiff[] | undefined, on: string, colors: Colors): string[] {
  if (!outputs) return [];
  return ['', `  ${colors.bold(`outputs on ${on}`)}`, ...columns(outputs.map((o) => [o.output, ...apart(o, colors)]), { indent: '    ' })];
}

/** The values that are furthest apart, in the order of computation, and where it begins. */
function layerLines(inside: LayersDiff | undefined, on: string, colors: Colors): string[] {
  if (!inside) return [];
  const { layers, begins } = inside;
  const title = `  ${colors.bold(`values inside on ${on}`)}`;
  if (layers.length === 0) return ['', title, '    no value has the same name in both models'];
  if (!begins) return ['', title, `    ${colors.green('equal')}: ${plural(layers.length, 'value')} with one name in both models`];
  const worst = [...layers].filter((l) => l.relative !== 0).sort((a, b) => (b.relative ?? Infinity) - (a.relative ?? Infinity)).slice(0, MOST);
  const shown = layers.filter((l) => l === begins || worst.includes(l));
  const made = (l: LayersDiff['layers'][number]): string => (l.before === l.after ? l.before : `${l.before} → ${l.after}`);
  return [
    '', title,
    ...columns(shown.map((l) => [l.output, made(l), ...apart(l, colors)]), { indent: '    ' }),
    `    ${plural(layers.length, 'value')} compared, in the order of computation; the furthest apart are shown`,
    `    the difference begins at ${begins.output} (${made(begins)})`,
  ];
}

/** How far apart, in columns. */
function apart(o: OutputDiff, colors: Colors): string[] {
  if (o.problem !== undefined) return [colors.yellow(o.problem)];
  if (o.relative === 0) return [colors.green('equal')];
  return [`differs by ${exponent(o.relative)} of its largest entry`, `absolute ${exponent(o.absolute)}`, o.cosine === undefined ? '' : `cosine ${o.cosine.toFixed(6)}`];
}

const exponent = (value: number | undefined): string => (value === undefined ? '–' : value.toExponential(1));
