import { definePass, list, mappingsOf } from '@onnxpress/core';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { prepareForm } from './blocks/emit.ts';
import { layerStages } from './calibrated/layers.ts';
import { BLOCK_OPTIONS, GPTQ_OPTIONS } from './calibrated/options.ts';
import { quantizeStages } from './calibrated/quantize.ts';
import { CHOICE_OPTIONS } from './options.ts';

/**
 * AWQ (Lin et al., arXiv 2306.00978): channels that matter are scaled up where they are made into weights and down where they come from, so that their
 * rounding errors shrink; the scale is searched with the quantizer that follows and folded into the norm, the values or the gate's factor before.
 * With `rounding: gptq` the scaled weights are then quantized by GPTQ on the scaled second moments, from the same pass over the data.
 */
export const awq = definePass({
  name: 'quant/awq',
  summary: 'Scales the channels that matter, then stores the weights of products in few bits (AWQ, also followed by GPTQ).',
  numerics: 'lossy',
  usesRuntime: true,
  options: {
    ...BLOCK_OPTIONS,
    rounding: { enum: ['nearest', 'gptq'], default: 'nearest', description: 'How the scaled weights are rounded: to the nearest code, or by GPTQ, which is slower and better.' },
    ...GPTQ_OPTIONS,
    ...CHOICE_OPTIONS,
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    prepareForm(model, options);
    const { found, skipped } = mappingsOf(model);
    const named = (consumers: readonly { readonly node: { readonly name: string } }[]): string => list(consumers.map((c) => c.node.name));
    for (const { consumers, reason } of skipped) ctx.missed(`No scale before ${named(consumers)}: ${reason}.`);
    for (const { consumers, unfoldable } of found) if (unfoldable !== undefined) ctx.missed(`No scale before ${named(consumers)}: ${unfoldable}.`);
    const stages = layerStages(model, options, ctx, found.filter((m) => m.unfoldable === undefined));
    await quantizeStages(model, stages, { ...options, search: options.search === 'mse', order: options['act-order'] }, ctx);
  },
});
