import { contentsOf, integersOf, nodeRule, type Dim, type Node } from '@onnxpress/core';
import { isAll, sameShape } from '../numbers.ts';

/** Ends from here on mean "to the last element": no dimension is larger. */
const NO_END = 2 ** 31 - 1;

const listOf = (node: Node, name: string, index: number): readonly Dim[] | undefined => integersOf(node, name) ?? (node.inputs[index] && contentsOf(node.inputs[index]));

/** Slice that takes everything. */
export const sliceOfAll = nodeRule('slice-of-all', {
  operators: ['Slice'],
  depth: 1,
  apply(node) {
    const [x] = node.inputs;
    if (!x) return 'it has no input';
    const [starts, ends] = [listOf(node, 'starts', 1), listOf(node, 'ends', 2)];
    const steps = listOf(node, 'steps', 4);
    const forward = steps ? steps.every((s) => s === 1) : node.inputs[4] === undefined;
    if (!forward) return 'its steps are not 1';
    const open = starts?.every((s) => s === 0) && ends?.every((e) => typeof e === 'number' && e >= NO_END);
    return open || sameShape(x, node.output) ? x : 'it may leave something out';
  },
});

/** Pad by nothing. */
export const padByNothing = nodeRule('pad-by-nothing', {
  operators: ['Pad'],
  depth: 1,
  apply(node) {
    const [x, pads] = node.inputs;
    const given = pads ? contentsOf(pads) : (node.ints('pads') ?? node.ints('paddings'));
    return x && given?.every((p) => p === 0) ? x : 'it pads';
  },
});

/** Tile by ones. */
export const tileByOnes = nodeRule('tile-by-ones', {
  operators: ['Tile'],
  depth: 1,
  apply(node) {
    const [x, repeats] = node.inputs;
    return x && node.inputs.length === 2 && isAll(repeats, 1) ? x : 'it repeats';
  },
});
