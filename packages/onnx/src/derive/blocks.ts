import { blockSizes, checkFinite, NonFiniteError, quantizeBlocks, streamBlocks, type BlockMode, type BlockShape, type StoredFloat } from '@onnxpress/kernels';
import { OnnxError } from '../error.ts';
import { bitsOf, type DType } from '../ir/dtype.ts';
import { memoryTensor, type Tensor } from '../ir/tensor.ts';
import { float32sOf } from '../ir/values.ts';
import { piecesOf } from '../ir/pieces.ts';
import { isStored } from '../io/stored-tensor.ts';
import { derived, type Derivation } from './derive.ts';

export interface BlockTensors {
  /** uint8 [N, blocks, block · bits / 8]. */
  readonly codes: Tensor;
  /** float32 [N · blocks]. */
  readonly scales: Tensor;
  /** uint8 [N · ceil(blocks · bits / 8)], of asymmetric codes; the others have the same zero point everywhere. */
  readonly zeroPoints: Tensor | undefined;
}

const STREAMED: ReadonlySet<DType> = new Set<DType>(['float32', 'float16', 'bfloat16']);

/** Below it a tensor is quantized faster than a worker is told of it. */
const SMALL_BYTES = 64 * 1024;

/**
 * The inputs of MatMulNBits for a weight, computed when they are read or written: from file to file by the workers where the weight lies in a file, so
 * that memory holds pieces of it only. `name` is for messages: reading or writing throws `unsupported` with the first index of a NaN or an infinity.
 */
export function quantizedBlocks(name: string, weight: Tensor, options: Omit<BlockShape, 'rows' | 'columns'> & { readonly mode: BlockMode }): BlockTensors {
  const [rows, columns] = weight.dims;
  if (rows === undefined || columns === undefined || weight.dims.length !== 2) throw new OnnxError('unsupported', `Weight "${name}" has ${weight.dims.length} dimensions, and blocks are made of matrices.`);
  const shape = { ...options, rows, columns };
  const { n, blocks, codeBytes, zeroBytes } = blockSizes(shape);
  const outputs = {
    codes: { dtype: 'uint8', dims: [n, blocks, codeBytes / blocks] },
    scales: { dtype: 'float32', dims: [n * blocks] },
    zeroPoints: { dtype: 'uint8', dims: [n * zeroBytes] },
  } as const;
  const made = derived<keyof typeof outputs>({
    outputs,
    compute() {
      try {
        const { codes, scales, zeroPoints } = quantizeBlocks(float32sOf(weight), shape);
        return { codes, scales, zeroPoints: zeroPoints ?? new Uint8Array(n * zeroBytes) };
      } catch (e) {
        throw e instanceof NonFiniteError ? nonFinite(name, weight) : e;
      }
    },
    stream: streamOf(),
  });
  return { codes: made.codes, scales: made.scales, zeroPoints: options.mode === 'asymmetric' ? made.zeroPoints : undefined };

  function streamOf(): Derivation<keyof typeof outputs>['stream'] {
    if (!isStored(weight) || !('descriptor' in weight.source) || !STREAMED.has(weight.dtype) || weight.byteLength < SMALL_BYTES) return undefined;
    const { offset: position, source } = weight;
    const { descriptor } = source as { readonly descriptor: number }; // asked for above
    return (targets) => {
      const work = streamBlocks({ descriptor, position }, weight.dtype as StoredFloat, shape, targets); // STREAMED
      return {
        tasks: work.tasks,
        scratch: work.scratch,
        check(values) {
          if (work.nonFinite(values)) throw nonFinite(name, weight);
        },
      };
    };
  }
}

/** Where the first NaN or infinity of a float tensor is, read piece by piece; undefined where there is none. */
export function findNonFinite(tensor: Tensor): { readonly index: number; readonly value: number } | undefined {
  let before = 0;
  for (const piece of piecesOf(tensor)) {
    const part = float32sOf(memoryTensor(tensor.dtype, [(piece.length * 8) / bitsOf(tensor.dtype)], piece));
    const at = checkFinite(part);
    if (at >= 0) return { index: before + at, value: part[at]! };
    before += part.length;
  }
  return undefined;
}

function nonFinite(name: string, weight: Tensor): OnnxError {
  const found = findNonFinite(weight);
  if (found) return new OnnxError('unsupported', `Weight "${name}" holds ${found.value} at index ${found.index}, so no scale can be found for it. Exclude it, or repair the model.`);
  return new OnnxError('unsupported', `Weight "${name}" held a NaN or an infinity when it was read first. Do not change a model's files while they are in use.`);
}
