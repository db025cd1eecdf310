import { definePlugin } from '@onnxpress/core';
import { dynamic } from './dynamic.ts';

/** Quantization of weights and activations. */
export default definePlugin({ name: 'quant', passes: [dynamic] });
