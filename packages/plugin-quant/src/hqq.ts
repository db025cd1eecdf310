import { Clock, definePass, lazyTensor, OnnxError } from '@onnxpress/core';
import { toFloat16, transpose } from '@onnxpress/kernels';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { emitBlocks } from './blocks/emit.ts';
import { reasonAgainstBlocks, type WeightGroup } from './blocks/group.ts';
import { hqqFloatGrid } from './blocks/hqq.ts';
import { roundedBlocks, type Rounding } from './blocks/rounded.ts';
import { sampleOf, type Sample } from './blocks/sample.ts';
import { scaleFormOf, warnOfZeros, type ScaleOptions } from './blocks/stored-scale.ts';
import { bitsPerWeight, weightError } from './blocks/weight-error.ts';
import type { BlockWeight } from './blocks/weight.ts';
import { blockWeightOf } from './calibrated/codes.ts';
import { matrixOf } from './calibrated/layers.ts';
import { keepsNonFinite, preparedGroups } from './chosen.ts';
import { CHOICE_OPTIONS, ON_NONFINITE, STORED_OPTIONS } from './options.ts';
import type { Target } from './target.ts';
import { roundEven } from './round-even.ts';

/**
 * Half-quadratic quantization (Badri and Shaji 2023): weights in blocks as quant/weights has them, with scales and zero points found by the weights alone so that
 * the mean error is least and outliers count little. No data, a few seconds per hundred million weights.
 */
export const hqq = definePass({
  name: 'quant/hqq',
  summary: 'Stores the weights of products in 2, 3, 4 or 8 bits, in blocks whose scales and zero points are searched for (HQQ): better than rounding, without data.',
  numerics: 'lossy',
  options: {
    ...STORED_OPTIONS,
    'zero-points': { enum: ['integer', 'float'], default: 'integer', description: '`integer`: whole ones, found as such. `float`: as the paper has them, a number per block; onnxruntime then decodes about 50 times slower than with whole ones at accuracy level 4, which it ignores, and has no 8 bits.' },
    format: { enum: ['MatMulNBits', 'QDQ'], default: 'MatMulNBits', description: "`MatMulNBits`: onnxruntime's own operator, at any opset. `QDQ`: DequantizeLinear of ONNX itself, to whose opset 21 an older model is raised; whole zero points, and products of at least 4 bits." },
    ...CHOICE_OPTIONS,
    ...ON_NONFINITE,
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    const isFloat = options['zero-points'] === 'float';
    if (isFloat && options.bits === 8) throw new OnnxError('unsupported', 'onnxruntime has no 8 bits with zero points that are floats. Take "zero-points: integer", or fewer bits.');
    if (isFloat && options.format === 'QDQ') throw new OnnxError('unsupported', 'DequantizeLinear has whole zero points only. Take "zero-points: integer", or "format: MatMulNBits".');
    if (staysQuantized(model, options, ctx)) return;
    const groups = preparedGroups(model, options, ctx, reasonAgainst);
    if (groups.length === 0) return;
    warnOfZeros(options, ctx);
    if (isFloat) ctx.warn('With zero points that are floats onnxruntime decodes about 50 times slower on a CPU than with whole ones at accuracy level 4. "zero-points: integer" keeps most of the gain.');
    const clock = ctx.get(Clock);
    for (const [done, group] of groups.entries()) {
      ctx.signal.throwIfAborted();
      ctx.progress(done, groups.length, group.weight.name);
      const started = clock.ticks();
      if (keepsNonFinite(group, options, ctx.missed)) continue;
      const sample = sampleOf(group);
      const rounding = roundingOf(group, options, sample);
      emitBlocks(model, group, isFloat ? floatBlocks(group, rounding) : roundedBlocks(group, rounding), { format: options.format, accuracyLevel: options['accuracy-level'] });
      ctx.count('products', group.targets.length);
      ctx.record(group.weight.name, () => ({
        ...(isFloat ? {} : { 'weight-error': weightError(group, rounding, undefined, sample), 'rounding-error': weightError(group, { ...rounding, search: 'none' }, undefined, sample) }),
        'bits-per-weight': bitsPerWeight(rounding, group.k) + (isFloat ? ((rounding.scales === 'float16' ? 16 : 32) - rounding.bits) / rounding.block : 0), seconds: (clock.ticks() - started) / 1000,
      }));
      await undefined; // others get their turn: a model may have thousands
    }
  },
});

interface Options extends ScaleOptions {
  readonly bits: 2 | 3 | 4 | 8;
  readonly block: 16 | 32 | 64 | 128 | 256;
}

const reasonAgainst = (target: Target): string | undefined => (target.kind === 'embedding' ? 'it looks up rows; quant/weights quantizes tables' : reasonAgainstBlocks(target));

function roundingOf(group: WeightGroup, options: Options, sample: Sample): Rounding {
  const wanted = { bits: options.bits, block: options.block, mode: 'asymmetric', search: 'hqq' } as const;
  return { ...wanted, scales: scaleFormOf(group, wanted, options, sample) };
}

/** Codes and zero points that are floats, in the layout of MatMulNBits; codes for padding are never multiplied. */
function floatBlocks(group: WeightGroup, { bits, block, scales }: Rounding): BlockWeight {
  const { n, k } = group;
  const w = matrixOf(group);
  const grid = hqqFloatGrid(w, k, n, { bits, block, scales });
  const top = 2 ** bits - 1;
  const codes = new Uint8Array(k * n);
  for (let i = 0; i < k; i++) {
    const at = Math.floor(i / block) * n;
    for (let j = 0; j < n; j++) codes[i * n + j] = Math.min(top, Math.max(0, roundEven(w[i * n + j]! / grid.scales[at + j]! + grid.zeros[at + j]!)));
  }
  const blocks = grid.zeros.length / n;
  const zeros = transpose(grid.zeros, blocks, n);
  const made = blockWeightOf({ codes, scales: grid.scales, zeros: new Uint8Array(grid.zeros.length) }, { k, n, bits, block }, scales);
  return { ...made, zeroPoints: lazyTensor(scales, [n * blocks], () => (scales === 'float16' ? toFloat16(zeros) : zeros)) };
}
