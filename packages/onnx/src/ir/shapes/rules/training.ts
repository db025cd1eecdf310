import type { Rule, Rules } from '../facts.ts';

/** Inputs: rate, step, then `lists` lists of equal length. Outputs: the new form of the lists named by their places. */
const update =
  (lists: number, changed: readonly number[]): Rule =>
  (f) => {
    const count = (f.node.inputs.length - 2) / lists;
    return changed.flatMap((list) => Array.from({ length: Math.floor(count) }, (_, i) => f.type(2 + list * count + i)));
  };

/** Optimizer steps: what goes in as a weight or a moment comes out in the same shape. */
export const TRAINING: Rules = {
  Adagrad: update(3, [0, 2]),
  Momentum: update(3, [0, 2]),
  Adam: update(4, [0, 2, 3]),
};
