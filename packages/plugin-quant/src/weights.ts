import { Clock, definePass } from '@onnxpress/core';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { emitBlocks } from './blocks/emit.ts';
import { holdsTable, reasonAgainstBlocks, type WeightGroup } from './blocks/group.ts';
import { importancesOf } from './blocks/importance.ts';
import { roundedBlocks, type Rounding } from './blocks/rounded.ts';
import { sampleOf, type Sample } from './blocks/sample.ts';
import { scaleFormOf, warnOfZeros, type ScaleOptions } from './blocks/stored-scale.ts';
import { bitsPerWeight, weightError } from './blocks/weight-error.ts';
import { keepsNonFinite, preparedGroups, stays } from './chosen.ts';
import { CHOICE_OPTIONS, MODE_OPTIONS, ON_NONFINITE, STORED_OPTIONS } from './options.ts';

/**
 * Weight-only quantization by rounding to nearest: weights become codes of 2, 3, 4 or 8 bits in blocks along their inputs, activations stay as they are. The
 * last block of a row may be short; zero lies inside every range. Weights stored in half precision are read as such. A table and an output head tied to it
 * are stored once. Without a search no weight is in memory as a whole.
 */
export const weights = definePass({
  name: 'quant/weights',
  summary: 'Stores the weights of products in 2, 3, 4 or 8 bits and those of embeddings in 8 or 4, in blocks with a scale each, rounded to nearest; activations stay as they are.',
  numerics: 'lossy',
  usesRuntime: true,
  options: {
    ...STORED_OPTIONS,
    ...MODE_OPTIONS,
    embeddings: { enum: ['keep', 8, 4], default: 8, description: 'Bits of embedding tables, and of an output head that shares its table; `keep` leaves both as they are.' },
    search: { enum: ['none', 'mse', 'k-quant'], default: 'none', description: "How a block's scale is found: from its range; the one with the least squared error; or fitted, weighed by what `data` says of the inputs, or by the size of the weights." },
    data: { type: 'string', format: 'data', description: 'Calibration data, for `search: k-quant`: inputs count by their mean square.' },
    format: { enum: ['MatMulNBits', 'QDQ'], default: 'MatMulNBits', description: "`MatMulNBits`: onnxruntime's own operators, at any opset. `QDQ`: DequantizeLinear of ONNX itself, to whose opset 21 an older model is raised; tables take 8 bits and products at least 4." },
    ...CHOICE_OPTIONS,
    ...ON_NONFINITE,
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    const groups = preparedGroups(model, options, ctx, reasonAgainstBlocks, (node) => !(node.is('Gather') && options.embeddings === 'keep'));
    if (groups.length === 0) return;
    const form = { format: options.format, accuracyLevel: options['accuracy-level'] };
    warnOfZeros(options, ctx);
    if (options.data !== undefined && options.search !== 'k-quant') ctx.warn(`"data" is only read by "search: k-quant", and the search is "${options.search}".`);
    const importances = options.data !== undefined && options.search === 'k-quant' ? await importancesOf(model, groups, options.data, ctx) : new Map<WeightGroup, Float64Array>();
    const clock = ctx.get(Clock);
    for (const [done, group] of groups.entries()) {
      ctx.signal.throwIfAborted();
      ctx.progress(done, groups.length, group.weight.name);
      const started = clock.ticks();
      const importance = importances.get(group);
      const sample = sampleOf(group);
      const rounding = roundingOf(group, options, sample);
      if (typeof rounding === 'string') {
        for (const { node } of group.targets) ctx.missed(stays(node, rounding));
        continue;
      }
      if (keepsNonFinite(group, options, ctx.missed)) continue;
      emitBlocks(model, group, roundedBlocks(group, rounding, importance), form);
      ctx.record(group.weight.name, () => ({
        'weight-error': weightError(group, rounding, importance, sample), 'bits-per-weight': bitsPerWeight(rounding, group.k), seconds: (clock.ticks() - started) / 1000,
      }));
      const tables = group.targets.filter((t) => t.kind === 'embedding').length;
      if (tables > 0) ctx.count('embeddings', tables);
      if (group.targets.length > tables) ctx.count('products', group.targets.length - tables);
      await undefined; // others get their turn: a model may have thousands
    }
  },
});

interface Options extends ScaleOptions {
  readonly bits: 2 | 3 | 4 | 8;
  readonly block: 16 | 32 | 64 | 128 | 256;
  readonly mode: 'asymmetric' | 'symmetric' | 'full-range';
  readonly embeddings: 'keep' | 8 | 4;
  readonly search: 'none' | 'mse' | 'k-quant';
}

/** How a weight is rounded; or why not. */
function roundingOf(group: WeightGroup, options: Options, sample: Sample): Rounding | string {
  const { k, n, tensor } = group;
  const isTable = holdsTable(group);
  const block = isTable ? largestBlock(k, options.block) : options.block;
  if (block === undefined) return `its rows have ${k} numbers, which no block from 16 on divides, as looking up in blocks needs`;
  const bits = !isTable ? options.bits : options.format === 'QDQ' ? 8 : (options.embeddings as 8 | 4); // tables are no targets where they are kept
  const wanted = { bits, block, mode: options.mode, search: options.search } as const;
  const room = (scales: Rounding['scales']): number => (bitsPerWeight({ ...wanted, scales }, k) * k * n) / 8;
  if (room('float16') >= tensor.byteLength) return 'codes and scales would take more room than its numbers do';
  return { ...wanted, scales: scaleFormOf(group, wanted, options, sample) };
}

/** The largest block up to the one wanted that divides a row. */
const largestBlock = (k: number, most: number): number | undefined => [256, 128, 64, 32, 16].find((b) => b <= most && k % b === 0);
