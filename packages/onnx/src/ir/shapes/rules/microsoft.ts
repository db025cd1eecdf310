import type { DType } from '../../dtype.ts';
import { axisOf } from '../../grid/grid.ts';
import type { Dim, ValueType } from '../../types.ts';
import { each, same, tensor, unknowns, withDim, type Dims, type Facts, type Rule, type Rules } from '../facts.ts';
import { normalization } from './elementwise.ts';
import { convolution, globalPooling, pooling } from './convolution.ts';
import { fusedProduct, gemm, product } from './linear.ts';
import { dequantize, quantize } from './quantization.ts';
import { recurrent } from './recurrent.ts';
import { reduction } from './reduction.ts';
import { SELECTION } from './selection.ts';

/** SkipLayerNormalization: the result, two statistics, and the sum that went in. */
const skipNormalization: Rule = (f) => {
  const dims = f.dims(0);
  const statistics = tensor('float32', dims && [...dims.slice(0, -1), 1]);
  return [f.type(0), statistics, statistics, f.type(0)];
};

/** Rows of input 0 times a packed matrix with N columns. */
const packedProduct: Rule = (f) => {
  const dims = f.dims(0);
  return tensor(f.dtype(0), dims && [...dims.slice(0, -1), f.node.int('N') ?? null]);
};

const gatherBlocks: Rule = (f) => {
  const [dims, indices] = [f.dims(0), f.dims(1)];
  const axis = dims && f.axis('gather_axis', 0, dims.length);
  if (!dims || !indices || axis === undefined) return tensor(f.dtype(2), undefined);
  const perByte = f.dtype(0) === 'uint8' ? 8 / f.node.int('bits', 4) : 1;
  const wide = withDim(dims, dims.length - 1, f.sizes.mul(dims.at(-1) ?? null, perByte));
  return tensor(f.dtype(2), [...wide.slice(0, axis), ...indices, ...wide.slice(axis + 1)]);
};

const embedding = (words: number, output: (f: Facts) => DType | undefined): Rule => (f) => {
  const [batch, sequence, hidden] = [f.dim(0, 0), f.dim(0, 1), f.dim(words, 1)];
  const out = tensor(output(f), [batch, sequence, hidden]);
  return [out, tensor('int32', [batch]), out];
};

/** Attention on one projection of everything: input [batch, sequence, width], weights [width, 3 * hidden]. */
const attention =
  (result: (f: Facts) => DType | undefined, past: number): Rule =>
  (f) => {
    const { sizes } = f;
    const sizesOfParts = f.node.ints('qkv_hidden_sizes');
    const dtype = result(f);
    const hidden = sizesOfParts?.[2] ?? sizes.divideExactly(f.dim(1, 1), 3);
    const [batch, sequence] = [f.dim(0, 0), f.dim(0, 1)];
    const heads = f.node.int('num_heads') ?? null;
    const head = heads === null ? null : sizes.divideExactly(sizesOfParts?.[0] ?? hidden, heads);
    const total = f.has(past) ? (f.node.int('past_present_share_buffer', 0) !== 0 ? null : sizes.add(f.dim(past, 3), sequence)) : sequence;
    return [tensor(dtype, [batch, sequence, hidden]), tensor(dtype, [2, batch, heads, total, head])];
  };

/** Query, key and value apart, or packed: [batch, sequence, heads, 3, head]. */
const multiHead: Rule = (f) => {
  const { sizes } = f;
  const dtype = f.dtype(0);
  const [q, k, v] = [f.dims(0), f.dims(1), f.dims(2)];
  const heads = f.node.int('num_heads') ?? null;
  if (!q) return [tensor(dtype, unknowns(3)), tensor(dtype, unknowns(4)), tensor(dtype, unknowns(4))];
  const [batch, sequence] = [q[0] ?? null, q[1] ?? null];
  if (q.length === 5) return tensor(dtype, [batch, sequence, sizes.mul(q[2]!, q[4]!)]);
  const width = q[2] ?? null;
  const head = heads === null ? null : sizes.divideExactly(width, heads);
  const valueWidth = v?.length === 3 ? v[2]! : v?.length === 4 ? sizes.mul(v[1]!, v[3]!) : f.has(2) ? null : width;
  const valueHead = heads === null ? null : sizes.divideExactly(valueWidth, heads);
  const length = k?.length === 3 || k?.length === 5 ? k[1]! : k?.length === 4 ? k[2]! : null;
  const total = f.has(8) || f.has(9) || k?.length === 4 ? null : f.has(6) ? sizes.add(f.dim(6, 2), length) : length;
  return [tensor(dtype, [batch, sequence, valueWidth]), tensor(dtype, [batch, heads, total, head]), tensor(dtype, [batch, heads, total, valueHead])];
};

/** The cache may be a buffer that is larger than what it holds, so the length of what comes out is not known. */
const groupQuery: Rule = (f) => {
  const { sizes } = f;
  const q = f.dims(0);
  const [heads, keyHeads] = [f.node.int('num_heads') ?? null, f.node.int('kv_num_heads') ?? null];
  const packed = !f.has(1);
  const width = q?.[2] ?? null;
  const head = heads === null || keyHeads === null ? null : sizes.divideExactly(width, packed ? heads + 2 * keyHeads : heads);
  const out: Dims = q?.length === 3 ? [q[0]!, q[1]!, packed ? sizes.mul(head, heads) : width] : undefined;
  const cache = (past: number): ValueType | undefined => tensor(f.dtype(past) ?? f.dtype(0), [q?.[0] ?? null, keyHeads, null, f.has(past) ? f.dim(past, 3) : head]);
  return [tensor(f.dtype(0), out), cache(3), cache(4)];
};

