import { Clock, definePass } from '@onnxpress/core';
import { decodeFp4, decodeNf4, encodeFp4, encodeNf4, NonFiniteError, transpose } from '@onnxpress/kernels';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import type { WeightGroup } from './blocks/group.ts';
import { samplesOfWeight } from './blocks/sample.ts';
import { chosenGroups, keepsNonFinite } from './chosen.ts';
import { emitCodebook } from './codebook/emit.ts';
import { codebookBits, encodedWeight, type CodebookForm } from './codebook/encoded.ts';
import { CHOICE_OPTIONS, ON_NONFINITE } from './options.ts';
import type { Target } from './target.ts';

/**
 * NormalFloat of 4 bits (QLoRA, arXiv 2305.14314), or the 4-bit float of bitsandbytes: each block of a weight is divided by its largest magnitude and rounded to
 * the nearest of sixteen numbers. The runtime's kernel on a CPU restores the weight and multiplies: the file is smaller, the model no faster.
 */
export const nf4 = definePass({
  name: 'quant/nf4',
  summary: 'Stores the weights of products as 4-bit NormalFloat (NF4) or FP4, in blocks with a magnitude each: an eighth of the size, not faster.',
  numerics: 'lossy',
  options: {
    codebook: { enum: ['nf4', 'fp4'], default: 'nf4', description: '`nf4`: sixteen numbers that weights of a normal distribution fall on evenly. `fp4`: a float of 4 bits, which loses more.' },
    block: { enum: [16, 32, 64, 128, 256], default: 64, description: 'Weights that share a magnitude. Blocks follow each other across the ends of rows.' },
    'double-quantization': { type: 'boolean', default: true, description: 'Store magnitudes as bytes, in blocks of 256 with a scale each: 4.127 bits per weight instead of 4.5 at block 64. The runtime restores them when it loads the model; with its optimizations off it does so in every run.' },
    ...CHOICE_OPTIONS,
    ...ON_NONFINITE,
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    const form: CodebookForm = { codebook: options.codebook, block: options.block, double: options['double-quantization'] };
    const groups = chosenGroups(model, options, ctx.missed, reasonAgainst);
    const clock = ctx.get(Clock);
    for (const [done, group] of groups.entries()) {
      ctx.signal.throwIfAborted();
      ctx.progress(done, groups.length, group.weight.name);
      const started = clock.ticks();
      if (keepsNonFinite(group, options, ctx.missed)) continue;
      emitCodebook(model, group, encodedWeight(group, form), form);
      ctx.count('products', group.targets.length);
      ctx.record(group.weight.name, () => ({ 'weight-error': errorOf(group, form), 'bits-per-weight': codebookBits(form), seconds: (clock.ticks() - started) / 1000 }));
      await undefined; // others get their turn: a model may have thousands
    }
  },
});

function reasonAgainst({ kind, computes, tensor, weight }: Target): string | undefined {
  if (kind === 'embedding') return 'MatMulBnb4 multiplies, and nothing looks up in its codes; quant/weights quantizes tables';
  if (computes !== 'float32') return `it computes in ${computes}, and on a CPU MatMulBnb4 computes in float32`;
  return tensor.dims.includes(0) ? `its weight "${weight.name}" is empty` : undefined;
}

/** √(Σ (ŵ − w)² / Σ w²) on a sample of the weight; NaN where it holds no finite numbers. */
function errorOf(group: WeightGroup, { codebook, block }: CodebookForm): number {
  const [encode, decode] = codebook === 'nf4' ? [encodeNf4, decodeNf4] : [encodeFp4, decodeFp4];
  let [off, own] = [0, 0];
  try {
    for (const { w, rows, columns, alongRows } of samplesOfWeight(group, block)) {
      const flat = alongRows ? w : transpose(w, rows, columns);
      const restored = decode(encode(flat, { block }), flat.length, { block });
      for (let i = 0; i < flat.length; i++) {
        off += (restored[i]! - flat[i]!) ** 2;
        own += flat[i]! * flat[i]!;
      }
    }
  } catch (e) {
    if (e instanceof NonFiniteError) return NaN;
    throw e;
  }
  return own === 0 ? 0 : Math.sqrt(off / own);
}
