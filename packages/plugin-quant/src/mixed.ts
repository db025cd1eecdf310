import { CALIBRATION_KINDS, definePass, mappingsOf, OnnxError, samplesOf } from '@onnxpress/core';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { prepareForm } from './blocks/emit.ts';
import { allocate, allocateWithin } from './calibrated/allocate.ts';
import { layerStages } from './calibrated/layers.ts';
import { layerOffers } from './calibrated/offers.ts';
import { BLOCK_OPTIONS, GPTQ_OPTIONS } from './calibrated/options.ts';
import { quantizeStages } from './calibrated/quantize.ts';
import { CHOICE_OPTIONS } from './options.ts';

const { bits: _, ...OTHER_BLOCK_OPTIONS } = BLOCK_OPTIONS;

/**
 * Bits per layer: what each layer's outputs would lose with few and with many bits is measured on the calibration data, and the bits are dealt out so that the
 * losses add up to the least within a budget of bytes, or to no more than a bound with the fewest bytes. The weights are then quantized by the method named.
 */
export const mixed = definePass({
  name: 'quant/mixed',
  summary: 'Gives each layer the bits that it needs, under a budget of size or error, and quantizes it with quant/gptq, quant/awq or to nearest.',
  numerics: 'lossy',
  usesRuntime: true,
  options: {
    ...OTHER_BLOCK_OPTIONS,
    candidates: { type: 'array', items: { enum: [2, 3, 4, 8] }, default: [2, 4, 8], description: 'Bits to choose from. 3 bits take the room of 4.' },
    'bits-per-weight': { type: 'number', minimum: 1, maximum: 32, description: 'The budget: bits per quantized weight, scales and zero points included. Give this or max-error.' },
    'max-error': { type: 'number', minimum: 0, maximum: 1, description: 'The bound: the mean over the layers of the squared error of their outputs relative to the outputs. The fewest bytes that keep it are taken.' },
    method: { enum: ['gptq', 'awq', 'awq-gptq', 'nearest'], default: 'awq-gptq', description: 'How weights are quantized then: as quant/gptq, quant/awq, quant/awq with `rounding: gptq`, or rounded to nearest.' },
    ...GPTQ_OPTIONS,
    ...CHOICE_OPTIONS,
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    const [budget, bound] = [options['bits-per-weight'], options['max-error']];
    if ((budget === undefined) === (bound === undefined)) throw new OnnxError('unsupported', 'quant/mixed needs a budget: give "bits-per-weight" or "max-error", and not both.');
    prepareForm(model, options);
    const candidates = [...new Set(options.candidates)].sort((a, b) => a - b);
    const data = await ctx.dataset(options.data, CALIBRATION_KINDS);
    const weighed = await layerOffers(model, layerStages(model, options, ctx), candidates, options, samplesOf(model, data, ctx.signal), ctx);
    if (weighed.length === 0) return;
    const offers = weighed.map((l) => l.offers);
    const weights = weighed.reduce((sum, { layer }) => sum + layer.k * layer.n, 0);
    const choice = budget === undefined ? allocateWithin(offers, bound! * weighed.length) : allocate(offers, (budget * weights) / 8);
    if (!choice) {
      const least = offers.reduce((sum, all) => sum + Math.min(...all.map((o) => o.bytes)), 0);
      throw new OnnxError('unsupported', `No choice of ${candidates.join(', ')} bits takes ${budget} bits per weight or less: with blocks of ${options.block} the smallest takes ${((8 * least) / weights).toFixed(2)}. Raise the budget, or take larger blocks.`);
    }
    const chosen = new Map(weighed.map(({ layer }, i) => [layer.weight, candidates[choice[i]!]!]));
    weighed.forEach(({ layer, offers: all }, i) => ctx.record(`bits of ${layer.weight.name}`, { bits: candidates[choice[i]!]!, bytes: all[choice[i]!]!.bytes, 'nearest-error': all[choice[i]!]!.error }));
    for (const bits of candidates) ctx.count(`layers of ${bits} bits`, [...chosen.values()].filter((b) => b === bits).length);
    const mappings = options.method.startsWith('awq') ? mappingsOf(model).found.filter((m) => m.unfoldable === undefined) : [];
    const rounding = options.method.endsWith('gptq') ? 'gptq' : 'nearest';
    await quantizeStages(model, layerStages(model, options, { missed() {} }, mappings), { ...options, bits: (layer) => chosen.get(layer.weight)!, search: options.search === 'mse', rounding, order: options['act-order'] }, ctx);
  },
});
