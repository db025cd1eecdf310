import { InferenceSession, Tensor as Fed } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { modelBytes } from '../../io/write.ts';
import { parseGraph } from '../../text/parse.ts';
import { countOf, textOf } from '../dtype.ts';
import { Model } from '../model.ts';
import { describeType, type ValueType } from '../types.ts';
import { inferTypes } from './infer.ts';
import { scopeFor } from './scope.ts';

const shared = process.env['ONNXPRESS_SHARED'] ?? '';

const SIZES: ReadonlyMap<string, number> = new Map([['B', 2], ['S', 3], ['T', 4], ['P', 5], ['N', 2], ['H', 9], ['W', 11]]);
const text = 'float[B, S, 64] x';
const quantized = 'float s, uint8 p';

/** Inputs, nodes with results y, z, w: what the runtime has a kernel for. */
const CASES: readonly (readonly [string, string])[] = [
  [`${text}, float[64] b`, 'y = BiasGelu(x, b)'],
  [text, 'y = FastGelu(x)'],
  [text, 'y = Gelu(x)'],
  [text, 'y = QuickGelu(x)'],
  [`${text}, float[64] g`, 'y, , , z = SkipLayerNormalization(x, x, g)'],
  [`${text}, float[64] g`, 'y, , , z = SkipSimplifiedLayerNormalization(x, x, g)'],
  ['int32[B, S] i, float[100, 64] e, float[32, 64] q, float[64] g', 'y, z = EmbedLayerNormalization(i, , e, q, , g, g)'],
  [`${text}, float[64, 192] k, float[192] b`, 'y, z = Attention<num_heads = 4>(x, k, b)'],
  [`${text}, float[64, 160] k, float[160] b`, 'y = Attention<num_heads = 4, qkv_hidden_sizes = [64, 64, 32]>(x, k, b)'],
  [`${text}, float[64, 192] k, float[192] b, float[2, B, 4, P, 16] past`, 'y, z = Attention<num_heads = 4, unidirectional = 1>(x, k, b, , past)'],
  ['float[B, S, 64] x, float[B, T, 64] k, float[B, T, 32] v', 'y, z, w = MultiHeadAttention<num_heads = 4>(x, k, v)'],
  ['float[B, S, 64] x, float[B, 4, T, 16] k', 'y = MultiHeadAttention<num_heads = 4>(x, k, k)'],
  ['float[B, S, 64] x, float[B, S, 64] k, float[B, 4, P, 16] past', 'y, z, w = MultiHeadAttention<num_heads = 4>(x, k, k, , , , past, past)'],
  ['float[B, S, 64] x, float[B, S, 32] k, float[B, 2, 0, 16] past, int32[B] last, int32 total', 'y, z, w = GroupQueryAttention<num_heads = 4, kv_num_heads = 2>(x, k, k, past, past, last, total)'],
  ['float[B, S, 128] x, float[B, 2, 0, 16] past, int32[B] last, int32 total', 'y, z, w = GroupQueryAttention<num_heads = 4, kv_num_heads = 2>(x, , , past, past, last, total)'],
  ['float[B, S, 64] x, int64[B, S] i, float[16, 8] c', 'y = RotaryEmbedding<num_heads = 4>(x, i, c, c)'],
  [`${text}, uint8[100, 2, 16] q, float[100, 2] s`, 'y = MatMulNBits<K = 64, N = 100, bits = 4, block_size = 32>(x, q, s)'],
  [`${text}, uint8[100, 2, 16] q, float[200] s`, 'y = MatMulNBits<K = 64, N = 100, bits = 4, block_size = 32>(x, q, s)'],
  ['int64[B, S] i, uint8[1000, 32] q, float[1000, 2] s', 'y = GatherBlockQuantized<bits = 4, block_size = 32, gather_axis = 0, quantize_axis = 1>(q, i, s)'],
  ['int64[B, S] i, uint8[1000, 64] q, float[1000, 2] s', 'y = GatherBlockQuantized<bits = 8, block_size = 32, gather_axis = 0, quantize_axis = 1>(q, i, s)'],
  ['float[B, S, 64] x, float[B, T, 64] k', 'y = FusedMatMul<transB = 1>(x, k)'],
  ['float[B, 64, S] x, float[B, 64, T] k', 'y = FusedMatMul<transA = 1>(x, k)'],
  ['float[S, B, 64] x, float[B, 64, T] k', 'y = FusedMatMul<transBatchA = 1>(x, k)'],
  ['float[B, 64] x, float[10, 64] k, float[10] b', 'y = FusedGemm<transB = 1, activation = "Relu">(x, k, b)'],
  ['float[N, 3, H, W] x, float[8, 3, 3, 3] k', 'y = FusedConv<strides = [2, 2], pads = [1, 1, 1, 1], activation = "Relu">(x, k)'],
  ['float[B, S, 64] x, int8[64, 10] v, float s', 'y = DynamicQuantizeMatMul(x, v, s)'],
  ['uint8[B, S, 64] x, int8[64, 10] v, float s', 'y = MatMulIntegerToFloat(x, v, s, s)'],
  [`uint8[B, 8] x, uint8[8] v, ${quantized}`, 'y = QLinearAdd(x, s, p, v, s, p, s, p)'],
  [`uint8[B, 1] x, uint8[8] v, ${quantized}`, 'y = QLinearMul(x, s, p, v, s, p, s, p)'],
  [`uint8[B, 8] x, uint8[B, S] v, ${quantized}`, 'y = QLinearConcat<axis = 1>(s, p, x, s, p, v, s, p)'],
  [`uint8[B, 8] x, ${quantized}`, 'y = QLinearLeakyRelu(x, s, p, s, p)'],
  [`uint8[B, 8] x, ${quantized}`, 'y = QLinearSigmoid(x, s, p, s, p)'],
  [`uint8[B, 8] x, ${quantized}`, 'y = QLinearSoftmax<axis = -1, opset = 13>(x, s, p, s, p)'],
  [`uint8[N, 8, H, W] x, ${quantized}`, 'y = QLinearAveragePool<kernel_shape = [3, 3], strides = [2, 2]>(x, s, p, s, p)'],
  [`uint8[N, H, W, 8] x, ${quantized}`, 'y = QLinearAveragePool<kernel_shape = [3, 3], strides = [2, 2], channels_last = 1>(x, s, p, s, p)'],
  [`uint8[N, 8, H, W] x, ${quantized}`, 'y = QLinearGlobalAveragePool(x, s, p, s, p)'],
  [`uint8[N, H, W, 8] x, ${quantized}`, 'y = QLinearGlobalAveragePool<channels_last = 1>(x, s, p, s, p)'],
  [`uint8[N, H, W, 3] x, uint8[8, 3, 3, 3] k, ${quantized}`, 'y = QLinearConv<channels_last = 1>(x, s, p, k, s, p, s, p)'],
  [`bool[B, 1] c, uint8[8] v, uint8 u, ${quantized}`, 'y = QLinearWhere(c, v, s, p, u, s, p, s, p)'],
  [`uint8[B, 64] x, int8[64, 10] v, int8 q, ${quantized}`, 'y = QGemm(x, s, p, v, s, q)'],
  [`uint8[B, 64] x, int8[64, 10] v, int8 q, int32[10] b, ${quantized}`, 'y = QGemm(x, s, p, v, s, q, b, s, p)'],
  [`uint8[B, S, 64] x, uint8[64, 192] k, float[192] b, ${quantized}`, 'y = QAttention<num_heads = 4>(x, k, b, s, s, , p, p)'],
  [`float[B, S] x, ${quantized}`, 'y = QuantizeLinear(x, s, p)'],
  [`uint8[B, S] x, ${quantized}`, 'y = DequantizeLinear(x, s, p)'],
  ['float[T, B, 8] x, int8[1, 8, 64] w, int8[1, 16, 64] r, float[1] s, int8[1] q', 'y, z = DynamicQuantizeLSTM<hidden_size = 16>(x, w, r, , , , , , s, q, s, q)'],
  ['float[B, 8] x, float[S, 8] v', 'y = CDist<metric = "euclidean">(x, v)'],
  ['int32[B, S] x', 'y = MurmurHash3(x)'],
  ['float[B, S] x, int64[4] p', 'y = Pad(x, p)'],
  ['float[B, 3, 3] x', 'y = Inverse(x)'],
  ['float[S, 8] x, int32 a', 'y = ExpandDims(x, a)'],
  ['float[B, S, S] x', 'y = Trilu(x)'],
];

