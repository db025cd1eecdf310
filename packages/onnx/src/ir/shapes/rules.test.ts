import { expect, test } from 'vitest';
import { parseGraph } from '../../text/parse.ts';
import { describeType } from '../types.ts';
import { inferTypes } from './infer.ts';

/** The types of y, z … in a graph of these inputs, more inputs or initializers, and nodes. */
function types(inputs: string, nodes: string, more = '', opset = 23): string {
  const constants = more.includes('=') ? more : '';
  const g = parseGraph(`g (${more && !constants ? `${inputs}, ${more}` : inputs}) => (y) ${constants && `<${constants}>`} { ${nodes} }`, new Map([['', opset], ['com.microsoft', 1], ['ai.onnx.ml', 5]]));
  inferTypes(g);
  return ['y', 'z', 'w'].flatMap((name) => (g.value(name) ? [describeType(g.value(name)!.type)] : [])).join(' ');
}

const image = 'float[N, 3, H, W] x';
const text = 'float[B, S, 64] x';

test.each([
  ['broadcasting', 'float[B, S, 64] x, float[64] b', 'y = Add(x, b)', '', 'float32[B, S, 64]'],
  ['a name against 1', 'float[B, 1] x, float[1, S] b', 'y = Mul(x, b)', '', 'float32[B, S]'],
  ['two names that need not be equal', 'float[B] x, float[S] b', 'y = Mul(x, b)', '', 'float32[broadcast(B, S)]'],
  ['comparison', 'float[B, S] x, float[S] b', 'y = Less(x, b)', '', 'bool[B, S]'],
  ['Where', 'bool[B, 1] c, float[S] x, float b', 'y = Where(c, x, b)', '', 'float32[B, S]'],
  ['Cast', 'float[B] x', 'y = Cast<to = 10>(x)', '', 'float16[B]'],
  ['LayerNormalization', text, 'y, z = LayerNormalization<axis = -1>(x, s)', 'float[64] s', 'float32[B, S, 64] float32[B, S, 1]'],
  ['Dropout', text, 'y, z = Dropout(x)', '', 'float32[B, S, 64] bool[B, S, 64]'],
  ['MatMul with a vector', 'float[B, S, 64] x, float[64] v', 'y = MatMul(x, v)', '', 'float32[B, S]'],
  ['MatMul of batches', 'float[B, 12, S, 64] x, float[64, T] v', 'y = MatMul(x, v)', '', 'float32[B, 12, S, T]'],
  ['Gemm', 'float[K, B] x, float[10, K] v', 'y = Gemm<transA = 1, transB = 1>(x, v)', '', 'float32[B, 10]'],
  ['Einsum', 'float[B, S, 4, 8] x, float[B, T, 4, 8] v', 'y = Einsum<equation = "bqhd,bkhd->bhqk">(x, v)', '', 'float32[B, 4, S, T]'],
  ['Einsum with an ellipsis', 'float[B, S, 8] x, float[8, K] v', 'y = Einsum<equation = "...d,dk">(x, v)', '', 'float32[B, S, K]'],
  ['QLinearMatMul', 'uint8[B, 8] x, int8[8, 4] v, float s, uint8 p, int8 q', 'y = QLinearMatMul(x, s, p, v, s, q, s, p)', '', 'uint8[B, 4]'],
  ['Conv', image, 'y = Conv<strides = [2, 2], pads = [1, 1, 1, 1]>(x, k)', 'float[8, 3, 3, 3] k', 'float32[N, 8, floor((H + 1)/2), floor((W + 1)/2)]'],
  ['Conv that keeps its size', image, 'y = Conv<auto_pad = "SAME_UPPER">(x, k)', 'float[8, 3, 3, 3] k', 'float32[N, 8, H, W]'],
  ['ConvTranspose', image, 'y = ConvTranspose<strides = [2, 2]>(x, k)', 'float[3, 5, 2, 2] k', 'float32[N, 5, 2*H, 2*W]'],
  ['MaxPool', 'float[N, 3, 7, 8] x', 'y, z = MaxPool<kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1>(x)', '', 'float32[N, 3, 4, 4] int64[N, 3, 4, 4]'],
  ['GlobalAveragePool', image, 'y = GlobalAveragePool(x)', '', 'float32[N, 3, 1, 1]'],
  ['Resize by scales', image, 'y = Resize(x, , s)', 'float[4] s = {1, 1, 2, 0.5}', 'float32[N, 3, 2*H, floor(W/2)]'],
  ['reduction', text, 'y = ReduceMean(x, a)', 'int64[1] a = {-1}', 'float32[B, S, 1]'],
  ['ArgMax', text, 'y = ArgMax<axis = 1, keepdims = 0>(x)', '', 'int64[B, 64]'],
  ['TopK', text, 'y, z = TopK(x, k)', 'int64[1] k = {5}', 'float32[B, S, 5] int64[B, S, 5]'],
  ['LSTM', 'float[S, B, 8] x, float[2, 64, 8] w, float[2, 64, 16] r', 'y, z = LSTM<hidden_size = 16, direction = "bidirectional">(x, w, r)', '', 'float32[S, 2, B, 16] float32[2, B, 16] float32[2, 64, 8]'],
  ['Reshape that copies and infers', text, 'y = Reshape(x, s)', 'int64[4] s = {0, -1, 4, 16}', 'float32[B, S, 4, 16]'],
  ['Reshape of an unknown size that is copied', 'float[B, ?, 64] x', 'y = Reshape(x, s)', 'int64[4] s = {0, 0, 4, -1}', 'float32[B, x.1, 4, 16]'],
  ['Flatten', image, 'y = Flatten(x)', '', 'float32[N, 3*H*W]'],
  ['Transpose', text, 'y = Transpose<perm = [0, 2, 1]>(x)', '', 'float32[B, 64, S]'],
  ['Squeeze and Unsqueeze', 'float[B, 1, S] x', 's = Squeeze(x, a) y = Unsqueeze(s, b)', 'int64[1] a = {1}, int64[2] b = {0, -1}', 'float32[1, B, S, 1]'],
  ['Squeeze of sizes that may be 1', 'float[B, 1] x', 'y = Squeeze(x)', '', 'float32'],
  ['Concat', 'float[B, P] x, float[B, S] v', 'y = Concat<axis = -1>(x, v)', '', 'float32[B, P + S]'],
  ['Split', 'float[B, 5] x', 'y, z = Split<axis = 1, num_outputs = 2>(x)', '', 'float32[B, 3] float32[B, 2]'],
  ['Slice to the end', text, 'y = Slice(x, a, e, s)', 'int64[1] a = {1}, int64[1] e = {9223372036854775807}, int64[1] s = {1}', 'float32[B, max(0, S - 1), 64]'],
  ['Slice of the last', text, 'y = Slice(x, a, e, s)', 'int64[1] a = {-1}, int64[1] e = {9223372036854775807}, int64[1] s = {1}', 'float32[B, min(1, S), 64]'],
  ['Slice that may be shorter than asked', text, 'y = Slice(x, a, e, s)', 'int64[1] a = {0}, int64[1] e = {5}, int64[1] s = {1}', 'float32[B, min(5, S), 64]'],
  ['Gather', 'float[1000, 64] x, int64[B, S] i', 'y = Gather(x, i)', '', 'float32[B, S, 64]'],
  ['Pad', text, 'y = Pad(x, p)', 'int64[6] p = {0, 1, 0, 0, 2, 0}', 'float32[B, S + 3, 64]'],
  ['Tile', 'float[B, 2] x', 'y = Tile(x, r)', 'int64[2] r = {3, 4}', 'float32[3*B, 8]'],
  ['OneHot', 'int64[B] x, float[2] v', 'y = OneHot(x, d, v)', 'int64 d = {7}', 'float32[B, 7]'],
  ['NonZero', 'float[B, S] x', 'y = NonZero(x)', '', 'int64[2, ?]'],
  ['DepthToSpace', 'float[N, 12, H, W] x', 'y = DepthToSpace<blocksize = 2>(x)', '', 'float32[N, 3, 2*H, 2*W]'],
  ['SequenceAt of a split', 'float[4, S] x, int64 i', 's = SplitToSequence<axis = 0, keepdims = 0>(x) y = SequenceAt(s, i)', '', 'float32[S]'],
  ['DynamicQuantizeLinear', 'float[B] x', 'y, z, w = DynamicQuantizeLinear(x)', '', 'uint8[B] float32[] uint8[]'],
  ['Attention', 'float[B, S, 64] x, float[B, T, 32] k', 'y = Attention<q_num_heads = 4, kv_num_heads = 2>(x, k, k)', '', 'float32[B, S, 64]'],
  ['STFT', 'float[B, 400, 1] x', 'y = STFT(x, h, , l)', 'int64 h = {100}, int64 l = {200}', 'float32[B, 3, 101, 2]'],
  ['an operator of which only the schema is known', 'float[B] x', 'y = com.microsoft.Irfft<normalized = 1, onesided = 1, signal_ndim = 1>(x)', '', 'float32'],
  ['an operator of which nothing is known', 'float[B] x', 'y = other.Thing(x)', '', 'unknown type'],
])('%s', (_, inputs, nodes, more, expected) => {
  expect(types(inputs, nodes, more)).toBe(expected);
});

