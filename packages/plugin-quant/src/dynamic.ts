import { Clock, definePass, OnnxError, type Model, type PassContext } from '@onnxpress/core';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { groupsOf } from './blocks/group.ts';
import { weightError } from './blocks/weight-error.ts';
import { tiedTargets, writeBlocks } from './int8/blocks.ts';
import { chosenForms, type Form } from './int8/choice.ts';
import { measureForms } from './int8/measure.ts';
import { REDUCE_RANGE, reducesRange } from './int8/reduce-range.ts';
import { int8WeightError } from './int8/weight-error.ts';
import { assertInt8Opset, int8Targets } from './int8/targets.ts';
import { Int8Writer } from './int8/writer.ts';
import { CHOICE_OPTIONS } from './options.ts';
import type { Target } from './target.ts';

/**
 * Dynamic INT8: weights are stored as int8, activations become uint8 at run time. Per tensor (ONNX DynamicQuantizeLinear) a product is MatMulInteger, Cast,
 * Mul: the form that onnxruntime fuses into one int8 kernel. Per token the scales are computed in operators of ONNX, and a result no longer depends on what it
 * shares a batch with. An embedding table is stored as int8 with a scale per row and looked up as such, so the runtime never holds it in float; one that
 * an output head is tied to is stored once, in blocks that both read.
 */
export const dynamic = definePass({
  name: 'quant/dynamic',
  summary: 'Stores weights as int8 and quantizes activations at run time: a quarter of the size, and faster by a third to a half.',
  numerics: 'lossy',
  usesRuntime: true,
  options: {
    activations: { enum: ['tensor', 'token', 'auto'], default: 'tensor', description: 'How activations are scaled. `tensor`: all by one, the fastest, and a result depends on what it shares a batch with. `token`: each by its own, which is more exact, a fifth to a third slower, and does not depend on the batch. `auto`: per layer what pays, by the error on `data`.' },
    data: { type: 'string', format: 'data', description: 'Calibration data, for `activations: auto`: texts, a retrieval corpus or tensors.' },
    slowdown: { type: 'number', minimum: 0, maximum: 1, default: 0.05, description: 'For `activations: auto`: how much longer all products together may take than with `tensor` everywhere; 0.05 is a twentieth. It is spent where it takes away most error, by a table of measured times.' },
    blocks: { type: 'boolean', default: true, description: "Whether `activations: auto` may choose 8-bit MatMulNBits, onnxruntime's own operator, for layers where scales per block of a token pay." },
    'per-channel': { type: 'boolean', default: true, description: 'One scale per output channel of a weight instead of one for all of it: hardly larger, much more exact.' },
    embeddings: { type: 'boolean', default: true, description: 'Quantize embedding tables (Gather) too, with a scale per row; one that an output head shares is stored once, with scales per block.' },
    ...REDUCE_RANGE,
    ...CHOICE_OPTIONS,
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    assertInt8Opset(model);
    const targets = int8Targets(model, options, ctx);
    if (targets.length === 0) return;
    const reduceRange = reducesRange(options['reduce-range'], ctx);
    const tied = tiedTargets(targets);
    const products = targets.filter((t) => t.kind !== 'embedding' && !tied.has(t));
    const chosen = options.activations === 'auto' ? await chosenOnData(model, products, { ...options, reduceRange }, ctx) : new Map<Target, Chosen>();
    const formOf = (t: Target): Form => (tied.has(t) ? 'blocks' : (chosen.get(t)?.form ?? (options.activations === 'tensor' ? 'tensor' : 'token')));
    const groups = groupsOf(targets.filter((t) => formOf(t) === 'blocks'));
    const alone = targets.filter((t) => formOf(t) !== 'blocks');
    const writer = new Int8Writer(model, { perChannel: options['per-channel'], reduceRange });
    const { ticks } = ctx.get(Clock);
    const all = groups.length + alone.length;
    for (const [done, group] of groups.entries()) {
      ctx.signal.throwIfAborted();
      ctx.progress(done, all, group.weight.name);
      const started = ticks();
      const rounding = writeBlocks(model, group);
      for (const target of group.targets) counted(target);
      ctx.record(group.weight.name, () => ({ 'weight-error': weightError(group, rounding), ...recorded(group.targets[0]!), seconds: (ticks() - started) / 1000 })); // no group is empty
      await undefined; // others get their turn: a model may have thousands
    }
    for (const [done, target] of alone.entries()) {
      ctx.signal.throwIfAborted();
      ctx.progress(groups.length + done, all, target.weight.name);
      const started = ticks();
      const isTable = target.kind === 'embedding';
      if (isTable) writer.lookUp(target);
      else writer.multiply(target, formOf(target) === 'tensor' ? 'tensor' : 'token');
      counted(target);
      ctx.record(target.weight.name, () => ({ 'weight-error': int8WeightError(target, { perChannel: isTable || options['per-channel'], reduceRange }), ...recorded(target), seconds: (ticks() - started) / 1000 }));
      await undefined; // the same
    }

    function counted(target: Target): void {
      ctx.count(target.kind === 'embedding' ? 'embeddings' : 'products');
      if (options.activations === 'auto' && target.kind !== 'embedding') ctx.count(`products per ${formOf(target) === 'blocks' ? 'block' : formOf(target)}`);
      if (reduceRange && formOf(target) !== 'blocks') ctx.count('weights in 7 bits');
    }

    /** Errors of outputs relative to their size, as it is now and as each form would make it. */
    function recorded(target: Target): Record<string, number> {
      const errors = Object.entries(chosen.get(target)?.errors ?? {}).map(([form, error]) => [form, Math.sqrt(error)] as const);
      const own = errors.find(([form]) => form === formOf(target));
      return { ...(own ? { 'output-error': own[1] } : {}), ...Object.fromEntries(errors.map(([form, error]) => [`output-error-${form}`, error])), 'weight-bits': reduceRange && formOf(target) !== 'blocks' ? 7 : 8 };
    }
  },
});

interface AutoOptions {
  readonly data?: string | undefined;
  readonly slowdown: number;
  readonly blocks: boolean;
  readonly reduceRange: boolean;
}

interface Chosen {
  readonly form: Form;
  readonly errors: Readonly<Partial<Record<Form, number>>>;
}

/** What pays, by the error on calibration data; nothing for products in subgraphs and functions, where nothing can be observed. */
async function chosenOnData(model: Model, products: readonly Target[], { data, slowdown, blocks, reduceRange }: AutoOptions, ctx: PassContext): Promise<Map<Target, Chosen>> {
  if (data === undefined) throw new OnnxError('unsupported', '"activations: auto" measures on calibration data. Name some under "data", or say "activations: token".');
  const measured = await measureForms(model, products.filter((t) => t.node.graph === model.graph), { data, blocks, reduceRange }, ctx);
  const forms = chosenForms(measured, slowdown);
  return new Map(measured.flatMap(({ targets, each }, i) => targets.map((target, j) => [target, { form: forms[i]!, errors: each[j]! }]))); // a form for each, and errors for each target
}
