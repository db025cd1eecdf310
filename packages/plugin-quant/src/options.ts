import type { OptionsSchema } from '@onnxpress/core';

/* Options that several passes take. */

/** Which nodes. */
export const CHOICE_OPTIONS = {
  include: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only these nodes: globs over node or weight names, op:Type, or domain:name. Empty means all.' },
  exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Not these nodes.' },
} as const satisfies OptionsSchema;

export interface Choice {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** How weights are stored in blocks. */
export const STORED_OPTIONS = {
  bits: { enum: [2, 3, 4, 8], default: 4, description: 'Bits of a code. 3 are stored in 4: the file is no smaller than with 4, only what compresses it.' },
  block: { enum: [16, 32, 64, 128, 256], default: 32, description: 'Weights that share a scale: smaller is more exact, and larger on disk.' },
  scales: { enum: ['auto', 'float16', 'float32'], default: 'auto', description: 'How scales are stored. `auto`: float16, where that is as exact; float32 at accuracy level 4, since onnxruntime computes zeros from float16 ones at that level when it runs without its optimizations.' },
  'accuracy-level': { enum: [0, 1, 4], default: 1, description: 'What MatMulNBits computes in: 1 float32; 4 int8 activations, faster where the processor has VNNI and a little less exact; 0 leaves it to the runtime.' },
} as const satisfies OptionsSchema;

/** How a block becomes codes. */
export const MODE_OPTIONS = {
  mode: { enum: ['asymmetric', 'symmetric', 'full-range'], default: 'asymmetric', description: 'How a block becomes codes: with a zero point of its own, or around zero with or without the lowest code.' },
} as const satisfies OptionsSchema;

/** What becomes of weights that no quantizer can take. */
export const ON_NONFINITE = {
  'on-nonfinite': { enum: ['fail', 'keep'], default: 'fail', description: 'A weight with a NaN or an infinity is an error, or, at the price of reading every weight once more, left as it is.' },
} as const satisfies OptionsSchema;
