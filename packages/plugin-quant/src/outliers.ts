import { Calibration, CALIBRATION_KINDS, Clock, definePass, inputRows, samplesOf, stagesOf, together } from '@onnxpress/core';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { groupsOf } from './blocks/group.ts';
import { weightError } from './blocks/weight-error.ts';
import { warnOfFewTokens } from './calibrated/enough.ts';
import { matrixOf } from './calibrated/layers.ts';
import { tiedTargets, writeBlocks } from './int8/blocks.ts';
import type { Columns } from './int8/columns.ts';
import { outlierColumns } from './int8/outlier-columns.ts';
import { outlierErrors } from './int8/outlier-errors.ts';
import { REDUCE_RANGE, reducesRange } from './int8/reduce-range.ts';
import { sidesOf } from './int8/sides.ts';
import { assertInt8Opset, int8Targets } from './int8/targets.ts';
import { int8WeightError } from './int8/weight-error.ts';
import { Int8Writer } from './int8/writer.ts';
import { CHOICE_OPTIONS } from './options.ts';
import type { Target } from './target.ts';

/** Rows of an activation on which errors are measured. */
const ROWS = 128;

/**
 * LLM.int8() (Dettmers et al., arXiv 2208.07339): columns of an activation with numbers from the threshold on are multiplied in float, the rest in int8 with a
 * scale per token and per output, and both sums are added. A graph must know its columns beforehand, so they are found on calibration data, and the
 * report says how much of the outliers of other data they cover. Outliers are zeroed before the scales of tokens and weights are found.
 */
export const outliers = definePass({
  name: 'quant/outliers',
  summary: 'INT8 with a scale per token, but for the few columns of activations with very large numbers, which stay float (LLM.int8()).',
  numerics: 'lossy',
  usesRuntime: true,
  options: {
    data: { type: 'string', format: 'data', required: true, description: 'The data set to find outliers on: texts, a retrieval corpus or tensors. A quarter of it is left out of the choice, to tell what the columns cover.' },
    threshold: { type: 'number', minimum: 0, default: 6, description: 'From which |x| on a number of an activation is an outlier.' },
    share: { type: 'number', minimum: 0, maximum: 1, default: 0.001, description: 'A column is kept float where this part of the tokens have an outlier in it; 0.001 is one of a thousand.' },
    most: { type: 'number', minimum: 0, maximum: 1, default: 0.01, description: 'The part of the columns of an activation that may stay float, at least one of them: where there are more, those with outliers in most tokens.' },
    embeddings: { type: 'boolean', default: true, description: 'Quantize embedding tables (Gather) too, with a scale per row; one that an output head shares is stored once, in blocks that both read.' },
    ...REDUCE_RANGE,
    ...CHOICE_OPTIONS,
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    assertInt8Opset(model);
    const found = int8Targets(model, options, ctx);
    const tied = tiedTargets(found);
    const targets = found.filter((t) => !tied.has(t));
    const observable = targets.filter((t) => t.kind !== 'embedding' && t.node.graph === model.graph);
    if (found.length === 0) return;
    const reduceRange = reducesRange(options['reduce-range'], ctx);
    const writer = new Int8Writer(model, { perChannel: true, reduceRange });
    const { ticks } = ctx.get(Clock);
    const kept = new Map<Target, Columns>();
    const stages = stagesOf(model, observable.map(({ node }) => ({ node, index: 0 })));
    const data = await ctx.dataset(options.data, CALIBRATION_KINDS);
    const calibration = await Calibration.open(model, stages, samplesOf(model, data, ctx.signal), ctx);
    try {
      warnOfFewTokens(calibration, [], ctx);
      if (calibration.samples === 1) ctx.warn('One batch of calibration data is too little to tell what columns cover in other data: no coverage is reported.');
      for (const [index, { changes }] of stages.entries()) {
        ctx.progress(index, stages.length, changes[0]?.name);
        const [seen] = await calibration.observe(index, () => together(outlierColumns(calibration.samples, options), inputRows(ROWS)));
        const [{ columns, beyond, coverage }, rows] = seen!; // a stage observes one activation
        if (beyond > 0) ctx.warn(`${columns.length + beyond} columns before ${changes[0]!.name} hold outliers, and ${columns.length} may stay float. Raise "most", or "threshold" if that is what these activations look like.`);
        ctx.count(columns.length > 0 ? 'activations with outliers' : 'activations without outliers');
        ctx.count('outlier columns', columns.length);
        for (const target of observable.filter((t) => changes.includes(t.node))) {
          const started = ticks();
          const meetsOthers = observable.some((t) => t.weight === target.weight && !changes.includes(t.node));
          if (meetsOthers && columns.length > 0) ctx.missed(`"${target.node.name}" keeps no column float: its weight "${target.weight.name}" is multiplied by other activations too, and would be stored twice.`);
          const own = meetsOthers ? [] : columns;
          kept.set(target, own);
          const sides = sidesOf(target);
          const errors = await outlierErrors({ w: matrixOf({ ...target, ...sides, computes: 'float32', targets: [target] }), ...sides }, rows.data, own, { reduceRange, signal: ctx.signal });
          ctx.record(target.weight.name, () => ({
            'outlier-columns': own.length, ...(coverage === undefined ? {} : { coverage }), 'output-error': errors.split, 'of-rowwise': errors.plain > 0 ? errors.split / errors.plain : 1,
            'weight-error': int8WeightError(target, { perChannel: true, reduceRange }), 'weight-bits': reduceRange ? 7 : 8, seconds: (ticks() - started) / 1000,
          }));
        }
      }
    } finally {
      await calibration.dispose();
    }
    for (const group of groupsOf([...tied])) {
      ctx.signal.throwIfAborted();
      const started = ticks();
      const rounding = writeBlocks(model, group);
      ctx.count('tables with their output heads');
      ctx.record(group.weight.name, () => ({ 'weight-error': weightError(group, rounding), 'weight-bits': 8, seconds: (ticks() - started) / 1000 }));
    }
    for (const target of targets) {
      ctx.signal.throwIfAborted();
      if (target.kind === 'embedding') writer.lookUp(target);
      else writer.multiply(target, 'token', kept.get(target));
      ctx.count(target.kind === 'embedding' ? 'embeddings' : 'products');
    }
  },
});
