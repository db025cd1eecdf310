import { Calibration, inputStatistics, type InputStatistics, type Model, type PassContext, type Sample } from '@onnxpress/core';
import type { Offer } from './allocate.ts';
import { sampleOf } from '../blocks/sample.ts';
import { scaleFormOf, type ScaleOptions } from '../blocks/stored-scale.ts';
import { bitsPerWeight } from '../blocks/weight-error.ts';
import { nearestCodes, valuesOf } from './codes.ts';
import { warnOfFewTokens } from './enough.ts';
import { gridOf, type GridOptions } from './grid.ts';
import { matrixOf, type Layer, type LayerStage } from './layers.ts';
import { quadratic } from './solve.ts';
import { thinned } from './thinned.ts';

export interface LayerOffers {
  readonly layer: Layer;
  /** One for each number of bits that was asked for. */
  readonly offers: readonly Offer[];
}

/** What all offers share. */
type OfferedGrid = Pick<GridOptions, 'block' | 'mode'> & ScaleOptions;

/** Outputs of a layer that are measured, spread evenly. */
const OUTPUTS = 256;

/** What each weight would take, and what its layer's outputs would lose relative to their own square, for several numbers of bits: nearest codes, ranges by least error. */
export async function layerOffers(model: Model, stages: readonly LayerStage[], bits: readonly number[], grid: OfferedGrid, samples: AsyncIterable<Sample>, ctx: PassContext): Promise<LayerOffers[]> {
  const calibration = await Calibration.open(model, stages, samples, ctx);
  const all: LayerOffers[] = [];
  try {
    warnOfFewTokens(calibration, stages, ctx);
    for (const [index, stage] of stages.entries()) {
      ctx.progress(index, stages.length, `weighing ${stage.layers[0]?.weight.name}`);
      const seen = await calibration.observe(index, () => inputStatistics(ctx.signal));
      for (const layer of stage.layers) all.push({ layer, offers: await offersOf(layer, seen[layer.observed]!, bits, grid, ctx.signal) }); // each layer's input was observed
    }
  } finally {
    await calibration.dispose();
  }
  return all;
}

async function offersOf(layer: Layer, { gram }: InputStatistics, bits: readonly number[], grid: OfferedGrid, signal: AbortSignal): Promise<Offer[]> {
  const { k, n } = layer;
  const { w, n: count } = thinned({ w: matrixOf(layer), k, n }, OUTPUTS);
  const diagonal = Float64Array.from({ length: k }, (_, i) => gram[i * (k + 1)]!);
  const own = (await quadratic(w, [k, count], gram, signal)) || 1;
  const sample = sampleOf(layer);
  const offers: Offer[] = [];
  for (const b of bits) {
    const scales = scaleFormOf(layer, { ...grid, bits: b }, grid, sample);
    const form = { ...grid, scales, k, n: count, bits: b };
    const values = valuesOf(nearestCodes(w, gridOf(w, k, count, { ...form, search: diagonal }), form), form);
    offers.push({ bytes: (bitsPerWeight({ ...grid, bits: b, scales }, k) * k * n) / 8, error: (await quadratic(values.map((v, i) => v - w[i]!), [k, count], gram, signal)) / own });
  }
  return offers;
}
