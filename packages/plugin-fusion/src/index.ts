import { definePlugin } from '@onnxpress/core';
import { extract } from './extract/extract.ts';
import { onnxruntime } from './onnxruntime/onnxruntime.ts';
import { opset } from './opset/opset.ts';
import { precision } from './precision/precision.ts';
import { simplify } from './simplify/simplify.ts';
import { transformers } from './transformers/transformers.ts';

/** Simplification and fusion of graphs. */
export default definePlugin({ name: 'fusion', passes: [simplify, opset, transformers, onnxruntime, precision, extract] });
