import { blockSizes, encodeBlocks, KernelError, NonFiniteError, quantizeBlocks, streamBlocks, toFloat16, type BlockGrids, type BlockOptions, type EncodeBlocksOptions } from '@onnxpress/kernels';
import { OnnxError } from '../error.ts';
import type { Tensor } from '../ir/tensor.ts';
import { float32sOf } from '../ir/values.ts';
import { derived, type Derivation } from './derive.ts';
import { matrixOf, streamable } from './floats.ts';
import { nonFinite } from './non-finite.ts';

export interface BlockTensors {
  /** uint8 [N, blocks, block · bits / 8]. */
  readonly codes: Tensor;
  /** float32, or float16 where that was asked for, [N · blocks]. */
  readonly scales: Tensor;
  /** uint8 [N · ceil(blocks · bits / 8)], of asymmetric codes; the others have the same zero point everywhere. */
  readonly zeroPoints: Tensor | undefined;
}

/**
 * The inputs of MatMulNBits for a weight, computed when they are read or written: from file to file by the workers where the weight lies in a file, so
 * that memory holds pieces of it only. `name` is for messages: reading or writing throws `unsupported` with the first index of a NaN or an infinity, or
 * where a scale is beyond float16 and is to be stored so.
 */
export function quantizedBlocks(name: string, weight: Tensor, options: Omit<BlockOptions, 'rows' | 'columns'>): BlockTensors {
  const shape = { ...options, ...matrixOf(name, weight) };
  const half = options.scales === 'float16';
  const { n, blocks, codeBytes, zeroBytes } = blockSizes(shape);
  const outputs = {
    codes: { dtype: 'uint8', dims: [n, blocks, codeBytes / blocks] },
    scales: { dtype: half ? 'float16' : 'float32', dims: [n * blocks] },
    zeroPoints: { dtype: 'uint8', dims: [n * zeroBytes] },
  } as const;
  const made = derived<keyof typeof outputs>({
    outputs,
    compute() {
      try {
        const { codes, scales, zeroPoints } = quantizeBlocks(float32sOf(weight), shape);
        return { codes, scales: half ? toFloat16(scales) : scales, zeroPoints: zeroPoints ?? new Uint8Array(n * zeroBytes) };
      } catch (e) {
        throw named(e, name, weight);
      }
    },
    stream: streamOf(),
  });
  return { codes: made.codes, scales: made.scales, zeroPoints: options.mode === 'asymmetric' ? made.zeroPoints : undefined };

  function streamOf(): Derivation<keyof typeof outputs>['stream'] {
    const source = streamable(weight);
    if (!source) return undefined;
    return (targets) => {
      const work = streamBlocks(source.range, source.form, shape, targets);
      return {
        tasks: work.tasks,
        scratch: work.scratch,
        check(values) {
          if (work.nonFinite(values)) throw nonFinite(name, weight);
          if (work.scaleTooLarge(values)) throw scaleTooLarge(name);
        },
      };
    };
  }
}

/**
 * The codes of a weight for given scales and zero points, in the layout that `quantizedBlocks` has; computed when they are read. Reading throws `unsupported`
 * with the first index of a NaN or an infinity.
 */
export function encodedBlocks(name: string, weight: Tensor, grids: BlockGrids, options: Omit<EncodeBlocksOptions, 'rows' | 'columns'>): Tensor {
  const shape = { ...options, ...matrixOf(name, weight) };
  const { n, blocks, codeBytes } = blockSizes(shape);
  return derived<'codes'>({
    outputs: { codes: { dtype: 'uint8', dims: [n, blocks, codeBytes / blocks] } },
    compute() {
      try {
        return { codes: encodeBlocks(float32sOf(weight), grids, shape) };
      } catch (e) {
        throw named(e, name, weight);
      }
    },
  }).codes;
}

/** What a kernel refused, with the weight's name. */
function named(error: unknown, name: string, weight: Tensor): unknown {
  if (error instanceof NonFiniteError) return nonFinite(name, weight);
  return error instanceof KernelError && error.code === 'out-of-range' ? scaleTooLarge(name) : error;
}

const scaleTooLarge = (name: string): OnnxError => new OnnxError('unsupported', `Weight "${name}" has values too large for a scale in float16, whose largest number is 65504. Store its scales as float32, exclude it, or repair the model.`);
