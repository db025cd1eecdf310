import type { OptionsSchema } from '@onnxpress/core';
import { MODE_OPTIONS, STORED_OPTIONS } from '../options.ts';

/** What all quantizers to blocks with calibration take. */
export const BLOCK_OPTIONS = {
  data: { type: 'string', format: 'data', required: true, description: 'The data set to calibrate on: texts, a retrieval corpus or tensors. A hundred texts do for an encoder, 32 windows of 512 tokens for a decoder.' },
  ...STORED_OPTIONS,
  ...MODE_OPTIONS,
  format: { enum: ['MatMulNBits', 'QDQ'], default: 'MatMulNBits', description: 'Which operators: MatMulNBits of onnxruntime, fast on processors and at any opset, or DequantizeLinear of ONNX (opset 21), which other runtimes read too.' },
} as const satisfies OptionsSchema;

/** What solvers by second moments take. */
export const GPTQ_OPTIONS = {
  search: { enum: ['none', 'mse'], default: 'mse', description: 'Ranges of the blocks: the widest, or those with the least squared error weighted by the second moments of the inputs.' },
  damp: { type: 'number', minimum: 0, maximum: 1, default: 0.01, description: 'GPTQ: added to the diagonal of the second moments, as a part of its mean. Where that is too little for a Cholesky factor, ten times as much is tried, up to 1.' },
  'act-order': { type: 'boolean', default: true, description: 'GPTQ: quantize the inputs with the largest second moments first. The model needs no index for it.' },
  sequential: { type: 'boolean', default: true, description: 'Calibrate each layer on what the quantized layers before it make, instead of on the original model.' },
} as const satisfies OptionsSchema;
