import { contentsOf, int64s, nodeRule, sameDim, type Node, type Ops, type Rule, type Value } from '@onnxpress/core';
import { NOT_TRIED } from '../anchored.ts';
import { sameShape, sameSize, sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';

/**
 * Attention within windows, whose mask differs from window to window and not from image to image (Swin): for that mask, scores of [images · windows, heads, …] are taken apart to [images, windows, heads, …] and
 * put together again. Here the mask is repeated for each image instead, so that it is added as any other.
 */
const windowMask = nodeRule('window-mask', {
  operators: ['Reshape'],
  depth: 3,
  grows: 'the mask is repeated once for all images, and attention takes it then',
  apply(node, op) {
    const found = apartOf(node);
    if (typeof found === 'string') return found;
    const { scores, mask, shape, windows } = found;
    const images = imagesOf(scores, shape, windows, op);
    if (!images) return 'how many images there are is not known';
    const times = op.Concat([images, op.constant(int64s([1, 1, 1]))], { axis: 0 });
    return op.Add(scores, op.Tile(op.Squeeze(mask, op.constant(int64s([0]))), times));
  },
});

export const windowMasks = (target: Target): readonly Rule[] => forRuntime(target, [windowMask]);

interface Apart {
  readonly scores: Value;
  readonly mask: Value;
  /** What the scores are taken apart to. */
  readonly shape: Value;
  /** Of one image; undefined where it is no number. */
  readonly windows: number | undefined;
}

function apartOf(node: Node): Apart | string {
  const y = node.output;
  const sum = node.inputs[0]?.producer;
  if (y.rank !== 4 || !sum?.is('Add') || !y.uses.some((u) => u.node.is('Softmax'))) return NOT_TRIED;
  for (const [a, mask] of [sum.inputs, sum.inputs.toReversed()]) {
    const apart = a?.producer;
    const [scores, shape] = apart?.inputs ?? [];
    if (!a || !mask || !scores || !shape || !apart?.is('Reshape') || a.rank !== 5 || mask.rank !== 5) continue;
    if (a.useCount > 1 || a.isOutput || node.inputs[0]!.useCount > 1 || node.inputs[0]!.isOutput) return 'what is apart is also read elsewhere';
    if (!sameShape(scores, y) || ![1, 2, 3].every((i) => sameSize(scores, i, a, i + 1))) return 'it is not known to be put together as it was';
    const fits = sizeOf(mask, 0) === 1 && sameSize(mask, 1, a, 1) && [2, 3, 4].every((i) => sizeOf(mask, i) === 1 || sameSize(mask, i, a, i));
    return fits ? { scores, mask, shape, windows: sizeOf(a, 1) } : `the mask "${mask.name}" is not known to be that of one image`;
  }
  return NOT_TRIED;
}

/** How many images there are, as a list of one. */
function imagesOf(scores: Value, shape: Value, windows: number | undefined, op: Ops<Value>): Value | undefined {
  const [first, one] = [op.constant(int64s([0])), op.constant(int64s([1]))];
  const said = contentsOf(shape)?.[0];
  if (typeof said === 'string') return op.Slice(shape, first, one, first);
  if (typeof said === 'number' && said > 0) return op.constant(int64s([said]));
  const source = windows === undefined ? undefined : sourceOf(scores);
  return source && op.Div(op.Slice(op.Shape(source), first, one, first), op.constant(int64s([windows!]))); // known where there is a source
}

/** What the scores are made of as far back as it has three axes, with the same first. */
function sourceOf(scores: Value): Value | undefined {
  let v: Value | undefined = scores;
  while (v?.rank === 4) v = v.producer?.inputs.find((x) => x && (x.rank === 3 || x.rank === 4) && sameDim(x.dims?.[0], scores.dims?.[0]));
  return v;
}
