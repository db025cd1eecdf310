import { attr } from '../../ir/attr.ts';
import { codeOf, dtypeOfText } from '../../ir/dtype.ts';
import type { Step } from '../raising.ts';

/* What is said in other words, or was meant where nothing was said. */

export const dropping = (...names: readonly string[]): Step => (r) => r.drop(...names);

export const renaming = (from: string, to: string): Step => (r) => {
  const a = r.node.attrs.get(from);
  if (!a) return;
  r.drop(from);
  r.set(to, a);
};

/** An integer that was meant where nothing was said. */
export const meantInt = (name: string, value: number): Step => (r) => {
  if (!r.has(name)) r.set(name, attr.int(value));
};

export const meantText = (name: string, value: string): Step => (r) => {
  if (!r.has(name)) r.set(name, attr.string(value));
};

/** The constants of Selu had fewer digits. */
export const shortSelu: Step = (r) => {
  if (!r.has('alpha')) r.set('alpha', attr.float(1.6732));
  if (!r.has('gamma')) r.set('gamma', attr.float(1.0507));
};

/** "FLOAT" → 1. */
export const castByNumber: Step = (r) => {
  const name = r.text('to', '');
  const dtype = dtypeOfText(name.toLowerCase()) ?? r.refuse(`casts to "${name}", which is no type. Correct the model.`);
  r.set('to', attr.int(codeOf(dtype)));
};

/** bilinear → linear, bicubic → cubic. */
export const gridModes: Step = (r) => {
  const mode = r.text('mode', 'bilinear');
  r.set('mode', attr.string({ bilinear: 'linear', bicubic: 'cubic' }[mode] ?? mode));
};

/** Under its new name. */
export const calledNow = (opType: string): Step => (r) => r.become(opType, r.node.inputs);

/** How many parts, where their sizes are not given. */
export const countParts: Step = (r) => {
  if (!r.input(1)) r.set('num_outputs', attr.int(r.node.outputs.length));
};

export const never = (why: string): Step => (r) => r.refuse(why);

/** One after the other. */
export const both = (...steps: readonly Step[]): Step => (r) => {
  for (const step of steps) step(r);
};
