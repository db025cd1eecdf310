import { codeOf, scalar, tensorOf, type Ops, type Tensor, type Value } from '@onnxpress/core';

/** An activation [..., K] in 8 bits, a scale for each row of K. */
export interface Int8Rows {
  /** uint8 [..., K]: x / scale rounded half to even, plus 128. Signed codes would be several times slower in onnxruntime. */
  readonly codes: Value;
  /** float32 [..., 1]: the largest |x| of the row / 127. */
  readonly scale: Value;
  /** 128. */
  readonly zeroPoint: Value;
}

/** A row whose largest |x| is below 127 of it becomes zeros, as a row of zeros does. */
const LEAST_SCALE = 1e-30;

/** Where constants come from that many share. */
export type SharedConstant = (name: string, tensor: () => Tensor) => Value;

/** Quantizes the rows of a float32 activation, in operators of ONNX itself: what a row becomes depends on nothing but the row. */
export function int8Rows(x: Value, op: Ops<Value>, shared: SharedConstant): Int8Rows {
  const [largest] = op.call('', 'ReduceMax', [op.Abs(x)], { axes: [-1], keepdims: 1 }) as readonly [Value]; // it has one output
  const exact = op.Mul(largest, shared('int8_step', () => scalar('float32', 1 / 127)));
  const scale = op.Max([exact, shared('int8_least_scale', () => scalar('float32', LEAST_SCALE))]);
  const shifted = op.Add(op.Round(op.Div(x, scale)), shared('int8_shift', () => scalar('float32', 128)));
  return { codes: op.Cast(shifted, { to: codeOf('uint8') }), scale, zeroPoint: shared('int8_zero_point', () => tensorOf('uint8', [], [128])) };
}
