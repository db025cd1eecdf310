import type { Tensor } from '@onnxpress/core';

/**
 * A weight in blocks, as a quantizer gives it to be emitted: weight ≈ (code − zero point) · scale. The tensors may be made lazily; codes and scales are
 * stored as they are, and nothing is derived from them again. N and K are the group's.
 */
export interface BlockWeight {
  /** Bits that a code takes in the file. A quantizer of 3 bits stores 4, with zero points of its own. */
  readonly bits: 2 | 4 | 8;
  /** Weights along K that share a scale: a power of two, 16 or more. */
  readonly block: number;
  /** uint8 [N, blocks, block · bits / 8]: the first code of a byte in its low bits, the last block of a row padded (MatMulNBits). */
  readonly codes: Tensor;
  /** float32 or float16, N · blocks numbers, in any shape. */
  readonly scales: Tensor;
  /** uint8, N · ceil(blocks · bits / 8) bytes, packed like codes; or a float per block, for MatMulNBits only. Without it every zero point is 2^(bits − 1). */
  readonly zeroPoints: Tensor | undefined;
}
