import { definePlugin } from '@onnxpress/core';
import { awq } from './awq.ts';
import { dynamic } from './dynamic.ts';
import { gptq } from './gptq.ts';
import { hqq } from './hqq.ts';
import { mixed } from './mixed.ts';
import { nf4 } from './nf4.ts';
import { outliers } from './outliers.ts';
import { rotate } from './rotate.ts';
import { smooth } from './smooth.ts';
import { staticInt8 } from './static.ts';
import { weights } from './weights.ts';

/** Quantization of weights and activations. */
export default definePlugin({ name: 'quant', passes: [awq, dynamic, gptq, hqq, mixed, nf4, outliers, rotate, smooth, staticInt8, weights] });
