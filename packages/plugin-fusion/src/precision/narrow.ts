import { castTensor, countOf, findOverflow, float32sOf, type Tensor } from '@onnxpress/core';

export type HalfType = 'float16' | 'bfloat16';

/** The squared error relative to the tensor's own square that storing it in half precision may bring: rounding to 8 bits of mantissa brings a few 1e-6. */
const TOLERABLE = 1e-4;

/** Tensors up to here are looked at number by number: an epsilon that becomes 0 is no rounding. */
const SMALL = 64;

/** Why a constant must not be stored in that type; undefined where it may. */
export function reasonAgainst(tensor: Tensor, to: HalfType): string | undefined {
  const beyond = findOverflow(tensor, to);
  if (beyond) return `holds ${beyond.value} at index ${beyond.index}, which ${to} cannot hold`;
  if (countOf(tensor.dims) > SMALL) return undefined;
  const [was, is] = [float32sOf(tensor), float32sOf(castTensor(tensor, to))];
  const lost = was.findIndex((x, i) => x !== 0 && Number.isFinite(x) && ((is[i]! - x) / x) ** 2 > TOLERABLE);
  return lost < 0 ? undefined : `holds ${was[lost]}, which ${to} makes ${is[lost]}`;
}
