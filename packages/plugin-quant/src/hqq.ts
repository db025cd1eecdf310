import { Clock, definePass, describe, findNonFinite, lazyTensor, OnnxError, selector, type Model } from '@onnxpress/core';
import { toFloat16, transpose } from '@onnxpress/kernels';
import { alreadyQuantized } from './already.ts';
import { emitBlocks, prepareForm } from './blocks/emit.ts';
import { groupsOf, reasonAgainstBlocks, type WeightGroup } from './blocks/group.ts';
import { hqqFloatGrid } from './blocks/hqq.ts';
import { roundedBlocks, type Rounding } from './blocks/rounded.ts';
import { roundEven } from './blocks/stored-scale.ts';
import { bitsPerWeight, fitsFloat16, weightError } from './blocks/weight-error.ts';
import type { BlockWeight } from './blocks/weight.ts';
import { blockWeightOf } from './calibrated/codes.ts';
import { matrixOf } from './calibrated/layers.ts';
import { sharedElsewhere, targetOf, type Target } from './target.ts';

/**
 * Half-quadratic quantization (Badri and Shaji 2023): weights in blocks as quant/weights has them, with scales and zero points found by the weights alone so that
 * the mean error is least and outliers count little. No data, a few seconds per hundred million weights.
 */
export const hqq = definePass({
  name: 'quant/hqq',
  summary: 'Stores the weights of products in 2, 3, 4 or 8 bits, in blocks whose scales and zero points are searched for (HQQ): better than rounding, without data.',
  numerics: 'lossy',
  options: {
    bits: { enum: [2, 3, 4, 8], default: 4, description: 'Bits of a code. 3 are stored in 4: the file is no smaller than with 4, only what compresses it.' },
    block: { enum: [16, 32, 64, 128, 256], default: 32, description: 'Weights that share a scale: smaller is more exact, and larger on disk.' },
    'zero-points': { enum: ['integer', 'float'], default: 'integer', description: '`integer`: whole ones, found as such. `float`: as the paper has them, a number per block; onnxruntime then decodes about 50 times slower than with whole ones at accuracy level 4, which it ignores, and has no 8 bits.' },
    scales: { enum: ['auto', 'float16', 'float32'], default: 'auto', description: 'How scales are stored. `auto`: float16, where that is as exact; float32 at accuracy level 4, since onnxruntime computes zeros from float16 ones at that level when it runs without its optimizations.' },
    format: { enum: ['MatMulNBits', 'QDQ'], default: 'MatMulNBits', description: "`MatMulNBits`: onnxruntime's own operator, at any opset. `QDQ`: DequantizeLinear of ONNX itself, to whose opset 21 an older model is raised; whole zero points, and products of at least 4 bits." },
    'accuracy-level': { enum: [0, 1, 4], default: 1, description: 'What MatMulNBits computes in: 1 float32; 4 int8 activations, faster where the processor has VNNI and a little less exact; 0 leaves it to the runtime.' },
    include: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only these nodes: globs over node or weight names, op:Type, or domain:name. Empty means all.' },
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Not these nodes.' },
    'on-nonfinite': { enum: ['fail', 'keep'], default: 'fail', description: 'A weight with a NaN or an infinity is an error, or left as it is.' },
    'on-quantized': { enum: ['keep', 'fail', 'continue'], default: 'keep', description: 'A model with quantized operators is left as it is, which is said; refused; or what is float in it is quantized, as it always is for nodes that `include` names.' },
  },
  async run(model, options, ctx) {
    const isFloat = options['zero-points'] === 'float';
    if (isFloat && options.bits === 8) throw new OnnxError('unsupported', 'onnxruntime has no 8 bits with zero points that are floats. Take "zero-points: integer", or fewer bits.');
    if (isFloat && options.format === 'QDQ') throw new OnnxError('unsupported', 'DequantizeLinear has whole zero points only. Take "zero-points: integer", or "format: MatMulNBits".');
    const already = options.include.length === 0 && options['on-quantized'] !== 'continue' ? alreadyQuantized(model) : undefined;
    if (already && options['on-quantized'] === 'fail') throw new OnnxError('unsupported', `The model is quantized already: it has ${already}. Start from the float model, or say "on-quantized: continue" to quantize the rest.`);
    if (already) return ctx.warn(`The model is quantized already: it has ${already}. It stays as it is; "on-quantized: continue" quantizes the rest.`);
    let groups = chosenGroups(model, options, ctx.missed);
    if (groups.length === 0) return;
    const opset = model.opsets.get('') ?? 0;
    prepareForm(model, options);
    const raised = (model.opsets.get('') ?? 0) - opset;
    if (raised > 0) {
      ctx.count('opsets raised', raised);
      groups = chosenGroups(model, options, () => {}); // nodes were exchanged
    }
    if (isFloat) ctx.warn('With zero points that are floats onnxruntime decodes about 50 times slower on a CPU than with whole ones at accuracy level 4. "zero-points: integer" keeps most of the gain.');
    const clock = ctx.get(Clock);
    for (const [done, group] of groups.entries()) {
      ctx.signal.throwIfAborted();
      ctx.progress(done, groups.length, group.weight.name);
      const started = clock.ticks();
      const bad = options['on-nonfinite'] === 'keep' ? findNonFinite(group.tensor) : undefined;
      if (bad) {
        for (const { node } of group.targets) ctx.missed(`${describe(node)} stays: its weight holds ${bad.value} at index ${bad.index}.`);
        continue;
      }
      const rounding = roundingOf(group, options);
      emitBlocks(model, group, isFloat ? floatBlocks(group, rounding) : roundedBlocks(group, rounding), { format: options.format, accuracyLevel: options['accuracy-level'] });
      ctx.count('products', group.targets.length);
      ctx.record(group.weight.name, () => ({
        ...(isFloat ? {} : { 'weight-error': weightError(group, rounding), 'rounding-error': weightError(group, { ...rounding, search: 'none' }) }),
        'bits-per-weight': bitsPerWeight(rounding, group.k) + (isFloat ? ((rounding.scales === 'float16' ? 16 : 32) - rounding.bits) / rounding.block : 0), seconds: (clock.ticks() - started) / 1000,
      }));
      await undefined; // others get their turn: a model may have thousands
    }
  },
});

