import type { Calibration, PassContext } from '@onnxpress/core';
import type { LayerStage } from './layers.ts';

/** Tokens per input of a layer below which its second moments are hardly known. */
const PER_INPUT = 2;

/** Says what the layers were calibrated on, and warns where that is little. */
export function warnOfFewTokens(calibration: Calibration, stages: readonly LayerStage[], ctx: PassContext): void {
  const { tokens, samples } = calibration;
  ctx.count('calibration batches', samples);
  if (tokens === 0) return;
  ctx.count('calibration tokens', tokens);
  const wide = stages.flatMap((s) => s.layers).filter((l) => tokens < PER_INPUT * l.k);
  const widest = Math.max(...wide.map((l) => l.k));
  if (wide.length > 0) ctx.warn(`${tokens} tokens are few for ${wide.length} of the layers, which have up to ${widest} inputs: give at least ${PER_INPUT * widest}.`);
}
