import { parseModel, type Model } from '@onnxpress/core';
import { passCases, testPassContext } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { dynamic } from './dynamic.ts';
import { largestGap, outputFor } from './int8/testing.ts';

const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const W = 'float[2, 2] w = {1, -10, -2, 5}';
const product = (body: string, initializers = W): string => `${HEAD}g (float[N, 2] x) => (float[N, 2] y) <${initializers}> {\n${body}\n}`;

const DEFAULTS: Parameters<typeof dynamic.run>[1] = { activations: 'tensor', slowdown: 0.05, blocks: true, 'per-channel': true, embeddings: true, 'reduce-range': 'auto', include: [], exclude: [], 'on-quantized': 'keep' };

const TOKEN = { activations: 'token' } as const;

const opTypes = (model: Model): string[] => [...model.nodes()].map((n) => n.opType);

describe('quant/dynamic', () => {
  for (const c of passCases(dynamic, {
    bound: { relative: 0.03, because: 'activations have 256 levels over the range of the whole tensor, weights 255 over a channel: each rounds by at most half a level, and these sums have two terms' },
    changes: [
      {
        name: 'a product with a constant weight, a scale per column, and one for all activations',
        model: product('y = MatMul(x, w)'),
        to: `${HEAD}g (float[N, 2] x) => (float[N, 2] y)
          <int8[2, 2] w_int8 = {64, -127, -127, 64}, float[2] w_scale = {0.015748031, 0.078740157}> {
            dynamicquantizelinear, dynamicquantizelinear_1, dynamicquantizelinear_2 = DynamicQuantizeLinear(x)
            matmulinteger = MatMulInteger(dynamicquantizelinear, w_int8, dynamicquantizelinear_2)
            cast = Cast<to = 1>(matmulinteger)
            mul = Mul(dynamicquantizelinear_1, w_scale)
            y = Mul(cast, mul)
          }`,
      },
      { name: 'one scale for all of a weight', model: product('y = MatMul(x, w)'), options: { 'per-channel': false }, check: (m) => expect(m.graph.initializers.get('w_scale')?.constant.dims).toEqual([]) },
      {
        name: 'Gemm with a transposed weight, a bias and a factor',
        model: product('y = Gemm<alpha = 0.5, transB = 1>(x, w, b)', `${W}, float[2] b = {1, 2}`),
        check: (m) => expect(opTypes(m)).toEqual(['DynamicQuantizeLinear', 'MatMulInteger', 'Cast', 'Mul', 'Mul', 'Constant', 'Mul', 'Add']),
      },
      {
        name: 'an embedding table, a scale per row',
        model: `${HEAD}g (int64[N] ids) => (float[N, 2] y) <${W}> { y = Gather(w, ids) }`,
        to: `${HEAD}g (int64[N] ids) => (float[N, 2] y) <int8[2, 2] w_int8 = {13, -127, -51, 127}, float[2, 1] w_scale = {0.078740157, 0.039370079}> {
            gather = Gather(w_int8, ids)
            cast = Cast<to = 1>(gather)
            gather_1 = Gather(w_scale, ids)
            y = Mul(cast, gather_1)
          }`,
      },
      {
        name: 'weights in half precision, through their Cast',
        model: product('c = Cast<to = 1>(w)\n y = MatMul(x, c)', 'float16[2, 2] w = {15360, 51456, 49152, 17664}'),
        check: (m) => expect([...m.graph.initializers.keys()]).toEqual(['w_int8', 'w_scale']),
      },
      {
        name: 'two products of one input share its quantization, and two of one weight share its codes',
        model: `${HEAD}g (float[N, 2] x) => (float[N, 2] y) <${W}> {\n a = MatMul(x, w)\n b = MatMul(x, w)\n y = Add(a, b)\n}`,
        check: (m) => expect([opTypes(m).filter((t) => t === 'DynamicQuantizeLinear').length, m.graph.initializers.size]).toEqual([1, 2]),
      },
      {
        name: 'inside a branch, a weight of the graph around it',
        model: `${HEAD}g (bool c, float[N, 2] x) => (float[N, 2] y) <${W}> {
          y = If (c) <then_branch = t () => (float[N, 2] a) { a = MatMul(x, w) }, else_branch = e () => (float[N, 2] b) { b = Identity(x) }>
        }`,
        check: (m) => expect(opTypes(m)).toContain('MatMulInteger'),
      },
      {
        name: 'a scale per token: the scales of rows first, then those of columns, and never their product',
        model: product('y = MatMul(x, w)'),
        options: TOKEN,
        to: `${HEAD}g (float[N, 2] x) => (float[N, 2] y)
          <int8[2, 2] w_int8 = {64, -127, -127, 64}, float[2] w_scale = {0.015748031, 0.078740157}, float int8_step = {0.007874016}, float int8_least_scale = {1e-30}, float int8_shift = {128}, uint8 int8_zero_point = {128}> {
            abs = Abs(x)
            reducemax = ReduceMax<axes = [-1], keepdims = 1>(abs)
            mul = Mul(reducemax, int8_step)
            max = Max(mul, int8_least_scale)
            div = Div(x, max)
            round = Round(div)
            add = Add(round, int8_shift)
            cast = Cast<to = 2>(add)
            matmulinteger = MatMulInteger(cast, w_int8, int8_zero_point)
            cast_1 = Cast<to = 1>(matmulinteger)
            mul_1 = Mul(cast_1, max)
            y = Mul(mul_1, w_scale)
          }`,
      },
      { name: 'a scale per token, where axes are an input', model: product('y = MatMul(x, w)').replace('17', '20'), options: TOKEN, check: (m) => expect(opTypes(m)).toContain('ReduceMax') },
      { name: 'a scale per token behind a Gemm', model: product('y = Gemm<alpha = 0.5, transB = 1>(x, w, b)', `${W}, float[2] b = {1, 2}`), options: TOKEN, check: (m) => expect(opTypes(m).slice(-2)).toEqual(['Mul', 'Add']) },
      { name: '7 bits', model: product('y = MatMul(x, w)'), options: { 'reduce-range': true }, check: (m) => expect(Math.max(...[...new Int8Array(m.graph.initializers.get('w_int8')!.constant.bytes())].map(Math.abs))).toBe(63) },
      {
        name: 'what computes in half precision',
        model: `${HEAD}g (float16[N, 2] x) => (float16[N, 2] y) <float16[2, 2] w = {15360, 51456, 49152, 17664}> { y = MatMul(x, w) }`,
        options: TOKEN,
        check: (m) => expect(opTypes(m).filter((t) => t === 'Cast')).toHaveLength(4),
      },
      {
        name: 'two products of one input, each token quantized once',
        model: `${HEAD}g (float[N, 2] x) => (float[N, 2] y) <${W}, float[2, 2] v = {1, 2, 3, 4}> {\n a = MatMul(x, w)\n b = MatMul(x, v)\n y = Add(a, b)\n}`,
        options: TOKEN,
        check: (m) => expect(opTypes(m).filter((t) => t === 'ReduceMax')).toHaveLength(1),
      },
      {
        name: 'two branches, each with the codes of what both read',
        model: `${HEAD}g (bool c, float[N, 2] x) => (float[N, 2] y) <${W}> {
          y = If (c) <then_branch = t () => (float[N, 2] a) { a = MatMul(x, w) }, else_branch = e () => (float[N, 2] b) { p = MatMul(x, w)\n b = Neg(p) }>
        }`,
        options: TOKEN,
        check: (m) => expect(opTypes(m).filter((t) => t === 'ReduceMax')).toHaveLength(2),
      },
      {
        name: 'a table that an output head is tied to, stored once',
        model: () => parseModel(`${HEAD}g (int64[N] ids) => (float[N, 40] y) <float[40, 32] w = {${Array.from({ length: 40 * 32 }, (_, i) => Math.sin(i * 1.3).toFixed(4)).join(', ')}}> {
          h = Gather(w, ids)
          t = Transpose<perm = [1, 0]>(w)
          y = MatMul(h, t)
        }`),
        check: (m) => expect([opTypes(m).filter((t) => t !== 'Reshape').sort(), [...m.graph.initializers.values()].reduce((sum, v) => sum + v.constant.byteLength, 0)]).toEqual([['GatherBlockQuantized', 'MatMulNBits'], 40 * 32 + 40 * 4 + 16]),
      },
    ],
    keeps: [
      { name: 'a model that is quantized already', model: `${HEAD}g (float[N, 2] x) => (float[N, 2] y) <int8[2, 2] v = {1, 2, 3, 4}, ${W}> { a = DequantizeLinear(v, s)\n z = MatMul(x, a)\n y = MatMul(z, w) }`.replace('<int8', '<float s = {1}, int8') },
      { name: 'a weight that is computed', model: `${HEAD}g (float[2, 2] x) => (float[2, 2] y) { y = MatMul(x, x) }` },
      { name: 'a weight that someone else reads', model: product('z = MatMul(x, w)\n y = Add(z, w)', W) },
      { name: 'a weight that is an output', model: `${HEAD}g (float[N, 2] x) => (float[N, 2] y, float[2, 2] w) <${W}> { y = MatMul(x, w) }` },
      { name: 'a lookup along columns', model: `${HEAD}g (int64[N] ids) => (float[2, N] y) <${W}> { y = Gather<axis = 1>(w, ids) }` },
      { name: 'a table whose codes and scales would take more room', model: `${HEAD}g (int64[N] ids) => (float[N, 1] y) <float[4, 1] w = {1, 2, 3, 4}> { y = Gather(w, ids) }` },
      { name: 'an empty weight', model: `${HEAD}g (float[N, 0] x) => (float[N, 2] y) <float[0, 2] w = {}> { y = MatMul(x, w) }` },
      { name: 'a table of integers', model: `${HEAD}g (int64[N] ids) => (int64[N, 2] y) <int64[2, 2] t = {1, 2, 3, 4}> { y = Gather(t, ids) }` },
      { name: 'embeddings, where the recipe says so', model: `${HEAD}g (int64[N] ids) => (float[N, 2] y) <${W}> { y = Gather(w, ids) }`, options: { embeddings: false } },
      { name: 'what the recipe excludes', model: product('y = MatMul(x, w)'), options: { exclude: ['op:MatMul'] } },
      { name: 'what the recipe does not include', model: product('y = MatMul(x, w)'), options: { include: ['op:Gather'] } },
      { name: 'a product of batches of weights', model: `${HEAD}g (float[1, N, 2] x) => (float[1, N, 2] y) <float[1, 2, 2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }` },
    ],
    rejects: [
      { name: 'an unknown option', options: { perchannel: true }, says: /unknown option "perchannel"/ },
      { name: 'text for a switch', options: { 'per-channel': 'yes' }, says: /"per-channel" must be true or false/ },
      { name: 'a slowdown below none', options: { slowdown: -1 }, says: /slowdown/ },
    ],
  })) test(c.name, c.run);
});

