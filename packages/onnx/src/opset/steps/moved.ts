import type { Attr } from '../../ir/attr.ts';
import { int64s, numbersOf, scalar, tensorOf } from '../../ir/values.ts';
import type { Value } from '../../ir/graph.ts';
import type { Raising, Step } from '../raising.ts';

/* What was an attribute and became an input. */

const ints = (a: Attr): ReturnType<typeof int64s> | undefined => (a.type === 'ints' ? int64s(a.value) : undefined);

/** A list of integers to the input in that place. */
export const intsToInput = (name: string, index: number): Step => (r) => {
  const value = r.moved(name, ints);
  if (value) r.setInput(index, value);
};

/** `axes`, of which an empty list says what no list says. */
export const axesToInput: Step = (r) => {
  const a = r.node.attrs.get('axes');
  if (a?.type === 'ints' && a.value.length === 0) r.drop('axes');
  else intsToInput('axes', 1)(r);
};

/** starts, ends and axes. */
export const sliceToInputs: Step = (r) => {
  ['starts', 'ends', 'axes'].forEach((name, i) => intsToInput(name, i + 1)(r));
};

/** k, a list of one. */
export const topKToInput: Step = (r) => {
  const isReference = r.node.attrs.get('k')?.type === 'ref';
  const k = r.moved('k', (a) => (a.type === 'int' ? int64s([a.value]) : undefined));
  if (k) r.setInput(1, isReference ? r.add('Reshape', [k, r.constant(int64s([1]))]) : k);
};

/** The axis, which was 1 where nothing was said and would be the last of the signal. */
export const transformAxisToInput: Step = (r) => {
  r.setInput(2, r.moved('axis', (a) => (a.type === 'int' ? scalar('int64', a.value) : undefined)) ?? r.constant(scalar('int64', 1)));
};

/** The ratio; nothing is dropped at inference whatever it is. Before, nobody said what the mask holds. */
export const dropoutToInput: Step = (r) => {
  if (r.node.outputs[1]?.isUnused === false) return r.refuse('gives out its mask, which has another meaning from opset 12 on. Remove what reads the mask.');
  const ratio = r.moved('ratio', (a) => (a.type === 'float' ? scalar('float32', a.value) : undefined));
  if (ratio) r.setInput(1, ratio);
};

/** Largest float32, where the bounds of Clip lay when nothing was said. */
const LARGEST = 3.4028234663852886e38;

/** The bounds. What float64 holds beyond float32 was cut off unless told. */
export const clipToInputs: Step = (r) => {
  ([['min', 1, -LARGEST], ['max', 2, LARGEST]] as const).forEach(([name, index, usual]) => {
    const bound = numberLikeInput(r, name) ?? (r.dtype(0) === 'float64' ? r.constant(scalar('float64', usual)) : undefined);
    if (bound) r.setInput(index, bound);
  });
};

/** The pads and what fills them. */
export const padToInputs: Step = (r) => {
  intsToInput('pads', 1)(r);
  const a = r.node.attrs.get('value');
  if (a?.type === 'float' && Object.is(a.value, 0)) return r.drop('value');
  const value = numberLikeInput(r, 'value');
  if (value) r.setInput(2, value);
};

/** A float attribute as a scalar of the type of the first input. */
function numberLikeInput(r: Raising, name: string): Value | undefined {
  const dtype = r.dtype(0) ?? 'float32';
  const value = r.moved(name, (a) => (a.type === 'float' ? scalar(dtype, a.value) : undefined));
  return value && r.like(value, 0);
}

/** The sizes of the parts, which once were an input and then an attribute. */
export const splitToAttribute: Step = (r) => {
  const sizes = r.input(1);
  if (!sizes) return;
  const given = sizes.constant ?? r.refuse(`takes the sizes of its parts from "${sizes.name}", which has to be constant. Make it one.`);
  r.setInput(1, undefined);
  r.set('split', { type: 'ints', value: [...numbers(given)] });
};

/** How often along one axis → how often along each. */
export const tileAlongAll: Step = (r) => {
  const [x, tiles, axis] = r.node.inputs;
  const rank = x?.rank ?? r.refuse('has an input of unknown rank, and must be told how often to repeat it along each axis. Give the input a shape.');
  if (!tiles?.constant || !axis?.constant) return r.refuse('must be told how often to repeat along each axis, and its "tiles" and "axis" are not constant. Make them so.');
  const [count = 1, at = 0] = [numbers(tiles.constant)[0], numbers(axis.constant)[0]];
  r.setInput(2, undefined);
  r.setInput(1, r.constant(int64s(Array.from({ length: rank }, (_, i) => (i === at ? count : 1)))));
};

/** The scales, one per dimension. */
export const scalesToInput: Step = (r) => {
  const value = r.moved('scales', (a) => (a.type === 'floats' ? tensorOf('float32', [a.value.length], a.value) : undefined));
  if (value) r.setInput(1, value);
};

const numbers = (t: Parameters<typeof numbersOf>[0]): number[] => [...numbersOf(t)];