test.each([
  ['Squeeze with an attribute', 'float[B, 1] x', 'y = Squeeze<axes = [1]>(x)', '', 11, 'float32[B]'],
  ['Slice with attributes', 'float[B, 8] x', 'y = Slice<axes = [1], starts = [-3], ends = [9223372036854775807]>(x)', '', 9, 'float32[B, 3]'],
  ['Reshape with an attribute', 'float[4, B] x', 'y = Reshape<shape = [-1, 2]>(x)', '', 1, 'float32[2*B, 2]'],
  ['Add that widens the second alone', 'float[B, 3, H] x, float[3] b', 'y = Add<broadcast = 1, axis = 1>(x, b)', '', 6, 'float32[B, 3, H]'],
  ['Pad with an attribute', 'float[B] x', 'y = Pad<pads = [1, 1]>(x)', '', 2, 'float32[B + 2]'],
  ['TopK with an attribute', 'float[B, S] x', 'y, z = TopK<k = 3>(x)', '', 9, 'float32[B, 3] int64[B, 3]'],
  ['Upsample', 'float[N, C, H, W] x', 'y = Upsample(x, s)', 'float[4] s = {1, 1, 2, 2}', 9, 'float32[N, C, 2*H, 2*W]'],
  ['Cast to the name of a type', 'float[B] x', 'y = Cast<to = "INT64">(x)', '', 5, 'int64[B]'],
] as const)('older opsets: %s', (_, inputs, nodes, more, opset, expected) => {
  expect(types(inputs, nodes, more, opset)).toBe(expected);
});

