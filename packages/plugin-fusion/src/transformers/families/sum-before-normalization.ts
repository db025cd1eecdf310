import { nodeRule, type Node, type Rule, type Value } from '@onnxpress/core';
import { NOT_TRIED } from '../anchored.ts';
import { forRuntime, type Target } from '../target.ts';

/**
 * Sums that are normalized: Sum, which adds three values in one go, and which onnxruntime does not join with the LayerNormalization behind it as it does with Add, to the
 * SkipLayerNormalization that takes 2.5 times as long.
 */
const sumBeforeNormalization = nodeRule('sum-before-normalization', {
  operators: ['Add'],
  depth: 2,
  apply(node, op) {
    const [a, b] = node.inputs;
    if (!a || !b || !isFloat32(node.output)) return NOT_TRIED;
    if (!isNormalized(node.output)) return NOT_TRIED;
    if ([a, b].some((v) => v.producer?.is('Gather'))) return NOT_TRIED;
    const [inner, last] = isOwn(a.producer) ? [a.producer, b] : isOwn(b.producer) ? [b.producer, a] : [];
    if (!inner || !last) return op.Sum([a, b]);
    const [x, y] = inner.inputs;
    return x && y ? op.Sum([x, y, last]) : 'an input is missing';
  },
});

const isFloat32 = (v: Value): boolean => v.type?.kind === 'tensor' && v.type.dtype === 'float32';

/** Whether it is a sum that only one node reads. */
const isOwn = (node: Node | undefined): node is Node => node !== undefined && node.is('Add') && node.output.useCount === 1 && !node.output.isOutput;

/** Whether layer normalization reads the value, as an operator or written out. */
const isNormalized = (v: Value): boolean => v.uses.some(({ node }) => node.is('LayerNormalization')) || ['ReduceMean', 'Sub'].every((name) => v.uses.some(({ node }) => node.is(name)));

export const sumsBeforeNormalization = (target: Target): readonly Rule[] => forRuntime(target, [sumBeforeNormalization]);
