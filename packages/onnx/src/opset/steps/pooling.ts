import { attr } from '../../ir/attr.ts';
import type { Raising, Step } from '../raising.ts';

/** p as a whole number. */
export const wholeNorm: Step = (r) => {
  if (!r.has('p')) return;
  const p = r.float('p', 2);
  if (!Number.isInteger(p)) return r.refuse(`has p = ${p}, and p has to be a whole number from opset 2 on. Build it from Abs, Pow and a pooling.`);
  r.set('p', attr.int(p));
  if (r.node.opType === 'LpPool' && !r.has('kernel_shape')) return r.refuse('has no kernel_shape, which it must have from opset 2 on. Give it one.');
};

/** Padding that is counted: where the last window reaches beyond it, the average is of fewer from opset 19 on. */
export const countedPadding: Step = (r) => {
  if (r.int('count_include_pad', 0) === 0 || r.int('ceil_mode', 0) === 0) return;
  if (!windows(r).every(({ size, kernel, stride, before, after }) => size !== undefined && (size + before + after - kernel) % stride === 0)) {
    r.refuse('rounds its size up and counts the padding, and what lies beyond the padding counts no more from opset 19 on. Give it "ceil_mode: 0" and padding that fits, or do not count the padding.');
  }
};

/** A size that is rounded up: a window that would start in the padding at the end is no longer made from opset 22 on. */
export const noWindowInPadding: Step = (r) => {
  if (r.int('ceil_mode', 0) === 0) return;
  const fits = windows(r).every(({ size, kernel, stride, before, after }) => {
    if (stride + after <= kernel) return true; // the window before the last reaches the end already
    if (size === undefined) return false;
    const count = Math.ceil((size + before + after - kernel) / stride) + 1;
    return (count - 1) * stride < size + before;
  });
  if (!fits) return r.refuse('rounds its size up, and whether its last window would start in the padding is not known: from opset 22 on such a window is not made. Give the input a shape, or give it "ceil_mode: 0" and padding that fits.');
};

interface Window {
  readonly size: number | undefined;
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
  readonly after: number;
}

/** Along each spatial axis, the kernel with its dilation. */
function windows(r: Raising): Window[] {
  const kernel = r.ints('kernel_shape') ?? [];
  const [strides, pads, dilations] = [r.ints('strides'), r.ints('pads'), r.ints('dilations')];
  const dims = r.input(0)?.dims;
  return kernel.map((k, i) => {
    const size = dims?.[i + 2];
    return { size: typeof size === 'number' ? size : undefined, kernel: (k - 1) * (dilations?.[i] ?? 1) + 1, stride: strides?.[i] ?? 1, before: pads?.[i] ?? 0, after: pads?.[i + kernel.length] ?? 0 };
  });
}
