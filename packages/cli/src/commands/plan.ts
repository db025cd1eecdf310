import { bytes, EXIT, planRun, previewSteps, releasePlan, variantsOf, type Choose, type Plan, type PlannedVariant, type Preview, type StepPreview } from '@onnxpress/core';
import type { Colors } from '../colors.ts';
import { columns } from '../columns.ts';
import { large, percent } from '../format.ts';
import { nameOf } from '../run-lines.ts';
import type { Shell } from '../shell.ts';
import { headLine } from '../table.ts';
import { openRecipes, withServices } from '../workspace.ts';
import { requestOf } from './run.ts';

export interface PlanFlags {
  readonly model?: string;
  readonly why?: boolean;
  readonly cache?: string;
  readonly json?: boolean;
}

/** Shows what a run would do, and changes nothing. */
export async function plan(shell: Shell, given: string | undefined, flags: PlanFlags): Promise<number> {
  const [opened] = await openRecipes(shell, given === undefined ? [] : [given], {});
  if (!opened) throw new Error('A recipe was opened and is not there.');
  const { recipe, registry } = opened;
  return withServices(shell, async (services) => {
    const { signal } = shell.host;
    const planned = await planRun({ recipe, registry, ...requestOf(shell, flags) }, services, signal);
    try {
      const variants = [];
      for (const variant of planned.variants) variants.push({ variant, preview: await previewSteps(planned, variant, services, signal) });
      if (shell.json) shell.outJson(asData(planned, variants));
      else shell.out(...lines(planned, variants, flags.why === true, shell));
      return EXIT.passed;
    } finally {
      await releasePlan(planned);
    }
  }, registry);
}

interface Previewed {
  readonly variant: PlannedVariant;
  readonly preview: Preview;
}

function asData(planned: Plan, variants: readonly Previewed[]): unknown {
  return {
    name: planned.recipe.name,
    model: planned.model,
    fingerprint: planned.fingerprint,
    output: planned.output,
    cache: planned.store.folder,
    choose: planned.recipe.choose,
    variants: variants.map(({ variant, preview: { steps, bytes: predictedBytes } }) => ({
      name: variant.name,
      values: variant.values,
      steps: steps.map((s) => ({ ...s, with: variant.steps[s.index]?.call.with })),
      predictedBytes,
      evaluations: variant.evaluations.map((e) => ({ use: e.call.use, as: e.call.as, with: e.call.with, key: e.key, cached: e.cached })),
      gates: variant.gates.map((g) => ({ use: g.call.use, as: g.call.as, with: g.call.with })),
    })),
  };
}

function lines(planned: Plan, variants: readonly Previewed[], why: boolean, shell: Shell): string[] {
  const { colors } = shell;
  return [
    headLine(planned.recipe.name, shell.shownFacts(planned.model), { colors }),
    ...(variants.length < variantsOf(planned.recipe).length ? [`  ${variants.length} of ${variantsOf(planned.recipe).length} candidates`] : []),
    ...variants.flatMap((v) => variantLines(v, planned.model.bytes, why, colors)),
    ...(planned.recipe.matrix ? ['', `  ${colors.dim('chosen')} ${choiceText(planned.recipe.choose)}`] : []),
    '',
    `  ${colors.dim('cache')} ${shell.shown(planned.store.folder)}`,
    ...(planned.output ? [`  → ${colors.bold(shell.shown(planned.output))}`] : ['  → nothing is written: the recipe names no output']),
  ];
}

function variantLines({ variant, preview: { steps, bytes: after } }: Previewed, before: number, why: boolean, colors: Colors): string[] {
  return [
    ...(variant.name ? ['', `  ${colors.bold(variant.name)}`] : []),
    ...columns(steps.map((s) => [`${s.index + 1}`, s.use, colors.dim(s.key.slice(0, 12)), s.cached ? colors.green('cached') : '', effectText(s)]), { indent: '  ' }).flatMap((line, i) => [line, ...detailLines(steps[i]!, why, colors)]),
    ...(after !== undefined && before > 0 ? [`  ${colors.dim('predicted')} size ${bytes(before)} → ${bytes(after)} (${percent(after / before)})`] : []),
    ...(variant.evaluations.length ? ['', ...columns(variant.evaluations.map((e) => ['measure', nameOf(e.call), colors.dim(e.key.slice(0, 12)), e.cached ? colors.green('cached') : '']), { indent: '  ' })] : []),
    ...(variant.gates.length ? ['', ...columns(variant.gates.map((g) => ['gate', g.call.as ?? g.call.use, optionsText(g.call.with)]), { indent: '  ' })] : []),
  ];
}

const choiceText = (by: Choose | undefined): string => (by ? `the ${by.by} ${by.metric} among those whose gates pass` : 'the first whose gates pass; "choose" in the recipe says otherwise');

function effectText({ effect, unknown }: StepPreview): string {
  if (!effect) return `not foreseen: ${unknown ?? 'nobody can tell'}`;
  if (!effect.changed) return 'nothing to change';
  const { nodes, bytes: weights, counts } = effect;
  return [
    nodes[0] === nodes[1] ? '' : `nodes ${nodes[0]} → ${nodes[1]}`,
    bytes(weights[0]) === bytes(weights[1]) ? '' : `weights ${bytes(weights[0])} → ${bytes(weights[1])}`,
    ...Object.entries(counts).map(([what, n]) => `${large(n)} ${what}`),
  ].filter((part) => part !== '').join(' · ') || 'changes';
}

/** Names listed of one pattern before the rest is counted. */
const MOST = 6;

function detailLines(step: StepPreview, why: boolean, colors: Colors): string[] {
  const named = (all: readonly string[]): string => `${all.slice(0, MOST).join(', ')}${all.length > MOST ? ` and ${all.length - MOST} more` : ''}`;
  return [
    ...step.patterns.map((p) => `       ${colors.dim(`${p.option} "${p.pattern}" matches ${p.matched.length}:`)} ${named(p.matched)}`),
    ...(step.effect?.warnings ?? []).map((w) => `       ${colors.yellow('!')} ${w}`),
    ...(why ? alike(step.missed).map(({ first, count }) => `       ${colors.dim('·')} ${first}${count > 1 ? colors.dim(` (and ${count - 1} like it)`) : ''}`) : []),
  ];
}

/** Reasons that differ in names and numbers only are one: the first of them, and how many they are. */
export function alike(reasons: readonly string[]): { readonly first: string; readonly count: number }[] {
  const groups = new Map<string, { first: string; count: number }>();
  for (const reason of reasons) {
    const form = reason.replace(/(\w+ )?"[^"]*"/g, '"').replace(/\d+/g, '0');
    const group = groups.get(form);
    if (group) group.count++;
    else groups.set(form, { first: reason, count: 1 });
  }
  return [...groups.values()];
}

const optionsText = (options: Readonly<Record<string, unknown>>): string => Object.entries(options).filter(([key]) => key !== 'metric').map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ');
