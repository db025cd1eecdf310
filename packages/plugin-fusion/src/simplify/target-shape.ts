import { sameDim, type Dim } from '@onnxpress/core';

/**
 * The constant that makes Reshape turn `from` into `to` in every run: 0 copies a size from its own place, and -1 takes what is left of the elements.
 * undefined where two sizes are left.
 */
export function shapeConstant(from: readonly Dim[] | undefined, to: readonly Dim[]): readonly number[] | undefined {
  const entries = to.map((d, i) => {
    if (sameDim(d, from?.[i])) return typeof d === 'number' && d !== 0 ? d : 0;
    return typeof d === 'number' && d !== 0 ? d : -1;
  });
  if (to.some((d, i) => d === 0 && !sameDim(d, from?.[i]))) return undefined;
  return entries.filter((e) => e === -1).length <= 1 ? entries : undefined;
}
