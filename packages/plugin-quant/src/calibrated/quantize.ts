import { Calibration, CALIBRATION_KINDS, Clock, foldScale, inputStatistics, samplesOf, type InputStatistics, type Mapping, type Model, type PassContext } from '@onnxpress/core';
import type { ScaleForm } from '@onnxpress/kernels';
import { emitBlocks } from '../blocks/emit.ts';
import { scaleFormOf, warnOfZeros, type ScaleOptions } from '../blocks/stored-scale.ts';
import { blockWeightOf, nearestCodes, valuesOf, type Codes } from './codes.ts';
import { warnOfFewTokens } from './enough.ts';
import { gridOf } from './grid.ts';
import { layersBehind, matrixOf, type Layer, type LayerStage } from './layers.ts';
import { bytesOf, codesFrom } from './saved.ts';
import { awqScale } from './scale.ts';
import { outputErrors, solve, type SolveOptions } from './solve.ts';

export interface QuantizeOptions extends Omit<SolveOptions, 'signal' | 'bits' | 'scales'>, ScaleOptions {
  /** For all, or for each layer. */
  readonly bits: number | ((layer: Layer) => number);
  readonly data: string;
  /** Whether a stage is calibrated on what the quantized stages before it make. */
  readonly sequential: boolean;
}

/**
 * Quantizes weights to blocks, stage by stage in the order of computation: one pass of statistics per stage; then the scales of its mappings, folded; then its
 * weights. What was found is kept in the step's checkpoint, so that a run which was killed repeats one stage at most.
 */
