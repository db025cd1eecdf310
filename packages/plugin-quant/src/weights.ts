import { Clock, definePass, describe, findNonFinite, selector, type Model } from '@onnxpress/core';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { emitBlocks, prepareForm } from './blocks/emit.ts';
import { groupsOf, holdsTable, reasonAgainstBlocks, type WeightGroup } from './blocks/group.ts';
import { importancesOf } from './blocks/importance.ts';
import { roundedBlocks, type Rounding } from './blocks/rounded.ts';
import { bitsPerWeight, fitsFloat16, weightError } from './blocks/weight-error.ts';
import { sharedElsewhere, targetOf, type Target } from './target.ts';

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
    bits: { enum: [2, 3, 4, 8], default: 4, description: 'Bits of a code. 3 are stored in 4: the file is no smaller than with 4, only what compresses it.' },
    block: { enum: [16, 32, 64, 128, 256], default: 32, description: 'Weights that share a scale: smaller is more exact, and larger on disk.' },
    mode: { enum: ['asymmetric', 'symmetric', 'full-range'], default: 'asymmetric', description: 'How a block becomes codes: with a zero point of its own, or around zero with or without the lowest code.' },
    embeddings: { enum: ['keep', 8, 4], default: 8, description: 'Bits of embedding tables, and of an output head that shares its table; `keep` leaves both as they are.' },
    search: { enum: ['none', 'mse', 'k-quant'], default: 'none', description: "How a block's scale is found: from its range; the one with the least squared error; or fitted, weighed by what `data` says of the inputs, or by the size of the weights." },
    data: { type: 'string', format: 'data', description: 'Calibration data, for `search: k-quant`: inputs count by their mean square.' },
    scales: { enum: ['auto', 'float16', 'float32'], default: 'auto', description: 'How scales are stored. `auto`: float16, where that is as exact; float32 at accuracy level 4, since onnxruntime computes zeros from float16 ones at that level when it runs without its optimizations.' },
    format: { enum: ['MatMulNBits', 'QDQ'], default: 'MatMulNBits', description: "`MatMulNBits`: onnxruntime's own operators, at any opset. `QDQ`: DequantizeLinear of ONNX itself, to whose opset 21 an older model is raised; tables take 8 bits and products at least 4." },
    'accuracy-level': { enum: [0, 1, 4], default: 1, description: 'What MatMulNBits computes in: 1 float32; 4 int8 activations, faster where the processor has VNNI and a little less exact; 0 leaves it to the runtime.' },
    include: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only these nodes: globs over node or weight names, op:Type, or domain:name. Empty means all.' },
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Not these nodes.' },
    'on-nonfinite': { enum: ['fail', 'keep'], default: 'fail', description: 'A weight with a NaN or an infinity is an error, or, at the price of reading every weight once more, left as it is.' },
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    let groups = chosenGroups(model, options, ctx.missed);
    if (groups.length === 0) return;
    const opset = model.opsets.get('') ?? 0;
    prepareForm(model, options);
    const raised = (model.opsets.get('') ?? 0) - opset;
    if (raised > 0) {
      ctx.count('opsets raised', raised);
      groups = chosenGroups(model, options, () => {}); // nodes were exchanged
    }
    const form = { format: options.format, accuracyLevel: options['accuracy-level'] };
    if (form.format === 'MatMulNBits' && form.accuracyLevel === 4 && options.scales === 'float16') ctx.warn('At accuracy level 4 with float16 scales onnxruntime computes zeros when it runs without its optimizations. Keep them on, or take "scales: float32".');
    if (options.data !== undefined && options.search !== 'k-quant') ctx.warn(`"data" is only read by "search: k-quant", and the search is "${options.search}".`);
    const importances = options.data !== undefined && options.search === 'k-quant' ? await importancesOf(model, groups, options.data, ctx) : new Map<WeightGroup, Float64Array>();
    const clock = ctx.get(Clock);
    for (const [done, group] of groups.entries()) {
      ctx.signal.throwIfAborted();
      ctx.progress(done, groups.length, group.weight.name);
      const started = clock.ticks();
      const importance = importances.get(group);
      const rounding = roundingOf(group, options);
      const why = typeof rounding === 'string' ? rounding : options['on-nonfinite'] === 'keep' ? nonFiniteIn(group) : undefined;
      if (typeof rounding === 'string' || why !== undefined) {
        for (const { node } of group.targets) ctx.missed(`${describe(node)} stays: ${why}.`);
        continue;
      }
      emitBlocks(model, group, roundedBlocks(group, rounding, importance), form);
      ctx.record(group.weight.name, () => ({
        'weight-error': weightError(group, rounding, importance), 'bits-per-weight': bitsPerWeight(rounding, group.k), seconds: (clock.ticks() - started) / 1000,
      }));
      const tables = group.targets.filter((t) => t.kind === 'embedding').length;
      if (tables > 0) ctx.count('embeddings', tables);
      if (group.targets.length > tables) ctx.count('products', group.targets.length - tables);
      await undefined; // others get their turn: a model may have thousands
    }
  },
});