interface Options {
  readonly bits: 2 | 3 | 4 | 8;
  readonly block: 16 | 32 | 64 | 128 | 256;
  readonly scales: 'auto' | 'float16' | 'float32';
  readonly format: 'MatMulNBits' | 'QDQ';
  readonly 'accuracy-level': 0 | 1 | 4;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

function chosenGroups(model: Model, { include, exclude }: Options, missed: (why: string) => void): WeightGroup[] {
  const chosen = selector(model, include, exclude);
  const found: Target[] = [];
  for (const node of model.nodes()) {
    const target = chosen(node) ? targetOf(node) : undefined;
    const why = typeof target === 'object' ? (target.kind === 'embedding' ? 'it looks up rows; quant/weights quantizes tables' : reasonAgainstBlocks(target)) : target;
    if (why !== undefined) missed(`${describe(node)} stays: ${why}.`);
    else if (typeof target === 'object') found.push(target);
  }
  const shared = sharedElsewhere(found, model);
  for (const { node, weight } of found) if (shared.has(weight)) missed(`${describe(node)} stays: its weight "${weight.name}" is read elsewhere too, and would be stored twice.`);
  return groupsOf(found.filter((t) => !shared.has(t.weight)));
}

function roundingOf(group: WeightGroup, options: Options): Rounding {
  const wanted = { bits: options.bits, block: options.block, mode: 'asymmetric', search: 'hqq' } as const;
  if (group.computes === 'float16') return { ...wanted, scales: 'float16' };
  if (options.scales !== 'auto') return { ...wanted, scales: options.scales };
  if (options.format === 'MatMulNBits' && options['accuracy-level'] === 4) return { ...wanted, scales: 'float32' };
  return { ...wanted, scales: fitsFloat16(group, wanted) ? 'float16' : 'float32' };
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
