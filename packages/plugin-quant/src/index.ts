import { definePlugin } from '@onnxpress/core';
import { awq } from './awq.ts';
import { dynamic } from './dynamic.ts';
import { gptq } from './gptq.ts';
import { rotate } from './rotate.ts';
import { weights } from './weights.ts';

/** Quantization of weights and activations. */
export default definePlugin({ name: 'quant', passes: [awq, dynamic, gptq, rotate, weights] });