interface Options {
  readonly bits: 2 | 3 | 4 | 8;
  readonly block: 16 | 32 | 64 | 128 | 256;
  readonly mode: 'asymmetric' | 'symmetric' | 'full-range';
  readonly embeddings: 'keep' | 8 | 4;
  readonly search: 'none' | 'mse' | 'k-quant';
  readonly scales: 'auto' | 'float16' | 'float32';
  readonly format: 'MatMulNBits' | 'QDQ';
  readonly 'accuracy-level': 0 | 1 | 4;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

function chosenGroups(model: Model, { include, exclude, embeddings }: Options, missed: (why: string) => void): WeightGroup[] {
  const chosen = selector(model, include, exclude);
  const found: Target[] = [];
  for (const node of model.nodes()) {
    const target = chosen(node) && !(node.is('Gather') && embeddings === 'keep') ? targetOf(node) : undefined;
    const why = typeof target === 'object' ? reasonAgainstBlocks(target) : target;
    if (why !== undefined) missed(`${describe(node)} stays: ${why}.`);
    else if (typeof target === 'object') found.push(target);
  }
  const shared = sharedElsewhere(found, model);
  for (const { node, weight } of found) if (shared.has(weight)) missed(`${describe(node)} stays: its weight "${weight.name}" is read elsewhere too, and would be stored twice.`);
  return groupsOf(found.filter((t) => !shared.has(t.weight)));
}

/** How a weight is rounded; or why not. */
function roundingOf(group: WeightGroup, options: Options): Rounding | string {
  const { k, n, tensor, computes } = group;
  const isTable = holdsTable(group);
  const block = isTable ? largestBlock(k, options.block) : options.block;
  if (block === undefined) return `its rows have ${k} numbers, which no block from 16 on divides, as looking up in blocks needs`;
  const bits = !isTable ? options.bits : options.format === 'QDQ' ? 8 : (options.embeddings as 8 | 4); // tables are no targets where they are kept
  const wanted = { bits, block, mode: options.mode, search: options.search } as const;
  const room = (scales: Rounding['scales']): number => (bitsPerWeight({ ...wanted, scales }, k) * k * n) / 8;
  if (room('float16') >= tensor.byteLength) return 'codes and scales would take more room than its numbers do';
  if (computes === 'float16') return { ...wanted, scales: 'float16' };
  if (options.scales !== 'auto') return { ...wanted, scales: options.scales };
  if (options.format === 'MatMulNBits' && options['accuracy-level'] === 4) return { ...wanted, scales: 'float32' };
  return { ...wanted, scales: fitsFloat16(group, wanted) ? 'float16' : 'float32' };
}

/** The largest block up to the one wanted that divides a row. */
const largestBlock = (k: number, most: number): number | undefined => [256, 128, 64, 32, 16].find((b) => b <= most && k % b === 0);

function nonFiniteIn({ tensor }: WeightGroup): string | undefined {
  const found = findNonFinite(tensor);
  return found && `its weight holds ${found.value} at index ${found.index}`;
}