const quantizedBinary: Rule = (f) => tensor(f.dtype(0), f.broadcast(f.dims(0), f.dims(3)));

const quantizedConcat: Rule = (f) => {
  const all = Array.from({ length: Math.floor((f.node.inputs.length - 2) / 3) }, (_, i) => f.dims(2 + 3 * i));
  const rank = all.find((d) => d)?.length;
  const axis = rank === undefined ? undefined : f.axis('axis', 0, rank);
  const dims = axis === undefined ? undefined : Array.from({ length: rank! }, (_, i): Dim => (i === axis ? f.sizes.sum(all.map((d) => d?.[i] ?? null)) : (all.find((d) => d)?.[i] ?? null)));
  return tensor(f.dtype(2), dims);
};

const halvedLast: Rule = (f) => {
  const dims = f.dims(0);
  return tensor(f.dtype(0), dims && withDim(dims, dims.length - 1, f.sizes.divideExactly(dims.at(-1) ?? null, 2)));
};

const expandDims: Rule = (f) => {
  const dims = f.dims(0);
  const at = f.numbers(1)?.[0];
  const axis = dims && at !== undefined ? axisOf(at, dims.length + 1) : undefined;
  return tensor(f.dtype(0), axis === undefined ? dims && unknowns(dims.length + 1) : [...dims!.slice(0, axis), 1, ...dims!.slice(axis)]);
};

export const MICROSOFT: Rules = {
  ...each(
    `BiasGelu FastGelu Gelu QuickGelu BiasAdd BiasSoftmax GroupNorm RotaryEmbedding MoE QMoE Inverse ScaledSiLU ComplexMul ComplexMulConj Trilu
     QLinearLeakyRelu QLinearSigmoid QLinearSoftmax`,
    same,
  ),
  ...each('SkipLayerNormalization SkipSimplifiedLayerNormalization', skipNormalization),
  SimplifiedLayerNormalization: normalization('trailing', 1),
  BiasDropout: (f) => [f.type(0), tensor('bool', f.dims(0))],
  BiasSplitGelu: halvedLast,
  SkipGroupNorm: (f) => [f.type(0), f.type(0)],
  ...each('FusedMatMul TransposeMatMul FusedMatMulActivation', fusedProduct),
  FusedGemm: gemm((f) => f.dtype(0)),
  GemmFastGelu: product(0, 1, (f) => f.dtype(0)),
  ...each('MatMulNBits MatMulBnb4', packedProduct),
  MatMulFpQ4: (f) => tensor(f.dtype(0), f.dims(0) && [...f.dims(0)!.slice(0, -1), f.sizes.known(f.contents(2)?.[1] ?? null)]),
  GatherBlockQuantized: gatherBlocks,
  DynamicQuantizeMatMul: product(0, 1, (f) => f.dtype(0)),
  MatMulIntegerToFloat: product(0, 1, (f) => f.dtype(2)),
  MatMulInteger16: product(0, 1, () => 'int32'),
  QGemm: gemm((f) => (f.has(8) ? f.dtype(8) : f.dtype(1)), [0, 3]),
  ...each('QLinearAdd QLinearMul', quantizedBinary),
  QLinearConcat: quantizedConcat,
  QLinearWhere: (f) => tensor(f.dtype(1), f.broadcast(f.dims(0), f.dims(1), f.dims(4))),
  QLinearConv: convolution(0, 3, (f) => f.dtype(7)),
  QLinearAveragePool: pooling(),
  QLinearGlobalAveragePool: globalPooling,
  QLinearReduceMean: reduction,
  FusedConv: convolution(0, 1, (f) => f.dtype(0)),
  ...each('NhwcConv NhwcFusedConv', convolution(0, 1, (f) => f.dtype(0), 'last')),
  NhwcMaxPool: pooling('last'),
  EmbedLayerNormalization: embedding(2, (f) => f.dtype(2)),
  QEmbedLayerNormalization: embedding(2, () => 'float32'),
  Attention: attention((f) => f.dtype(0), 4),
  QAttention: attention((f) => f.dtype(3), 8),
  MultiHeadAttention: multiHead,
  GroupQueryAttention: groupQuery,
  DynamicQuantizeLSTM: recurrent,
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  MulInteger: (f) => tensor('int32', f.broadcast(f.dims(0), f.dims(2))),
  ReduceSumInteger: (f) => withDtype(reduction(f), 'int32'),
  ExpandDims: expandDims,
  IsAllFinite: () => tensor('bool', []),
  MurmurHash3: (f) => tensor(f.node.int('positive', 1) !== 0 ? 'uint32' : 'int32', f.dims(0)),
  NGramRepeatBlock: (f) => f.type(1),
  CDist: (f) => tensor(f.dtype(0), [f.dim(0, 0), f.dim(1, 0)]),
  Pad: SELECTION['Pad']!,
  TorchEmbedding: (f) => tensor(f.dtype(0), f.dims(1) && [...f.dims(1)!, f.dim(0, 1)]),
  SparseToDenseMatMul: (f) => tensor(f.dtype(1), [f.dim(0, f.node.int('transA', 0) !== 0 ? 1 : 0), f.dim(1, f.node.int('transB', 0) !== 0 ? 0 : 1)]),
  BitmaskDropout: (f) => [f.type(0)],
};

const withDtype = (type: ReturnType<Rule>, dtype: DType): ValueType | undefined => (type && 'dims' in type ? tensor(dtype, type.dims) : undefined);
