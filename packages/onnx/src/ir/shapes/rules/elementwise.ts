import { dtypeOf, dtypeOfText, type DType } from '../../dtype.ts';
import { each, same, sameShape, tensor, unknowns, type Dims, type Facts, type Rule, type Rules } from '../facts.ts';

/** The shape of a binary operator; before opset 7, what `broadcast` widens is the second input alone. */
const broadcastShape = (f: Facts): Dims => (f.opset < 7 ? f.dims(0) : f.broadcast(f.dims(0), f.dims(1)));

const arithmetic: Rule = (f) => tensor(f.dtype(0) ?? f.dtype(1), broadcastShape(f));
const comparison: Rule = (f) => tensor('bool', broadcastShape(f));
const variadic: Rule = (f) => tensor(f.node.inputs.map((_, i) => f.dtype(i)).find((d) => d), f.broadcast(...f.node.inputs.map((_, i) => f.dims(i))));

/** Before opset 6 the attribute is the type's name. */
function castTo(f: Facts): DType | undefined {
  const to = f.node.int('to');
  return to === undefined ? dtypeOfText(f.node.string('to', '').toLowerCase()) : dtypeOf(to);
}

/** LayerNormalization and the like: Y as X, and statistics with the normalized axes kept as 1. */
export const normalization =
  (normalized: 'trailing' | 'last' = 'trailing', statistics = 2): Rule =>
  (f) => {
    const dims = f.dims(0);
    const axis = dims && (normalized === 'last' ? dims.length - 1 : f.axis('axis', -1, dims.length));
    const kept = axis === undefined ? undefined : dims?.map((d, i) => (i < axis ? d : 1));
    const stash = dtypeOf(f.node.int('stash_type', 1));
    return [f.type(0), ...Array.from({ length: statistics }, () => tensor(stash, kept ?? (dims && unknowns(dims.length))))];
  };

export const ELEMENTWISE: Rules = {
  ...each(
    `Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish Hardmax Identity LRN LeakyRelu Log LogSoftmax
     LpNormalization MeanVarianceNormalization Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh
     ThresholdedRelu Trilu CumSum CumProd BitwiseNot InstanceNormalization GroupNormalization ReverseSequence Clip PRelu Scatter ScatterElements ScatterND
     SwiGLU TensorScatter RotaryEmbedding RMSNormalization ParametricSoftplus ScaledTanh Affine ThresholdedLinear`,
    same,
  ),
  ...each('Add Sub Mul Div Mod BitShift BitwiseAnd BitwiseOr BitwiseXor StringConcat', arithmetic),
  ...each('Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor', comparison),
  ...each('Max Min Sum Mean', variadic),
  ...each('IsNaN IsInf', sameShape('bool')),

  Pow: (f) => tensor(f.dtype(0), broadcastShape(f)),
  Where: (f) => tensor(f.dtype(1) ?? f.dtype(2), f.broadcast(f.dims(0), f.dims(1), f.dims(2))),
  Cast: (f) => tensor(castTo(f), f.dims(0)),
  BitCast: (f) => tensor(castTo(f), f.dims(0)),
  CastLike: (f) => tensor(f.dtype(1), f.dims(0)),
  Dropout: (f) => [f.type(0), tensor(f.opset < 10 ? f.dtype(0) : 'bool', f.dims(0))],
  LayerNormalization: normalization(),
  SimplifiedLayerNormalization: normalization('trailing', 1),

  BatchNormalization: (f) => {
    const statistics = [f.type(3), f.type(4)];
    return [f.type(0), ...statistics, ...statistics];
  },

  RegexFullMatch: sameShape('bool'),

};
