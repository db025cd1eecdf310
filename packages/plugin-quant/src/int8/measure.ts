import { Calibration, CALIBRATION_KINDS, samplesOf, stagesOf, type Model, type PassContext } from '@onnxpress/core';
import { warnOfFewTokens } from '../calibrated/enough.ts';
import { matrixOf } from '../calibrated/layers.ts';
import { reasonAgainstBlocks } from '../blocks/group.ts';
import type { Target } from '../target.ts';
import { batchRows } from './batch-rows.ts';
import { blockFor } from './blocks.ts';
import type { Candidate, Form } from './choice.ts';
import { formErrors } from './form-errors.ts';
import { sidesOf } from './sides.ts';

/** Rows of an activation on which forms are judged. */
const ROWS = 256;

/** Products that read one activation, and what each form of them does to their outputs. */
export interface MeasuredProducts extends Candidate {
  readonly targets: readonly Target[];
  /** For each target. */
  readonly each: readonly Readonly<Partial<Record<Form, number>>>[];
}

export interface MeasureOptions {
  readonly data: string;
  readonly blocks: boolean;
  readonly reduceRange: boolean;
}

/** Measures every form of products of the main graph on calibration data, by the activation that they read, in the order of computation. The model stays as it is. */
export async function measureForms(model: Model, products: readonly Target[], options: MeasureOptions, ctx: PassContext): Promise<MeasuredProducts[]> {
  if (products.length === 0) return [];
  const stages = stagesOf(model, products.map(({ node }) => ({ node, index: 0 })));
  const byNode = new Map(products.map((t) => [t.node, t]));
  const data = await ctx.dataset(options.data, CALIBRATION_KINDS);
  const calibration = await Calibration.open(model, stages, samplesOf(model, data, ctx.signal), ctx);
  const measured: MeasuredProducts[] = [];
  try {
    warnOfFewTokens(calibration, [], ctx);
    for (const [index, stage] of stages.entries()) {
      const targets = stage.changes.map((node) => byNode.get(node)!); // the nodes that were asked for
      ctx.progress(index, stages.length, targets[0]?.weight.name);
      const [rows] = await calibration.observe(index, () => batchRows(ROWS));
      const forms: Form[] = options.blocks && targets.every((t) => reasonAgainstBlocks(t) === undefined && !elsewhere(t, targets)) ? ['tensor', 'token', 'blocks'] : ['tensor', 'token'];
      const each: Partial<Record<Form, number>>[] = [];
      for (const target of targets) {
        const sides = sidesOf(target);
        const w = matrixOf({ ...target, ...sides, computes: 'float32', targets: [target] });
        each.push(await formErrors({ w, ...sides }, rows!, forms, { reduceRange: options.reduceRange, block: blockFor(sides.k), signal: ctx.signal })); // a stage observes one activation
      }
      const errors = Object.fromEntries(forms.map((form) => [form, each.reduce((sum, e) => sum + e[form]!, 0)])); // each has all forms
      measured.push({ targets, each, errors, work: targets.reduce((sum, t) => sum + sidesOf(t).k * sidesOf(t).n, 0) });
    }
    return measured;
  } finally {
    await calibration.dispose();
  }

  /** Whether a weight meets another activation too: it would be stored in two forms. */
  function elsewhere({ weight }: Target, together: readonly Target[]): boolean {
    return products.some((p) => p.weight === weight && !together.includes(p));
  }
}