test.each([
  ['MatMulNBits', text, 'y = com.microsoft.MatMulNBits<K = 64, N = 100, bits = 4, block_size = 32>(x, q, s)', 'uint8[100, 2, 16] q, float[100, 2] s', 'float32[B, S, 100]'],
  ['GatherBlockQuantized', 'int64[B, S] i', 'y = com.microsoft.GatherBlockQuantized<bits = 4, block_size = 32, gather_axis = 0, quantize_axis = 1>(q, i, s)', 'uint8[1000, 32] q, float[1000, 2] s', 'float32[B, S, 64]'],
  ['FusedMatMul', 'float[B, S, 64] x, float[B, T, 64] k', 'y = com.microsoft.FusedMatMul<transB = 1>(x, k)', '', 'float32[B, S, T]'],
  ['SkipLayerNormalization', text, 'y, , , z = com.microsoft.SkipLayerNormalization(x, x, s)', 'float[64] s', 'float32[B, S, 64] float32[B, S, 64]'],
  ['EmbedLayerNormalization', 'int32[B, S] i', 'y, z = com.microsoft.EmbedLayerNormalization(i, , e, p, , s, s)', 'float[100, 64] e, float[32, 64] p, float[64] s', 'float32[B, S, 64] int32[B]'],
  ['MultiHeadAttention', 'float[B, S, 64] x, float[B, T, 64] k, float[B, T, 32] v', 'y, z, w = com.microsoft.MultiHeadAttention<num_heads = 4>(x, k, v)', '', 'float32[B, S, 32] float32[B, 4, T, 16] float32[B, 4, T, 8]'],
  ['GroupQueryAttention', 'float[B, S, 64] x, float[B, S, 32] k, float[B, 2, P, 16] past, int32[B] l, int32 t', 'y, z = com.microsoft.GroupQueryAttention<num_heads = 4, kv_num_heads = 2>(x, k, k, past, past, l, t)', '', 'float32[B, S, 64] float32[B, 2, ?, 16]'],
  ['MatMulIntegerToFloat', 'uint8[B, 8] x, float s', 'y = com.microsoft.MatMulIntegerToFloat(x, v, s, s)', 'int8[8, 4] v', 'float32[B, 4]'],
  ['QLinearAdd', 'uint8[B, 8] x, uint8[8] v, float s, uint8 p', 'y = com.microsoft.QLinearAdd(x, s, p, v, s, p, s, p)', '', 'uint8[B, 8]'],
  ['QLinearConcat', 'uint8[B, 8] x, float s, uint8 p', 'y = com.microsoft.QLinearConcat<axis = 1>(s, p, x, s, p, x, s, p)', '', 'uint8[B, 16]'],
  ['BiasGelu', text, 'y = com.microsoft.BiasGelu(x, b)', 'float[64] b', 'float32[B, S, 64]'],
  ['a classifier', 'float[B, 4] x', 'y, z = ai.onnx.ml.LinearClassifier<classlabels_strings = ["a", "b", "c"], coefficients = [1.0]>(x)', '', 'string[B] float32[B, 3]'],
])('beyond ai.onnx: %s', (_, inputs, nodes, more, expected) => {
  expect(types(inputs, nodes, more)).toBe(expected);
});
