/** Functions as the dynamo exporter writes them: operators of PyTorch in those of ONNX, for any rank and any type, that call each other and refer to attributes of their callers. */
const LIBRARY = 'domain: "pkg.onnxscript.torch_lib", opset_import: ["" : 18, "pkg.onnxscript.torch_lib.common" : 1, "pkg.onnxscript.torch_lib" : 1]';
const COMMON = 'domain: "pkg.onnxscript.torch_lib.common", opset_import: ["" : 18]';

export const TORCH_LIB = `
<${COMMON}> Rank (input) => (rank) { shape = Shape (input)  rank = Size (shape) }
<${COMMON}> IsScalar (input) => (is) { shape = Shape (input)  rank = Size (shape)  zero = Constant <value_int = 0> ()  is = Equal (rank, zero) }
<${LIBRARY}> aten_t (self) => (result) {
  rank = pkg.onnxscript.torch_lib.common.Rank (self)  two = Constant <value_int = 2> ()  is_matrix = Equal (rank, two)
  result = If (is_matrix) <then_branch = then () => (turned) { turned = Transpose <perm = [1, 0]> (self) }, else_branch = else () => (same) { same = Identity (self) }> }
<${LIBRARY}> aten_view (self, size) => (result) { long = Cast <to = 7> (size)  result = Reshape (self, long) }
<${LIBRARY}> aten_addmm <alpha, beta> (self, mat1, mat2) => (result) { result = Gemm <alpha : float = @alpha, beta : float = @beta> (mat1, mat2, self) }
<${LIBRARY}> aten_permute <dims> (self) => (result) { result = Transpose <perm : ints = @dims> (self) }
<${LIBRARY}> aten_add <alpha> (self, other) => (result) { a = Constant <value_float : float = @alpha> ()  like = CastLike (a, other)  scaled = Mul (other, like)  result = Add (self, scaled) }
<${LIBRARY}> aten_mul (self, other) => (result) { like = CastLike (other, self)  result = Mul (self, like) }
<${LIBRARY}> aten_div (self, other) => (result) { like = CastLike (other, self)  result = Div (self, like) }
<${LIBRARY}> aten_rsub <alpha> (self, other) => (result) { a = Constant <value_float : float = @alpha> ()  like = CastLike (a, self)  scaled = Mul (self, like)  minuend = CastLike (other, self)  result = Sub (minuend, scaled) }
<${LIBRARY}> aten_matmul (self, other) => (result) { result = MatMul (self, other) }
<${LIBRARY}> aten_unsqueeze <dim> (self) => (result) { d = Constant <value_int : int = @dim> ()  minus = Constant <value_ints = [-1]> ()  axis = Reshape (d, minus)  result = Unsqueeze (self, axis) }
<${LIBRARY}> aten_sym_size <dim> (self) => (result) {
  shape = Shape (self)  d = Constant <value_int : int = @dim> ()  one = Constant <value_int = 1> ()  next = Add (d, one)  minus = Constant <value_ints = [-1]> ()
  start = Reshape (d, minus)  end = Reshape (next, minus)  part = Slice (shape, start, end)  first = Constant <value_ints = [0]> ()  result = Squeeze (part, first) }
<${LIBRARY}> aten_softmax_no_dtype <dim> (self) => (result) {
  is_scalar = pkg.onnxscript.torch_lib.common.IsScalar (self)
  wide = If (is_scalar) <then_branch = then () => (u) { first = Constant <value_ints = [0]> ()  u = Unsqueeze (self, first) }, else_branch = else () => (s) { s = Identity (self) }>
  soft = Softmax <axis : int = @dim> (wide)
  result = If (is_scalar) <then_branch = then_1 () => (q) { q = Squeeze (soft) }, else_branch = else_1 () => (k) { k = Identity (soft) }> }
<${LIBRARY}> _aten_native_layer_norm_onnx <axes, eps> (input, weight, bias) => (result, mean, rdenominator) {
  over = Constant <value_ints : ints = @axes> ()  mean = ReduceMean (input, over)  numerator = Sub (input, mean)  two = Constant <value_float = 2.0> ()  square = Pow (numerator, two)  variance = ReduceMean (square, over)
  small = Constant <value_float : float = @eps> ()  like = CastLike (small, variance)  moved = Add (variance, like)  denominator = Sqrt (moved)  normal = Div (numerator, denominator)
  w = CastLike (weight, normal)  scaled = Mul (normal, w)  b = CastLike (bias, scaled)  result = Add (scaled, b)  rdenominator = Reciprocal (denominator) }
<${LIBRARY}> _aten_gelu_approximate_none (self) => (result) {
  root = Constant <value_float = 1.4142135623730951> ()  r = CastLike (root, self)  inner = Div (self, r)  erf = Erf (inner)  one = Constant <value_float = 1.0> ()  o = CastLike (one, erf)  more = Add (erf, o)
  product = Mul (self, more)  half = Constant <value_float = 0.5> ()  h = CastLike (half, product)  result = Mul (h, product) }
<${LIBRARY}> _attention_scale (query) => (scale) { shape = Shape (query)  minus = Constant <value_ints = [-1]> ()  last = Gather (shape, minus)  size = CastLike (last, query)  root = Sqrt (size)  one = Constant <value_float = 1.0> ()  o = CastLike (one, root)  scale = Div (o, root) }
<${LIBRARY}> _aten_scaled_dot_product_attention_no_mask_onnx <dropout_p> (query, key, value, scale) => (result) {
  shape = Shape (key)  m1 = Constant <value_ints = [-1]> ()  m2 = Constant <value_ints = [-2]> ()  far = Constant <value_ints = [9223372036854775807]> ()  first = Constant <value_ints = [0]> ()
  last = Slice (shape, m1, far)  before_last = Slice (shape, m2, m1)  front = Slice (shape, first, m2)
  flat_shape = Concat <axis = 0> (m1, before_last, last)  flat = Reshape (key, flat_shape)  turned_flat = Transpose <perm = [0, 2, 1]> (flat)  turned_shape = Concat <axis = 0> (front, last, before_last)  turned = Reshape (turned_flat, turned_shape)
  s = Sqrt (scale)  sq = CastLike (s, query)  q = Mul (query, sq)  k = Mul (turned, sq)  scores = MatMul (q, k)  weight = Softmax <axis = -1> (scores)
  p = Constant <value_float : float = @dropout_p> ()  kept, mask = Dropout (weight, p)  result = MatMul (kept, value) }
`;
