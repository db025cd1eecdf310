import { definePlugin } from '@onnxpress/core';
import { dynamic } from './dynamic.ts';
import { weights } from './weights.ts';

/** Quantization of weights and activations. */
export default definePlugin({ name: 'quant', passes: [dynamic, weights] });
