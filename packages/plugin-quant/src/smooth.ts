import { Calibration, CALIBRATION_KINDS, definePass, foldScale, inputRows, insertScale, list, mappingsOf, maxMagnitudes, samplesOf, together, type Mapping } from '@onnxpress/core';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { warnOfFewTokens } from './calibrated/enough.ts';
import { layersBehind, layerStages, matrixOf } from './calibrated/layers.ts';
import { smoothing } from './calibrated/smoothing.ts';
import { CHOICE_OPTIONS } from './options.ts';

/** Rows of an activation on which alphas are judged. */
const ROWS = 256;

/** What a multiplication in the graph must take away of the error to be worth its time. */
const WORTH_A_MUL = 0.8;

/**
 * SmoothQuant (Xiao et al., arXiv 2211.10438): where a few channels of an activation are much larger than the others, each channel is divided where it is made
 * and the weights that read it are multiplied. The model computes the same; 8 bits then hold it better. Alpha is chosen per mapping by the error of the
 * layers in 8 bits, and a mapping that gains nothing is left alone.
 */
export const smooth = definePass({
  name: 'quant/smooth',
  summary: 'Moves large channels of activations into the weights that read them, before quant/dynamic or quant/static (SmoothQuant).',
  numerics: 'rounding',
  usesRuntime: true,
  options: {
    data: { type: 'string', format: 'data', required: true, description: 'The data set to calibrate on: texts, a retrieval corpus or tensors.' },
    alpha: { anyOf: [{ const: 'auto' }, { type: 'number', minimum: 0, maximum: 1 }], default: 'auto', description: 'How much of the size moves: 0 none, 1 all; `auto` chooses per mapping by the error in 8 bits.' },
    activations: { enum: ['token', 'tensor'], default: 'token', description: 'What will quantize the activations afterwards, for the choice: a scale per token (quant/dynamic with `activations: token`) or one for all.' },
    insert: { enum: ['auto', 'never'], default: 'auto', description: 'Where nothing before can be divided, as in encoders with norms behind the residual: one multiplication that the readers share if it takes away a fifth of the error, or none.' },
    ...CHOICE_OPTIONS,
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    const { found, skipped } = mappingsOf(model);
    const readers = ({ consumers }: Pick<Mapping, 'consumers'>): string => list(consumers.map((c) => c.node.name));
    for (const s of skipped) ctx.missed(`Nothing is smoothed before ${readers(s)}: ${s.reason}.`);
    const usable = found.filter((m) => m.unfoldable === undefined || (options.insert === 'auto' && m.kind === 'norm'));
    for (const m of found) if (!usable.includes(m)) ctx.missed(`Nothing is smoothed before ${readers(m)}: ${m.unfoldable}.`);
    const stages = layerStages(model, options, ctx, usable).filter((s) => s.mappings.length > 0);
    if (stages.length === 0) return;
    const data = await ctx.dataset(options.data, CALIBRATION_KINDS);
    const calibration = await Calibration.open(model, stages, samplesOf(model, data, ctx.signal), ctx);
    try {
      warnOfFewTokens(calibration, [], ctx);
      for (const [index, stage] of stages.entries()) {
        ctx.progress(index, stages.length, stage.mappings[0]?.activation.name);
        const seen = await calibration.observe(index, () => together(maxMagnitudes(), inputRows(ROWS)));
        const rows = seen.map(([, kept]) => kept.data.slice());
        for (const mapping of stage.mappings) {
          const layers = layersBehind(mapping, stage);
          const largest = largestOf(mapping, seen[layers[0]!.observed]![0]); // a mapping of the stage has a layer there
          const { scale, alpha, gain } = await smoothing(layers.map((l) => ({ w: matrixOf(l), k: l.k, n: l.n, x: rows[l.observed]! })), largest, mapping.channelOf, options.alpha, options.activations, ctx.signal);
          const folds = mapping.unfoldable === undefined;
          ctx.record(mapping.activation.name, { alpha, 'of-unsmoothed': gain });
          if (gain >= (folds || options.alpha !== 'auto' ? 1 : WORTH_A_MUL) && options.alpha === 'auto') {
            ctx.missed(`Nothing is smoothed before ${readers(mapping)}: the error in 8 bits would be ${gain.toFixed(2)} of what it is${folds ? '' : `, which is no reason for a multiplication`}.`);
            continue;
          }
          (folds ? foldScale : insertScale)(mapping, scale);
          for (const i of new Set(layers.map((l) => l.observed))) rows[i] = rows[i]!.map((v, at) => v / scale[mapping.channelOf(at % layers[0]!.k)]!);
          ctx.count(folds ? 'scales folded' : 'scales inserted');
        }
      }
    } finally {
      await calibration.dispose();
    }
  },
});

/** The largest |x| of each channel, over the inputs that it is spread to. */
function largestOf({ channels, channelOf }: Mapping, inputs: Float32Array): Float64Array {
  const largest = new Float64Array(channels);
  inputs.forEach((x, i) => (largest[channelOf(i)] = Math.max(largest[channelOf(i)]!, x)));
  return largest;
}
