import { attr } from '../../ir/attr.ts';
import type { Step } from '../raising.ts';

/** From here on Reshape can be told that 0 is a size. */
const ALLOW_ZERO = 14;

/** Before opset 13 everything from the axis on counted as one dimension; from then on the axis alone does. */
export const alongOneAxis: Step = (r) => {
  const [x] = r.node.inputs;
  const axis = r.int('axis', 1);
  const rank = x?.rank;
  const from = axis < 0 && rank !== undefined ? axis + rank : axis;
  if (from === -1) return r.set('axis', attr.int(-1));
  if (rank !== undefined && from < rank) {
    const long = x!.dims!.flatMap((d, i) => (i >= from && d !== 1 ? [i] : []));
    const only = long[0] ?? rank - 1;
    if (long.length <= 1) return r.set('axis', attr.int(only === rank - 1 ? -1 : only));
  }
  const shape = r.add('Shape', [x]);
  r.setInput(0, r.add('Flatten', [x], { axis: attr.int(axis) }));
  r.set('axis', attr.int(-1));
  r.behind((flat) => r.add('Reshape', [flat, shape], r.to >= ALLOW_ZERO ? { allowzero: attr.int(1) } : {}));
};
