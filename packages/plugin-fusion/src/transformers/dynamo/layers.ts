import { TORCH_LIB } from './torch-lib.ts';

const numbers = (count: number, phase: number): string => Array.from({ length: count }, (_, i) => Math.sin(i * 1.3 + phase).toFixed(3)).join(', ');
/** Width of a token, of the hidden layer, and heads of four numbers. */
const [WIDE, HIDDEN] = [8, 12];
const matrix = (name: string, rows: number, columns: number, phase: number): string => `float[${rows}, ${columns}] ${name} = {${numbers(rows * columns, phase)}}`;
const vector = (name: string, size: number, phase: number): string => `float[${size}] ${name} = {${numbers(size, phase)}}`;

/** PyTorch stores the weights of a layer as [out, in]. */
const WEIGHTS = [
  ...['q', 'k', 'v', 'o'].flatMap((n, i) => [matrix(`w${n}`, WIDE, WIDE, i), vector(`b${n}`, WIDE, i + 4)]),
  matrix('w1', HIDDEN, WIDE, 8), vector('b1', HIDDEN, 9), matrix('w2', WIDE, HIDDEN, 10), vector('b2', WIDE, 11),
  ...['g1', 'h1', 'g2', 'h2'].map((n, i) => vector(n, WIDE, 12 + i)),
].join(', ');
const PARAMETERS = 'wq, bq, wk, bk, wv, bv, wo, bo, w1, b1, w2, b2, g1, h1, g2, h2';

const LIB = 'pkg.onnxscript.torch_lib';
const IMPORTS = `"" : 18, "${LIB}" : 1, "${LIB}.common" : 1, "pkg.torch" : 1, "pkg.transformers" : 1`;
const MODULE = `opset_import: [${IMPORTS}]`;

/** A layer that multiplies by a matrix: a view of rows, addmm, and a view back, with sizes that are computed. */
const linear = (wide: number, out: number): string => `
<domain: "pkg.torch", ${MODULE}> Linear_${wide}_${out} (x, weight, bias) => (y) {
  t = ${LIB}.aten_t (weight)  s0 = ${LIB}.aten_sym_size <dim = 0> (x)  s1 = ${LIB}.aten_sym_size <dim = 1> (x)  n = ${LIB}.aten_mul (s0, s1)
  minus = Constant <value_ints = [-1]> ()  n1 = Reshape (n, minus)  wide = Constant <value_ints = [${wide}]> ()  flat = Concat <axis = 0> (n1, wide)  rows = ${LIB}.aten_view (x, flat)
  product = ${LIB}.aten_addmm <alpha = 1.0, beta = 1.0> (bias, rows, t)
  d0 = Reshape (s0, minus)  d1 = Reshape (s1, minus)  out = Constant <value_ints = [${out}]> ()  shape = Concat <axis = 0> (d0, d1, out)  y = ${LIB}.aten_view (product, shape) }`;

const heads = (x: string): string => `${x}0 = ${LIB}.aten_view (${x}, split)  ${x}1 = ${LIB}.aten_permute <dims = [0, 2, 1, 3]> (${x}0)`;
const SPLIT = `s0 = ${LIB}.aten_sym_size <dim = 0> (x)  s1 = ${LIB}.aten_sym_size <dim = 1> (x)  minus = Constant <value_ints = [-1]> ()  d0 = Reshape (s0, minus)  d1 = Reshape (s1, minus)  two = Constant <value_ints = [2]> ()  four = Constant <value_ints = [4]> ()  eight = Constant <value_ints = [8]> ()
  split = Concat <axis = 0> (d0, d1, two, four)  joined = Concat <axis = 0> (d0, d1, eight)`;
const SIDES = `q = pkg.torch.Linear_8_8 (x, wq, bq)  k = pkg.torch.Linear_8_8 (x, wk, bk)  v = pkg.torch.Linear_8_8 (x, wv, bv)  ${heads('q')}  ${heads('k')}  ${heads('v')}`;
const END = `t = ${LIB}.aten_permute <dims = [0, 2, 1, 3]> (context)  side = ${LIB}.aten_view (t, joined)  y = pkg.torch.Linear_8_8 (side, wo, bo)`;

