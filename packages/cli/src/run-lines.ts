import { bytes, type RunEvent, type StepDone, type StepRecord } from '@onnxpress/core';
import type { Colors } from './colors.ts';
import { fit, pad, padStart } from './columns.ts';
import { duration, large } from './format.ts';

type Event<T extends RunEvent['type']> = Extract<RunEvent, { readonly type: T }>;

/** How the lines of one run look: colours, and how wide the column of names is. */
export interface LineStyle {
  readonly colors: Colors;
  readonly nameWidth: number;
}

/** Cells of the column of times: "2 min 5 s". */
const TIME_WIDTH = 9;
const BAR_CELLS = 20;
/** What was found by comparing before and after is told in full in the report. */
const FINDING_CELLS = 72;

/** A finished step: its mark, its time, and what it did to the model. */
export function stepLine(step: StepDone, { colors, nameWidth }: LineStyle): string {
  const time = step.cached ? 'cached' : duration(step.ms);
  const mark = step.rolledBack === undefined ? colors.green('✔') : colors.yellow('↶');
  return `  ${mark} ${pad(step.use, nameWidth)}  ${colors.dim(padStart(time, TIME_WIDTH))}  ${whatItDid(step, colors)}`.trimEnd();
}

export function measuredLine(event: Event<'measured'>, { colors, nameWidth }: LineStyle): string {
  return `  ${colors.green('✔')} ${pad(nameOf(event), nameWidth)}  ${colors.dim(padStart(event.cached ? 'cached' : duration(event.ms), TIME_WIDTH))}`;
}

export const warningLine = (message: string, use: string | undefined, { colors }: LineStyle): string => `  ${colors.yellow('!')} ${use ? `${use}: ` : ''}${message}`;

export const failedLine = (use: string, { colors }: LineStyle): string => `  ${colors.red('✘')} ${use}`;

/** "████████░░░░  calibrating 160/256 · 4 s left". `leftMs` is undefined as long as nobody can tell. */
export function progressText({ done, of, what }: Pick<Event<'progress'>, 'done' | 'of' | 'what'>, leftMs: number | undefined, { colors }: LineStyle): string {
  const share = of > 0 ? Math.min(1, Math.max(0, done / of)) : 0;
  const full = Math.round(share * BAR_CELLS);
  const counted = [what, of > 0 ? `${large(done)}/${large(of)}` : ''].filter((w) => w !== '').join(' ');
  return `${colors.cyan('█'.repeat(full))}${colors.dim('░'.repeat(BAR_CELLS - full))}  ${counted}${leftMs === undefined ? '' : ` · ${duration(Math.max(1000, Math.round(leftMs / 1000) * 1000)).replace('.0 s', ' s')} left`}`;
}

/** The name of an evaluation: with its own name where the recipe gives one. */
export const nameOf = (event: { readonly use: string; readonly as?: string | undefined }): string => (event.as ? `${event.use} (${event.as})` : event.use);

function whatItDid(step: StepDone, colors: Colors): string {
  if (step.rolledBack !== undefined) return colors.yellow('rolled back: it changed what the model computes');
  if (!step.changed) return colors.dim('nothing to change');
  const [nodes, weights] = [step.nodes, step.bytes];
  return [
    nodes[0] === nodes[1] ? '' : `nodes ${nodes[0]} → ${nodes[1]}`,
    bytes(weights[0]) === bytes(weights[1]) ? '' : `weights ${bytes(weights[0])} → ${bytes(weights[1])}`,
    ...Object.entries(step.counts).map(([what, count]) => `${large(count)} ${what}`),
    ...summary(step.records ?? []),
    step.verify === undefined || step.numerics === 'lossy' ? '' : colors.dim(fit(step.verify, FINDING_CELLS)),
  ].filter((part) => part !== '').join(' · ');
}

/** The first thing that was measured of each layer: in the middle, and at most. */
function summary(records: readonly StepRecord[]): string[] {
  const [what] = Object.keys(records[0]?.values ?? {});
  if (what === undefined) return [];
  const sorted = records.map((r) => r.values[what]).filter((x) => x !== undefined).sort((a, b) => a - b);
  const shown = (x: number): string => x.toPrecision(3).replace(/^0\./, '.');
  return [`${what} ${shown(sorted[Math.floor(sorted.length / 2)]!)}, at most ${shown(sorted.at(-1)!)}`]; // there is a first
}
