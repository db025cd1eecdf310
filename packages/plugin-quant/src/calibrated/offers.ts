import { Calibration, inputStatistics, type InputStatistics, type Model, type PassContext, type Sample } from '@onnxpress/core';
import type { Offer } from './allocate.ts';
import { nearestCodes, storedBits, valuesOf } from './codes.ts';
import { warnOfFewTokens } from './enough.ts';
import { gridOf, type GridOptions } from './grid.ts';
import { matrixOf, type Layer, type LayerStage } from './layers.ts';
import { quadratic } from './solve.ts';

export interface LayerOffers {
  readonly layer: Layer;
  /** One for each number of bits that was asked for. */
  readonly offers: readonly Offer[];
}

/** Outputs of a layer that are measured, spread evenly. */
const OUTPUTS = 256;

/** What each weight would take, and what its layer's outputs would lose relative to their own square, for several numbers of bits: nearest codes, ranges by least error. */
export async function layerOffers(model: Model, stages: readonly LayerStage[], bits: readonly number[], grid: Omit<GridOptions, 'bits' | 'search'>, samples: AsyncIterable<Sample>, ctx: PassContext): Promise<LayerOffers[]> {
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

async function offersOf(layer: Layer, { gram }: InputStatistics, bits: readonly number[], grid: Omit<GridOptions, 'bits' | 'search'>, signal: AbortSignal): Promise<Offer[]> {
  const { k, n } = layer;
  const whole = matrixOf(layer);
  const every = Math.ceil(n / OUTPUTS);
  const count = Math.ceil(n / every);
  const w = Float32Array.from({ length: k * count }, (_, at) => whole[Math.floor(at / count) * n + (at % count) * every]!);
  const diagonal = Float64Array.from({ length: k }, (_, i) => gram[i * (k + 1)]!);
  const own = (await quadratic(w, [k, count], gram, signal)) || 1;
  const offers: Offer[] = [];
  for (const b of bits) {
    const form = { ...grid, k, n: count, bits: b };
    const values = valuesOf(nearestCodes(w, gridOf(w, k, count, { ...form, search: diagonal }), form), form);
    offers.push({ bytes: bytesOf(layer, b, grid), error: (await quadratic(values.map((v, i) => v - w[i]!), [k, count], gram, signal)) / own });
  }
  return offers;
}

/** Codes, scales and zero points in the file. */
function bytesOf({ k, n }: Layer, bits: number, { block, mode, scales }: Omit<GridOptions, 'bits' | 'search'>): number {
  const blocks = Math.ceil(k / block);
  const stored = storedBits(bits);
  const zeros = mode === 'asymmetric' || stored !== bits ? Math.ceil((blocks * stored) / 8) : 0;
  return n * ((blocks * block * stored) / 8 + blocks * (scales === 'float16' ? 2 : 4) + zeros);
}
