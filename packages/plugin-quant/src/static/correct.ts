import { Calibration, float32s, samplesOf, type Model, type PassContext, type Value } from '@onnxpress/core';
import { channelMeans } from './collect.ts';
import type { CalibrationData } from './observe.ts';
import { biasOf, type Operator } from './operators.ts';
import { readerOf } from './reader-of.ts';
import { biasCodes } from './weight.ts';
import type { Written } from './writer.ts';

export interface Correctable {
  readonly operator: Operator;
  readonly written: Written;
  /** The mean of each output channel in float. */
  readonly mean: Float64Array;
}

/**
 * Bias correction (Nagel et al., arXiv 1906.04721): what quantization moves the mean of a channel by goes into its bias, one operator after the other, each measured
 * behind those already corrected. Gives the largest shift of each operator relative to the largest mean.
 */
export async function correctBiases(model: Model, operators: readonly Correctable[], data: CalibrationData, ctx: PassContext): Promise<Map<Operator, number>> {
  const { graph } = model;
  const before = new Set(graph.nodes);
  const stages = operators.map(({ written: { core } }) => ({ observe: [readerOf(core.output)], changes: [core] }));
  const extra = [...graph.nodes].filter((n) => !before.has(n));
  const shifts = new Map<Operator, number>();
  const calibration = await Calibration.open(model, stages, samplesOf(model, data, ctx.signal), ctx);
  try {
    for (const [index, { operator, written, mean }] of operators.entries()) {
      ctx.progress(index, operators.length, 'biases');
      const [found] = await calibration.observe(index, () => channelMeans(operator.kind === 'conv' ? 1 : -1));
      const shift = mean.map((m, c) => m - found![c]!); // a stage observes one value
      const bias = Float64Array.from(biasOf(operator), (b, c) => b + (shift[c] ?? 0));
      if (written.bias) setConstant(written.bias.codes, biasCodes(bias, written.bias.scales));
      else {
        const { node, index: at, tensor } = operator.bias!; // what is correctable has a bias
        node.setInput(at, graph.addInitializer(`${node.inputs[at]?.name ?? 'bias'}_corrected`, float32s(tensor!.dims, Float32Array.from(bias))));
      }
      shifts.set(operator, largest(shift) / largest(mean));
    }
  } finally {
    await calibration.dispose();
    for (const node of extra) graph.remove(node);
  }
  return shifts;

  function setConstant(value: Value, tensor: ReturnType<typeof biasCodes>): void {
    if (value.isConstant()) graph.setConstant(value, tensor);
  }
}

const largest = (values: Float64Array): number => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
