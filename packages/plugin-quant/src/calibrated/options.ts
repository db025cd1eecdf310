import type { OptionsSchema } from '@onnxpress/core';

/** What all quantizers to blocks with calibration take. */
export const BLOCK_OPTIONS = {
  data: { type: 'string', format: 'data', required: true, description: 'The data set to calibrate on: texts, a retrieval corpus or tensors. A hundred texts do for an encoder, 32 windows of 512 tokens for a decoder.' },
  bits: { enum: [2, 3, 4, 8], default: 4, description: 'Bits of a code. Codes of 3 bits take 4 in the file.' },
  block: { enum: [16, 32, 64, 128, 256], default: 32, description: 'Weights that share a scale: smaller is more exact, and larger on disk.' },
  mode: { enum: ['asymmetric', 'symmetric', 'full-range'], default: 'asymmetric', description: 'How a block becomes codes: with a zero point of its own, or around zero with or without the lowest code.' },
  scales: { enum: ['float16', 'float32'], default: 'float16', description: 'How scales are stored. float16 halves them; codes are made with what is stored.' },
  format: { enum: ['MatMulNBits', 'QDQ'], default: 'MatMulNBits', description: 'Which operators: MatMulNBits of onnxruntime, fast on processors and at any opset, or DequantizeLinear of ONNX (opset 21), which other runtimes read too.' },
  'accuracy-level': { enum: [0, 1, 4], default: 1, description: 'What MatMulNBits computes in: 1 float32; 4 int8 activations, faster where the processor has VNNI and a little less exact; 0 leaves it to the runtime.' },
} as const satisfies OptionsSchema;

/** What solvers by second moments take. */
export const GPTQ_OPTIONS = {
  search: { enum: ['none', 'mse'], default: 'mse', description: 'Ranges of the blocks: the widest, or those with the least squared error weighted by the second moments of the inputs.' },
  damp: { type: 'number', minimum: 0, maximum: 1, default: 0.01, description: 'GPTQ: added to the diagonal of the second moments, as a part of its mean. Where that is too little for a Cholesky factor, ten times as much is tried, up to 1.' },
  'act-order': { type: 'boolean', default: true, description: 'GPTQ: quantize the inputs with the largest second moments first. The model needs no index for it.' },
  sequential: { type: 'boolean', default: true, description: 'Calibrate each layer on what the quantized layers before it make, instead of on the original model.' },
} as const satisfies OptionsSchema;

/** Which nodes. */
export const CHOICE_OPTIONS = {
  include: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only these nodes: globs over node or weight names, op:Type, or domain:name. Empty means all.' },
  exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Not these nodes.' },
} as const satisfies OptionsSchema;