export async function quantizeStages(model: Model, stages: readonly LayerStage[], options: QuantizeOptions, ctx: PassContext): Promise<void> {
  if (stages.length === 0) return;
  const data = await ctx.dataset(options.data, CALIBRATION_KINDS);
  const calibration = await Calibration.open(model, stages, samplesOf(model, data, ctx.signal), ctx);
  const later: (() => void)[] = [];
  const bitsOf = (layer: Layer): number => (typeof options.bits === 'number' ? options.bits : options.bits(layer));
  const forms = new Map<Layer, ScaleForm>();
  warnOfZeros(options, ctx);
  try {
    warnOfFewTokens(calibration, stages, ctx);
    for (const [index, stage] of stages.entries()) {
      ctx.progress(index, stages.length, stage.layers[0]?.weight.name);
      const found = (await restored(stage)) ?? (await searched(stage, index));
      for (const [i, layer] of stage.layers.entries()) {
        const scales = storedForm(layer);
        const made = blockWeightOf(found[i]!, { ...layer, bits: bitsOf(layer), block: options.block }, scales);
        const weight = { ...made, codes: ctx.aside(made.codes), scales: ctx.aside(made.scales), zeroPoints: made.zeroPoints && ctx.aside(made.zeroPoints) };
        const emit = (): void => emitBlocks(model, layer, weight, { format: options.format, accuracyLevel: options['accuracy-level'] });
        if (options.sequential) emit();
        else later.push(emit);
        ctx.count('products', layer.targets.length);
      }
    }
    for (const emit of later) emit();
    ctx.record('calibration', { batches: calibration.samples, tokens: calibration.tokens, 'peak-bytes': calibration.peakBytes });
  } finally {
    await calibration.dispose();
  }

  /** How the scales of a layer's weight, as it is by now, are stored. */
  function formOf(layer: Layer): ScaleForm {
    return scaleFormOf({ ...layer, tensor: layer.weight.constant ?? layer.tensor }, { ...options, bits: bitsOf(layer) }, options);
  }

  /** The same once nothing is folded into the weight any more. */
  function storedForm(layer: Layer): ScaleForm {
    const form = forms.get(layer) ?? formOf(layer);
    forms.set(layer, form);
    return form;
  }

  /** What an earlier run found of the whole stage, its scales folded. */
  async function restored(stage: LayerStage): Promise<Codes[] | undefined> {
    const codes = await Promise.all(stage.layers.map(({ weight }) => ctx.checkpoint.load(`codes ${weight.name}`)));
    const scales = await Promise.all(stage.mappings.map(({ activation }) => ctx.checkpoint.load(`scale ${activation.name}`)));
    if (![...codes, ...scales].every((bytes) => bytes !== undefined)) return undefined;
    for (const [i, mapping] of stage.mappings.entries()) {
      const scale = new Float64Array(scales[i]!.slice().buffer);
      if (scale.some((s) => s !== 1)) foldScale(mapping, scale); // one without gain was not folded either
    }
    return stage.layers.map((layer, i) => codesFrom(codes[i]!, { ...layer, block: options.block }));
  }

  async function searched(stage: LayerStage, index: number): Promise<Codes[]> {
    const statistics = await calibration.observe(index, () => inputStatistics(ctx.signal));
    const scales: [string, Float64Array][] = [];
    for (const mapping of stage.mappings) scales.push([mapping.activation.name, await scaled(mapping, stage, statistics)]);
    const found: Codes[] = [];
    for (const layer of stage.layers) found.push(await quantized(layer, statistics[layer.observed]!)); // each layer's input was observed
    for (const [name, scale] of scales) await ctx.checkpoint.save(`scale ${name}`, new Uint8Array(scale.buffer));
    for (const [i, { weight }] of stage.layers.entries()) await ctx.checkpoint.save(`codes ${weight.name}`, bytesOf(found[i]!));
    return found;
  }

  /** Finds and folds the scale of a mapping, and makes the statistics those of the scaled inputs. */
  async function scaled(mapping: Mapping, stage: LayerStage, statistics: readonly InputStatistics[]): Promise<Float64Array> {
    const layers = layersBehind(mapping, stage);
    const inputs = [...new Set(layers.map((l) => l.observed))].map((i) => statistics[i]!); // observed all
    const magnitude = channelMeans(inputs[0]!, mapping);
    const { scale, gain } = await awqScale(layers.map((l) => ({ w: matrixOf(l), k: l.k, n: l.n, bits: bitsOf(l), gram: statistics[l.observed]!.gram })), magnitude, mapping.channelOf, { ...options, scales: layers.every((l) => formOf(l) === 'float16') ? 'float16' : 'float32' }, ctx.signal);
    if (gain < 1) foldScale(mapping, scale);
    for (const input of inputs) rescale(input, (i) => scale[mapping.channelOf(i)]!);
    ctx.record(mapping.activation.name, { 'of-unscaled': gain });
    ctx.count(gain < 1 ? 'scales folded' : 'scales without gain');
    return scale;
  }

  async function quantized(layer: Layer, { gram, rows }: InputStatistics): Promise<Codes> {
    const { k, n, weight } = layer;
    const clock = ctx.get(Clock);
    const started = clock.ticks();
    const w = matrixOf(layer);
    const bits = bitsOf(layer);
    const form = { k, n, bits, block: options.block, mode: options.mode, scales: storedForm(layer) };
    const { codes, values, damp, dead } = await solve(w, k, n, gram, { ...options, ...form, signal: ctx.signal });
    if (options.rounding === 'gptq' && damp === undefined) ctx.warn(`The second moments of the inputs of "${weight.name}" have no Cholesky factor even with a damping of 1: its codes are the nearest ones. More calibration data may help.`);
    const nearest = valuesOf(nearestCodes(w, gridOf(w, k, n, form), form), form);
    const [error, nearestError] = (await outputErrors(w, [values, nearest], [k, n], gram, ctx.signal)) as [number, number]; // one for each
    ctx.record(weight.name, {
      'output-error': error, 'of-nearest': nearestError > 0 ? error / nearestError : 1, 'weight-error': weightErrorOf(w, values),
      ...(damp === undefined ? {} : { damping: damp }), 'dead-inputs': dead, tokens: rows, seconds: (clock.ticks() - started) / 1000,
    });
    return codes;
  }
}

/** Root of the squared change of a weight relative to its own square. */
function weightErrorOf(w: Float32Array, values: Float32Array): number {
  let [off, own] = [0, 0];
  for (let i = 0; i < w.length; i++) [off, own] = [off + (values[i]! - w[i]!) ** 2, own + w[i]! ** 2];
  return own > 0 ? Math.sqrt(off / own) : 0;
}

/** Mean |x| of each channel, over the inputs that it is spread to. */
function channelMeans({ meanMagnitude }: InputStatistics, { channels, channelOf }: Mapping): Float64Array {
  const [sums, counts] = [new Float64Array(channels), new Float64Array(channels)];
  meanMagnitude.forEach((m, i) => {
    sums[channelOf(i)]! += m;
    counts[channelOf(i)]!++;
  });
  return sums.map((sum, c) => sum / (counts[c]! || 1));
}

/** The statistics of inputs that were divided by `scale`, in place. */
function rescale({ gram, columns, meanMagnitude, maxMagnitude }: InputStatistics, scale: (input: number) => number): void {
  for (let i = 0; i < columns; i++) {
    meanMagnitude[i]! /= scale(i);
    maxMagnitude[i]! /= scale(i);
    for (let j = 0; j < columns; j++) gram[i * columns + j]! /= scale(i) * scale(j);
  }
}
