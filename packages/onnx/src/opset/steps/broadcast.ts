import { attr } from '../../ir/attr.ts';
import type { Step } from '../raising.ts';

/* Before opset 7 an operand spread over the other where attributes said so, and along which axis. */

/** Two operands of which the second lies along the dimensions of the first from `axis` on; the last ones where nothing is said. */
export const operands: Step = (r) => {
  const spreads = r.int('broadcast', 0) !== 0 && r.has('axis');
  const axis = r.int('axis', -1);
  r.drop('axis', 'broadcast');
  const [a, b] = r.node.inputs;
  if (!spreads || !b) return;
  if (a?.rank === undefined || b.rank === undefined) return r.refuse('spreads an operand along an axis, and ranks are not known. Give the model\'s inputs their shapes.');
  const from = axis < 0 ? axis + a.rank : axis;
  const behind = a.rank - from - b.rank;
  if (behind > 0) r.setInput(1, r.add('Unsqueeze', [b], { axes: attr.ints(Array.from({ length: behind }, (_, i) => b.rank! + i)) }));
};

/** A slope per channel, which from here on has to lie along the last dimensions. */
export const slope: Step = (r) => {
  const [x, s] = r.node.inputs;
  if (!s || s.dims?.length === 0 || s.dims?.[0] === 1) return;
  if (x?.rank === undefined || s.rank === undefined) return r.refuse('has a slope per channel, and how many dimensions stand behind the channel is not known. Give the model\'s inputs their shapes.');
  if (s.rank === 1 && x.rank > 2) r.setInput(1, r.add('Unsqueeze', [s], { axes: attr.ints(Array.from({ length: x.rank - 2 }, (_, i) => i + 1)) }));
};
