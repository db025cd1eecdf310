import { checkFinite } from '@onnxpress/kernels';
import { OnnxError } from '../error.ts';
import type { Tensor } from '../ir/tensor.ts';
import { floatPiecesOf } from './floats.ts';

/** Where the first NaN or infinity of a float tensor is, read piece by piece; undefined where there is none. */
export function findNonFinite(tensor: Tensor): { readonly index: number; readonly value: number } | undefined {
  for (const { first, floats } of floatPiecesOf(tensor)) {
    const at = checkFinite(floats);
    if (at >= 0) return { index: first + at, value: floats[at]! };
  }
  return undefined;
}

/** The error for a weight that holds a NaN or an infinity, found by a kernel. */
export function nonFinite(name: string, weight: Tensor): OnnxError {
  const found = findNonFinite(weight);
  if (found) return new OnnxError('unsupported', `Weight "${name}" holds ${found.value} at index ${found.index}, so no scale can be found for it. Exclude it, or repair the model.`);
  return new OnnxError('unsupported', `Weight "${name}" held a NaN or an infinity when it was read first. Do not change a model's files while they are in use.`);
}
