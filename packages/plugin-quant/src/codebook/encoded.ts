import { derived, findNonFinite, float32sOf, OnnxError, type Tensor } from '@onnxpress/core';
import { encodeFp4, encodeNf4, NonFiniteError, transpose } from '@onnxpress/kernels';
import type { WeightGroup } from '../blocks/group.ts';

export type Codebook = 'nf4' | 'fp4';

/** How a weight is stored for MatMulBnb4. */
export interface CodebookForm {
  readonly codebook: Codebook;
  /** Numbers that share a largest magnitude: they follow each other in the [N, K] weight, across the ends of rows. */
  readonly block: number;
  /** Whether the magnitudes are stored as bytes (QLoRA, arXiv 2305.14314, double quantization). */
  readonly double: boolean;
}

/** Magnitudes that share a scale when they are stored as bytes. */
export const DOUBLE_BLOCK = 256;

export interface EncodedWeight {
  /** uint8 [ceil(N · K / 2)]: the first code of a byte in its high bits, an odd end padded with the code of zero. */
  readonly codes: Tensor;
  /** float32 [blocks], of a weight whose magnitudes are stored as they are. */
  readonly magnitudes: Tensor;
  /** The magnitudes as bytes: magnitude ≈ byte · scale + offset. */
  readonly bytes: { readonly codes: Tensor; readonly scales: Tensor; readonly offset: Tensor };
}

/** A weight in a code book of sixteen numbers, computed when it is read. Reading throws `unsupported` with the first index of a NaN or an infinity. */
export function encodedWeight({ weight, tensor, n, k, alongRows }: Pick<WeightGroup, 'weight' | 'tensor' | 'n' | 'k' | 'alongRows'>, { codebook, block }: CodebookForm): EncodedWeight {
  const blocks = Math.ceil((n * k) / block);
  const groups = Math.ceil(blocks / DOUBLE_BLOCK);
  const made = derived<'codes' | 'magnitudes' | 'bytes' | 'scales' | 'offset'>({
    outputs: {
      codes: { dtype: 'uint8', dims: [Math.ceil((n * k) / 2)] },
      magnitudes: { dtype: 'float32', dims: [blocks] },
      bytes: { dtype: 'int8', dims: [groups, DOUBLE_BLOCK] },
      scales: { dtype: 'float32', dims: [groups, 1] },
      offset: { dtype: 'float32', dims: [] },
    },
    compute() {
      const stored = float32sOf(tensor);
      const { codes, absMax } = encoded(weight.name, tensor, alongRows ? stored : transpose(stored, k, n), codebook, block);
      return { codes, magnitudes: absMax, ...asBytes(absMax) };
    },
  });
  return { codes: made.codes, magnitudes: made.magnitudes, bytes: { codes: made.bytes, scales: made.scales, offset: made.offset } };
}

function encoded(name: string, tensor: Tensor, w: Float32Array, codebook: Codebook, block: number): ReturnType<typeof encodeNf4> {
  try {
    return (codebook === 'nf4' ? encodeNf4 : encodeFp4)(w, { block });
  } catch (e) {
    const found = e instanceof NonFiniteError ? findNonFinite(tensor) : undefined;
    throw found ? new OnnxError('unsupported', `Weight "${name}" holds ${found.value} at index ${found.index}, so no scale can be found for it. Exclude it, or repair the model.`) : e;
  }
}

/** What is left of the magnitudes without their mean, in blocks, symmetric and narrow: zeros behind the last. */
function asBytes(magnitudes: Float32Array): { bytes: Int8Array; scales: Float32Array; offset: Float32Array } {
  const groups = Math.ceil(magnitudes.length / DOUBLE_BLOCK);
  const offset = Math.fround(magnitudes.reduce((sum, m) => sum + m, 0) / Math.max(1, magnitudes.length));
  const [bytes, scales] = [new Int8Array(groups * DOUBLE_BLOCK), new Float32Array(groups)];
  for (let g = 0; g < groups; g++) {
    const part = magnitudes.subarray(g * DOUBLE_BLOCK, (g + 1) * DOUBLE_BLOCK);
    let largest = 0;
    for (const m of part) largest = Math.max(largest, Math.abs(m - offset));
    scales[g] = largest > 0 ? largest / 127 : 1;
    part.forEach((m, i) => (bytes[g * DOUBLE_BLOCK + i] = Math.min(127, Math.max(-127, Math.round((m - offset) / scales[g]!)))));
  }
  return { bytes, scales, offset: Float32Array.of(offset) };
}

/** Bits that a weight takes in the file, with its magnitudes. */
export const codebookBits = ({ block, double }: CodebookForm): number => 4 + (double ? 8 + 32 / DOUBLE_BLOCK : 32) / block;