/** The place of the last token and the number of tokens, for a cache that is empty. */
const LENGTHS: Readonly<Record<string, number>> = { last: 2, total: 3 };

/** Ones for floats, zeros for other integers than lengths. */
function feed(type: ValueType | undefined, name: string): Fed {
  if (type?.kind !== 'tensor') throw new Error('a tensor');
  const dims = (type.dims ?? []).map((d) => (typeof d === 'number' ? d : SIZES.get(String(d))!));
  const count = countOf(dims);
  switch (type.dtype) {
    case 'float32':
      return new Fed('float32', new Float32Array(count).fill(1), dims);
    case 'int64':
      return new Fed('int64', new BigInt64Array(count), dims);
    case 'int32':
      return new Fed('int32', new Int32Array(count).fill(LENGTHS[name] ?? 0), dims);
    case 'int8':
      return new Fed('int8', new Int8Array(count), dims);
    case 'bool':
      return new Fed('bool', new Uint8Array(count), dims);
    default:
      return new Fed('uint8', new Uint8Array(count), dims);
  }
}

describe.skipIf(!shared)('com.microsoft against the runtime (needs ONNXPRESS_SHARED)', () => {
  test.each(CASES)('%s: %s', async (inputs, nodes) => {
    const called = nodes.replace(/= (\w+)/, '= com.microsoft.$1');
    const outputs = /^[\w, ]+(?= =)/.exec(nodes)![0].split(',').map((name) => name.trim()).filter(Boolean);
    const g = parseGraph(`g (${inputs}) => (${outputs.join(', ')}) { ${called} }`, new Map([['', 20], ['com.microsoft', 1]]));
    const feeds = Object.fromEntries(g.inputs.map((v) => [v.name, feed(v.declared, v.name)]));
    const session = await InferenceSession.create(modelBytes(new Model(g)), { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 });
    const results = await session.run(feeds);
    await session.release();
    inferTypes(g);
    const { sizes } = scopeFor(g);
    for (const name of outputs) {
      const real = results[name] as Fed;
      const type = g.value(name)!.type;
      if (type?.kind !== 'tensor') throw new Error(`nothing is known of ${name}`);
      expect(textOf(type.dtype), name).toBe({ float32: 'float' }[real.type as string] ?? real.type);
      const dims = type.dims?.map((d, i) => (d === null ? real.dims[i] : typeof d === 'number' ? d : sizes.evaluate(d, SIZES)));
      expect(dims, `${name} ${describeType(type)}`).toEqual([...real.dims]);
    }
  });
});
