import { attr } from '../../ir/attr.ts';
import { codeOf } from '../../ir/dtype.ts';
import type { Value } from '../../ir/graph.ts';
import { int64s, numbersOf, tensorOf } from '../../ir/values.ts';
import type { Step } from '../raising.ts';

/** `is_test`, without which an old file asks for training. */
export const forInference: Step = (r) => {
  if (r.int('is_test', 0) === 0) return r.refuse('is written for training: "is_test" is 0. Set it to 1 where the model is for inference.');
  r.drop('is_test');
};

/** One mean for every position, not only for every channel: every position becomes a channel. */
export const perPosition: Step = (r) => {
  const spatial = r.int('spatial', 1) !== 0;
  r.drop('spatial');
  if (spatial) return;
  const [x, ...parameters] = r.node.inputs;
  const all = r.constant(int64s([-1]));
  const shape = r.add('Shape', [x]);
  r.setInput(0, r.add('Flatten', [x], { axis: attr.int(1) }));
  parameters.forEach((p, i) => r.setInput(i + 1, r.add('Reshape', [p, all])));
  r.behind((flat) => r.add('Reshape', [flat, shape]));
};

/** Statistics that a run computes are for training, and are given out in another way. */
export const withoutStatistics: Step = (r) => {
  const extra = r.node.outputs.slice(1).filter((v) => v.name !== '');
  if (extra.length > 0) return r.refuse('gives out the statistics of a training run, which it does in another way from opset 14 on. Export the model for inference.');
  if (r.node.outputs.length > 1) r.become('BatchNormalization', r.node.inputs, r.node.attrs, 1);
};

/** The mask of a Dropout is bool from here on. */
export const boolMask: Step = (r) => {
  const [, mask] = r.node.outputs;
  if (!mask) return;
  if (!mask.isUnused) return r.refuse('gives out its mask, which is of another type from opset 10 on. Remove what reads the mask.');
  r.become('Dropout', r.node.inputs, r.node.attrs, 1);
};

/** Scale and bias per group → per channel. */
export const perChannel: Step = (r) => {
  const [x, ...parameters] = r.node.inputs;
  const channels = x?.dims?.[1];
  const groups = r.int('num_groups', 1);
  if (typeof channels !== 'number') return r.refuse('takes its scale and bias per group, and per channel from opset 21 on; how many channels there are is not known. Give the input a shape.');
  const each = channels / groups;
  parameters.forEach((p, i) => p && r.setInput(i + 1, spread(p)));
  const dtype = r.dtype(0);
  if (dtype && dtype !== 'float32') r.set('stash_type', attr.int(codeOf(dtype))); // it computed in the type of its input

  function spread(p: Value): Value {
    if (p.constant) return r.constant(tensorOf(p.constant.dtype, [groups * each], [...numbersOf(p.constant)].flatMap((v) => Array.from({ length: each }, () => v))));
    const column = r.add('Reshape', [p, r.constant(int64s([groups, 1]))]);
    const table = r.add('Expand', [column, r.constant(int64s([groups, each]))]);
    return r.add('Reshape', [table, r.constant(int64s([groups * each]))]);
  }
};
