import { dtypeOf } from '../../dtype.ts';
import { tensor, type Rule, type Rules } from '../facts.ts';

export const quantize: Rule = (f) => {
  const asked = f.node.int('output_dtype', 0);
  return tensor(f.has(2) ? f.dtype(2) : asked !== 0 ? dtypeOf(asked) : 'uint8', f.dims(0));
};

export const dequantize: Rule = (f) => {
  const asked = f.node.int('output_dtype', 0);
  return tensor(asked !== 0 ? dtypeOf(asked) : f.dtype(1), f.dims(0));
};

export const QUANTIZATION: Rules = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: (f) => [tensor('uint8', f.dims(0)), tensor('float32', []), tensor('uint8', [])],
};