test('an opset without the operators is refused with what to do', async () => {
  const model = parseModel('<ir_version: 5, opset_import: ["" : 10]> g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { y = MatMul(x, w) }');
  await expect(async () => dynamic.run(model, DEFAULTS, testPassContext())).rejects.toThrow('needs opset 11, and the model has 10');
});

/** The same sums in another order, and int8 activations of blocks by two kernels. */
const ORDER = 1e-5;

test('a table and the head that is tied to it compute the same at each level of optimization', async () => {
  const [V, H] = [40, 32];
  const table = Array.from({ length: V * H }, (_, i) => Math.sin(i * 1.3));
  const model = parseModel(`${HEAD}g (float[N, ${V}] x) => (float[N, ${V}] y) <float[${V}, ${H}] w = {${table.map((v) => v.toFixed(4)).join(', ')}}> {
    ids = ArgMax<axis = 1, keepdims = 0>(x)
    h = Gather(w, ids)
    t = Transpose<perm = [1, 0]>(w)
    y = MatMul(h, t)
  }`);
  const before = model.clone();
  await dynamic.run(model, DEFAULTS, testPassContext());
  const x = Float32Array.from({ length: 5 * V }, (_, i) => Math.sin(i * 7.1));
  const [was, none, basic, all] = [await outputFor(before, x, V), await outputFor(model, x, V, 'none'), await outputFor(model, x, V, 'basic'), await outputFor(model, x, V)];
  expect([largestGap(none, basic), largestGap(none, all)].every((gap) => gap < ORDER)).toBe(true);
  expect(largestGap(was, all)).toBeLessThan(0.03); // as of the pass
});
