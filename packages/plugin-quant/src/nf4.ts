import { Clock, definePass, describe, findNonFinite, OnnxError, selector, type Model } from '@onnxpress/core';
import { decodeFp4, decodeNf4, encodeFp4, encodeNf4, NonFiniteError, transpose } from '@onnxpress/kernels';
import { alreadyQuantized } from './already.ts';
import { groupsOf, type WeightGroup } from './blocks/group.ts';
import { samplesOfWeight } from './blocks/sample.ts';
import { emitCodebook } from './codebook/emit.ts';
import { codebookBits, encodedWeight, type CodebookForm } from './codebook/encoded.ts';
import { sharedElsewhere, targetOf, type Target } from './target.ts';

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
    include: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only these nodes: globs over node or weight names, op:Type, or domain:name. Empty means all.' },
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Not these nodes.' },
    'on-nonfinite': { enum: ['fail', 'keep'], default: 'fail', description: 'A weight with a NaN or an infinity is an error, or, at the price of reading every weight once more, left as it is.' },
    'on-quantized': { enum: ['keep', 'fail', 'continue'], default: 'keep', description: 'A model with quantized operators is left as it is, which is said; refused; or what is float in it is quantized, as it always is for nodes that `include` names.' },
  },
  async run(model, options, ctx) {
    const already = options.include.length === 0 && options['on-quantized'] !== 'continue' ? alreadyQuantized(model) : undefined;
    if (already && options['on-quantized'] === 'fail') throw new OnnxError('unsupported', `The model is quantized already: it has ${already}. Start from the float model, or say "on-quantized: continue" to quantize the rest.`);
    if (already) return ctx.warn(`The model is quantized already: it has ${already}. It stays as it is; "on-quantized: continue" quantizes the rest.`);
    const form: CodebookForm = { codebook: options.codebook, block: options.block, double: options['double-quantization'] };
    const groups = chosenGroups(model, options, ctx.missed);
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
      emitCodebook(model, group, encodedWeight(group, form), form);
      ctx.count('products', group.targets.length);
      ctx.record(group.weight.name, () => ({ 'weight-error': errorOf(group, form), 'bits-per-weight': codebookBits(form), seconds: (clock.ticks() - started) / 1000 }));
      await undefined; // others get their turn: a model may have thousands
    }
  },
});

function chosenGroups(model: Model, { include, exclude }: { readonly include: readonly string[]; readonly exclude: readonly string[] }, missed: (why: string) => void): WeightGroup[] {
  const chosen = selector(model, include, exclude);
  const found: Target[] = [];
  for (const node of model.nodes()) {
    const target = chosen(node) ? targetOf(node) : undefined;
    const why = typeof target === 'object' ? reasonAgainst(target) : target;
    if (why !== undefined) missed(`${describe(node)} stays: ${why}.`);
    else if (typeof target === 'object') found.push(target);
  }
  const shared = sharedElsewhere(found, model);
  for (const { node, weight } of found) if (shared.has(weight)) missed(`${describe(node)} stays: its weight "${weight.name}" is read elsewhere too, and would be stored twice.`);
  return groupsOf(found.filter((t) => !shared.has(t.weight)));
}

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
