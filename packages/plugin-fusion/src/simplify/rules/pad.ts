import { integersOf, nodeRule, type Node, type Value } from '@onnxpress/core';
import { uniformOf } from '../numbers.ts';

/** Zeros that a Pad puts around the spatial axes: the convolution, or the average over its padding, can do it itself. */
export const padIntoWindow = nodeRule('pad-into-window', {
  operators: ['Conv', 'AveragePool'],
  depth: 2,
  apply(node, op) {
    const padded = node.inputs[0];
    const pad = padded?.producer;
    const x = pad?.inputs[0];
    if (!padded || !pad?.is('Pad') || !x) return 'what it reads is no Pad';
    if (padded.useCount !== 1 || padded.isOutput) return 'the Pad is read elsewhere too';
    const added = spatialPads(pad);
    if (typeof added === 'string') return added;
    if (!['NOTSET', 'VALID'].includes(node.string('auto_pad', 'NOTSET'))) return 'its padding depends on the size of its input';
    const own = node.ints('pads') ?? added.map(() => 0);
    if (own.length !== added.length) return 'its padding has other axes';
    const counted = node.int('count_include_pad', 0) !== 0 || own.every((p) => p === 0);
    if (node.is('AveragePool') && (!counted || node.int('ceil_mode', 0) !== 0)) return 'it does not average over its padding';
    const pads = own.map((p, i) => p + added[i]!); // as many
    const attrs = { ...Object.fromEntries([...node.attrs].filter(([name]) => name !== 'auto_pad')), pads, ...(node.is('AveragePool') ? { count_include_pad: 1 } : {}) };
    return op.call('', node.opType, [x, ...node.inputs.slice(1)], attrs)[0]!; // both have one result
  },
});

/** Activations whose results are not below zero. */
const NOT_NEGATIVE = ['Relu', 'Sigmoid', 'HardSigmoid', 'Softplus', 'Softmax', 'Abs', 'Exp'] as const;
/** Nothing in float32 is less. */
const LOWEST = -3.4028234663852886e38;

/** What a Pad puts around the spatial axes for a maximum that never takes it: the pooling pads so itself. */
export const padIntoMaximum = nodeRule('pad-into-maximum', {
  operators: ['MaxPool'],
  depth: 2,
  apply(node, op) {
    const padded = node.inputs[0];
    const pad = padded?.producer;
    const x = pad?.inputs[0];
    if (!padded || !pad?.is('Pad') || !x) return 'what it reads is no Pad';
    const added = spatialPads(pad, (filling) => neverGreatest(filling, x));
    if (typeof added === 'string') return added;
    if (!['NOTSET', 'VALID'].includes(node.string('auto_pad', 'NOTSET')) || node.int('ceil_mode', 0) !== 0) return 'its padding depends on the size of its input';
    if (node.outputs.length > 1) return 'it tells where the greatest lie';
    const kernel = node.ints('kernel_shape') ?? [];
    const own = node.ints('pads') ?? added.map(() => 0);
    if (own.length !== added.length || kernel.length * 2 !== added.length) return 'its padding has other axes';
    const pads = own.map((p, i) => p + added[i]!); // as many
    if (pads.some((p, i) => p >= kernel[i % kernel.length]!)) return 'a window would see padding only';
    return op.call('', 'MaxPool', [x], { ...Object.fromEntries([...node.attrs].filter(([name]) => name !== 'auto_pad')), pads })[0]!; // without where they lie, it has one result
  },
});

/** Whether no element is less than what fills: it is the least of its type, or zero and `x` is not negative. */
function neverGreatest(filling: number, x: Value): boolean {
  return filling <= LOWEST || (filling === 0 && NOT_NEGATIVE.some((name) => x.producer?.is(name)));
}

/** Begins, then ends, of the spatial axes; or why the Pad does more, or something else. */
function spatialPads(pad: Node, mayFill = (filling: number): boolean => filling === 0): readonly number[] | string {
  if (pad.string('mode', 'constant') !== 'constant' || pad.inputs[3]) return 'it does not pad every axis with a constant';
  const filling = pad.inputs[2];
  const number = filling ? filling.constant && uniformOf(filling.constant) : pad.float('value', 0);
  if (number === undefined || !mayFill(number)) return 'it pads with a number that would count';
  const pads = integersOf(pad, 'pads');
  if (!pads || pads.length < 6 || pads.length % 2 !== 0 || pads.some((p) => p < 0)) return 'its padding is not known, or cuts off';
  const rank = pads.length / 2;
  const outside = [pads[0], pads[1], pads[rank], pads[rank + 1]];
  return outside.some((p) => p !== 0) ? 'it pads samples or channels' : [...pads.slice(2, rank), ...pads.slice(rank + 2)];
}
