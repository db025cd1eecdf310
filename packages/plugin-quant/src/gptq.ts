import { definePass } from '@onnxpress/core';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { prepareForm } from './blocks/emit.ts';
import { layerStages } from './calibrated/layers.ts';
import { BLOCK_OPTIONS, GPTQ_OPTIONS } from './calibrated/options.ts';
import { quantizeStages } from './calibrated/quantize.ts';
import { CHOICE_OPTIONS } from './options.ts';

/**
 * GPTQ (Frantar et al., arXiv 2210.17323): weights become codes input after input, and what each loses is passed on to the inputs after it, so that the
 * layer's outputs on the calibration data change least. Inputs with the largest second moments go first while groups stay where they are, so the model needs no
 * index at run time; layers are done in order, each calibrated on what the quantized layers before it make. Codes and scales are stored as they were found.
 */
export const gptq = definePass({
  name: 'quant/gptq',
  summary: 'Stores the weights of products in few bits so that the outputs on your data change least (GPTQ).',
  numerics: 'lossy',
  usesRuntime: true,
  options: { ...BLOCK_OPTIONS, ...GPTQ_OPTIONS, ...CHOICE_OPTIONS, ...ON_QUANTIZED },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    prepareForm(model, options);
    await quantizeStages(model, layerStages(model, options, ctx), { ...options, search: options.search === 'mse', rounding: 'gptq', order: options['act-order'] }, ctx);
  },
});
