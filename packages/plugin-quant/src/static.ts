import { CALIBRATION_KINDS, definePass, describe, HIGHEST_OPSET, inferTypes, raiseOpset, type Model, type Value } from '@onnxpress/core';
import { ON_QUANTIZED, staysQuantized } from './already.ts';
import { CHOICE_OPTIONS } from './options.ts';
import { REDUCE_RANGE, reducesRange } from './int8/reduce-range.ts';
import { rangeOf } from './static/calibrator.ts';
import { correctBiases, type Correctable } from './static/correct.ts';
import { CODES, type Grid } from './static/grid.ts';
import { gridsOf } from './static/grids.ts';
import { localErrors, observed } from './static/observe.ts';
import { operatorsIn, type Operator } from './static/operators.ts';
import { payingOperators } from './static/paying.ts';
import { quantizeOperators } from './static/quantize.ts';
import type { WriterOptions } from './static/writer.ts';

/** DequantizeLinear takes a scale per channel from 13 on, and 16 bits from 21 on. */
const OPSET = { 8: 13, 16: 21 } as const;

/** What files with 16-bit codes say they are. */
const IR_OF_16_BITS = 10;

/**
 * Static INT8: activations are quantized by ranges found on calibration data, weights per output channel, both written as QuantizeLinear and DequantizeLinear around
 * the operators that onnxruntime has in 8 bits, in the forms that it makes integer operators of. Each operator is first tried alone: one whose output suffers more
 * than `least-sqnr` allows stays float, and so does one whose neighbours leave it nothing to gain.
 */
export const staticInt8 = definePass({
  name: 'quant/static',
  summary: 'Quantizes activations by ranges from your data and weights per channel, for convolutions above all: a quarter of the size, and two to three times as fast.',
  numerics: 'lossy',
  usesRuntime: true,
  options: {
    data: { type: 'string', format: 'data', required: true, description: 'The data set to calibrate on: images, tensors, texts or a retrieval corpus. Some tens of typical images do.' },
    activations: { enum: ['uint8', 'int8', 'uint16', 'int16'], default: 'uint8', description: 'What activations become. onnxruntime is fastest with uint8 on x86; int8 is what some accelerators want. In 16 bits, onnxruntime on a processor computes in float: for others.' },
    symmetric: { type: 'boolean', default: false, description: 'Whether zero is the middle code of an activation, as some accelerators want it. Outputs of a ReLU then use half of the codes.' },
    calibration: { enum: ['minmax', 'average', 'percentile', 'entropy', 'mse'], default: 'mse', description: 'How a range is chosen: all that was seen; the mean of the ranges of each sample; without the tails; with the least divergence of the distributions; with the least squared error.' },
    percentile: { type: 'number', exclusiveMinimum: 50, maximum: 100, default: 99.999, description: 'For `calibration: percentile`: how much of an activation lies inside its range, in percent.' },
    'bias-correction': { type: 'boolean', default: true, description: 'Whether biases take in what quantization moves the mean of each channel by, one operator after the other.' },
    'least-sqnr': { type: 'number', minimum: -100, maximum: 200, default: 25, description: 'Decibels of signal over error that the output of an operator must keep when it alone is quantized; one that does not stays float.' },
    ...REDUCE_RANGE,
    ...CHOICE_OPTIONS,
    ...ON_QUANTIZED,
  },
  async run(model, options, ctx) {
    if (staysQuantized(model, options, ctx)) return;
    const bits = options.activations.endsWith('16') ? 16 : 8;
    const twin = model.clone();
    prepare(twin, bits);
    const all = payingOperators(operatorsIn(twin, options, ctx), undefined, ctx.missed);
    if (!all.some((o) => o.weight)) return;
    const data = await ctx.dataset(options.data, CALIBRATION_KINDS);
    const { seen, means } = await observed(twin, all, data, ctx);
    const [lowest, highest] = CODES[options.activations];
    const calibrator = { method: options.calibration, percentile: options.percentile, steps: highest - lowest };
    const ranges = new Map([...seen].map(([name, s]) => [name, rangeOf(s, calibrator)] as const));
    const writing: WriterOptions = { type: options.activations, symmetric: options.symmetric, reduceRange: reducesRange(options['reduce-range'], ctx), biases: options['bias-correction'], names: true };
    const gridsFor = (operators: readonly Operator[]): Map<Value, Grid> => gridsOf(operators, (v) => ranges.get(v.name)!, writing); // all that operators read and make was observed
    const elementsOf = (v: Value): number => seen.get(v.name)!.elements; // the same
    const paying = payingOperators(all, elementsOf, ctx.missed);
    if (!paying.some((o) => o.weight)) return;

    const trial = twin.clone();
    inferTypes(trial);
    const tried = sameIn(trial, paying, options);
    const decibels = await localErrors(trial, tried, gridsFor(tried), { ...writing, names: false }, data, ctx);
    const harmless = paying.filter((o, i) => {
      const found = decibels[i]!; // one for each
      if (found < options['least-sqnr']) ctx.missed(`${describe(o.node)} stays: quantized alone it would keep ${found.toFixed(1)} dB of its output, less than least-sqnr: ${options['least-sqnr']}.`);
      return !(found < options['least-sqnr']);
    });
    const kept = payingOperators(harmless, elementsOf, ctx.missed);
    if (!kept.some((o) => o.weight)) return;

    prepare(model, bits);
    const operators = sameIn(model, kept, options);
    const written = quantizeOperators(model, operators, gridsFor(operators), writing);
    const correctable = operators.flatMap((operator, i): Correctable[] => {
      const mean = means.get(kept[i]!.node.output.name);
      return operator.bias?.node.graph !== undefined || written.get(operator)!.bias ? (mean ? [{ operator, written: written.get(operator)!, mean }] : []) : [];
    });
    const shifts = options['bias-correction'] ? await correctBiases(model, correctable, data, ctx) : undefined;
    for (const [i, operator] of operators.entries()) {
      const { node, weight } = kept[i]!; // the same, in another copy
      ctx.count(weight ? 'operators with weights in 8 bits' : 'other operators in 8 bits');
      if (shifts?.has(operator)) ctx.count('biases corrected');
      const shift = shifts?.get(operator);
      ctx.record(node.name || node.output.name, { sqnr: decibels[paying.indexOf(kept[i]!)]!, ...(shift === undefined ? {} : { 'bias-shift': shift }) });
    }
  },
});

/** The same operators in a copy of their model. */
function sameIn(copy: Model, operators: readonly Operator[], options: Parameters<typeof operatorsIn>[1]): Operator[] {
  const byName = new Map(operatorsIn(copy, options, { missed() {} }).map((o) => [o.node.output.name, o]));
  return operators.map((o) => byName.get(o.node.output.name)!); // a copy has the same operators
}

function prepare(model: Model, bits: 8 | 16): void {
  if ((model.opsets.get('') ?? HIGHEST_OPSET) < OPSET[bits]) raiseOpset(model, OPSET[bits]);
  if (bits === 16) model.info.irVersion = Math.max(model.info.irVersion, IR_OF_16_BITS);
  inferTypes(model);
}