/** Attention written out, with a mask. */
const ATTENTION = `
<domain: "pkg.transformers", ${MODULE}> Attention (x, mask, wq, bq, wk, bk, wv, bv, wo, bo) => (y) {
  ${SPLIT}  ${SIDES}  kt = ${LIB}.aten_permute <dims = [0, 1, 3, 2]> (k1)  scores = ${LIB}.aten_matmul (q1, kt)  root = Constant <value_float = 2.0> ()  scaled = ${LIB}.aten_div (scores, root)
  hidden = ${LIB}.aten_add <alpha = 1.0> (scaled, mask)  p = ${LIB}.aten_softmax_no_dtype <dim = -1> (hidden)  context = ${LIB}.aten_matmul (p, v1)  ${END} }`;
/** Attention as one function, without a mask. */
const SDPA = `
<domain: "pkg.transformers", ${MODULE}> Attention (x, wq, bq, wk, bk, wv, bv, wo, bo) => (y) {
  ${SPLIT}  ${SIDES}  scale = ${LIB}._attention_scale (q1)  context = ${LIB}._aten_scaled_dot_product_attention_no_mask_onnx <dropout_p = 0.0> (q1, k1, v1, scale)  ${END} }`;
const MLP = `
<domain: "pkg.transformers", ${MODULE}> Mlp (x, w1, b1, w2, b2) => (y) { a = pkg.torch.Linear_8_12 (x, w1, b1)  g = ${LIB}._aten_gelu_approximate_none (a)  y = pkg.torch.Linear_12_8 (g, w2, b2) }`;
const NORM = `
<domain: "pkg.torch", ${MODULE}> LayerNorm (x, weight, bias) => (y) { y, mean, deviation = ${LIB}._aten_native_layer_norm_onnx <axes = [-1], eps = 0.00001> (x, weight, bias) }`;
const LAYERS = `${linear(WIDE, WIDE)} ${linear(WIDE, HIDDEN)} ${linear(HIDDEN, WIDE)} ${MLP} ${NORM} ${TORCH_LIB}`;

/** BERT: normalized behind each sum, tokens masked. */
const bert = `<ir_version: 8, opset_import: [${IMPORTS}]> main (float[B, S, 8] x, int64[B, S] attention_mask) => (float[B, S, 8] y) <${WEIGHTS}> {
  wide = ${LIB}.aten_unsqueeze <dim = 1> (attention_mask)  wider = ${LIB}.aten_unsqueeze <dim = 2> (wide)  float = Cast <to = 1> (wider)  one = Constant <value_float = 1.0> ()  padding = ${LIB}.aten_rsub <alpha = 1.0> (float, one)  low = Constant <value_float = -3.4028235e38> ()  mask = ${LIB}.aten_mul (padding, low)
  y = pkg.transformers.Layer (x, mask, ${PARAMETERS}) }
<domain: "pkg.transformers", ${MODULE}> Layer (x, mask, ${PARAMETERS}) => (y) {
  a = pkg.transformers.Attention (x, mask, wq, bq, wk, bk, wv, bv, wo, bo)  s = ${LIB}.aten_add <alpha = 1.0> (a, x)  n = pkg.torch.LayerNorm (s, g1, h1)  m = pkg.transformers.Mlp (n, w1, b1, w2, b2)  t = ${LIB}.aten_add <alpha = 1.0> (m, n)  y = pkg.torch.LayerNorm (t, g2, h2) }
${ATTENTION} ${LAYERS}`;

/** ViT: normalized in front, attention as a function of its own. */
const vit = `<ir_version: 8, opset_import: [${IMPORTS}]> main (float[B, S, 8] x) => (float[B, S, 8] y) <${WEIGHTS}> { y = pkg.transformers.Layer (x, ${PARAMETERS}) }
<domain: "pkg.transformers", ${MODULE}> Layer (x, ${PARAMETERS}) => (y) {
  n = pkg.torch.LayerNorm (x, g1, h1)  a = pkg.transformers.Attention (n, wq, bq, wk, bk, wv, bv, wo, bo)  s = ${LIB}.aten_add <alpha = 1.0> (a, x)  o = pkg.torch.LayerNorm (s, g2, h2)  m = pkg.transformers.Mlp (o, w1, b1, w2, b2)  y = ${LIB}.aten_add <alpha = 1.0> (m, s) }
${SDPA} ${LAYERS}`;

/** Layers of transformers as the dynamo exporter writes them, with a function for each module. */
export const DYNAMO: Readonly<Record<string, string>> = { bert, vit };
