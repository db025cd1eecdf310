import { Calibration, Node, OnnxError, samplesOf, together, type Collector, type Dataset, type Model, type PassContext, type Value } from '@onnxpress/core';
import { channelMeans, energy, histograms, sizes, type SeenSize } from './collect.ts';
import { activationsOf } from './paying.ts';
import type { Operator } from './operators.ts';
import { readerOf } from './reader-of.ts';
import type { Grid } from './grid.ts';
import { QdqWriter, type WriterOptions } from './writer.ts';

export type CalibrationData = Extract<Dataset, { readonly kind: 'texts' | 'retrieval' | 'tensors' }>;

/** Operators whose activations are looked at in one run. */
const TOGETHER = 8;

/** What was seen, by the names of values. */
export interface Observed {
  readonly seen: ReadonlyMap<string, SeenSize>;
  /** The mean of each output channel of operators with weights, before what follows them. */
  readonly means: ReadonlyMap<string, Float64Array>;
}

/** One walk through the float model: histograms of what operators read and make, and the means of what weights make. Adds Identity nodes: give it a copy. */
export async function observed(model: Model, operators: readonly Operator[], data: CalibrationData, ctx: PassContext): Promise<Observed> {
  const seen = new Map<string, SeenSize>();
  const means = new Map<string, Float64Array>();
  const taken = new Set<Value>();
  const groups = chunks(operators, TOGETHER).map((group) => {
    const values = [...new Set(group.flatMap((o) => [...activationsOf(o), o.node.output, ...(o.place ? [o.place] : [])]))].filter((v) => !taken.has(v));
    for (const v of values) taken.add(v);
    return { values, stage: { observe: values.map(readerOf), changes: group.map((o) => o.node) } };
  });
  const withBias = new Map(operators.filter((o) => o.bias).map((o) => [o.node.output, o]));
  const ranged = new Set(operators.flatMap((o) => [...activationsOf(o), ...(o.place ? [o.place] : [])])); // of what lies between, only means are needed
  const calibration = await Calibration.open(model, groups.map((g) => g.stage), samplesOf(model, data, ctx.signal), ctx);
  try {
    counted(calibration, ctx);
    for (const [index, { values }] of groups.entries()) {
      ctx.progress(index, groups.length, 'ranges');
      const found = await calibration.observe(index, (v): Collector<readonly [SeenSize, Float64Array]> => {
        const o = withBias.get(v);
        return { ...together(ranged.has(v) ? histograms() : sizes(), o ? channelMeans(o.kind === 'conv' ? 1 : -1) : NOTHING), allowsInfinity: true };
      });
      values.forEach((v, i) => {
        seen.set(v.name, found[i]![0]); // a result for each value
        if (withBias.has(v)) means.set(v.name, found[i]![1]);
      });
    }
  } finally {
    await calibration.dispose();
  }
  return { seen, means };
}

const NOTHING: Collector<Float64Array> = { add() {}, done: () => new Float64Array() };

function counted({ tokens, samples }: Calibration, ctx: PassContext): void {
  ctx.count('calibration batches', samples);
  if (tokens > 0) ctx.count('calibration tokens', tokens);
  if (samples === 0) throw new OnnxError('unsupported', 'The calibration data hold no example, so nothing is known of the activations. Give some tens of typical ones.');
}

/**
 * What each operator loses by itself: decibels of its output in float over what codes of its inputs, its weight and its output add to it, with everything before it in
 * float. Adds nodes: give it a copy.
 */
export async function localErrors(model: Model, operators: readonly Operator[], grids: ReadonlyMap<Value, Grid>, options: WriterOptions, data: CalibrationData, ctx: PassContext): Promise<number[]> {
  const writer = new QdqWriter(model.graph, options);
  const through = new Map<Value, Value>();
  const originals = new Map(operators.map((o) => [o, { result: o.place ?? o.node.output, before: (o.place ?? o.node.output).producer! }] as const)); // nodes make what operators make
  const places = operators.map((o) => {
    const { result, before } = originals.get(o)!; // made just now for each
    const codesOf = (v: Value): Value => {
      const known = through.get(v) ?? writer.throughCodes(v, grids.get(v)!, grids.get(v)!, o.node, v.name); // operators have grids for what they read
      through.set(v, known);
      return known;
    };
    const written = writer.write(o, codesOf, o.place && grids.get(o.place), grids.get(o.node.inputs[o.reads[0]!]!)!.scale, before); // the same
    const difference = model.graph.add(new Node('Sub', [result, written.result]));
    difference.output.infer(result.type);
    return { difference, loss: readerOf(difference.output), node: o.node };
  });
  const groups = chunks(places, TOGETHER);
  const stages = groups.map((group) => ({ observe: group.flatMap(({ difference, loss }) => [{ node: difference, index: 0 }, loss]), changes: group.map((p) => p.node) }));
  const calibration = await Calibration.open(model, stages, samplesOf(model, data, ctx.signal), ctx);
  const decibels: number[] = [];
  try {
    for (const index of groups.keys()) {
      ctx.progress(index, groups.length, 'local errors');
      const sums = await calibration.observe(index, energy);
      for (let i = 0; i < sums.length; i += 2) decibels.push(10 * Math.log10(sums[i]! / sums[i + 1]!)); // in pairs, as asked for
    }
  } finally {
    await calibration.dispose();
  }
  return decibels;
}

const chunks = <T>(all: readonly T[], size: number): T[][] => Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
