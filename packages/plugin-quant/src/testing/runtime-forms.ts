import { checkOptions, parseModel, seeded, type Dataset, type Feeds, type Model, type Pass } from '@onnxpress/core';
import { testPassContext, tinyTransformer } from '@onnxpress/core/testing';
import plugin from '../index.ts';

/* Each form that a quantizer writes, made of a small model: what runtimes are tried with. */

const [WIDTH, VOCABULARY, TEXTS, LENGTH] = [32, 48, 4, 16];
const decoder = (tied: boolean): string => tinyTransformer({ width: WIDTH, heads: 4, valueHeads: 2, feedForward: 2 * WIDTH, vocabulary: VOCABULARY, tied });
const wave = (count: number, pace: number): string => Array.from({ length: count }, (_, i) => Math.sin((i + 1) * pace).toFixed(4)).join();
const CONVOLUTIONS = `<ir_version: 8, opset_import: ["" : 17]> g (float[N, 3, 16, 16] image) => (float[N, 8, 8, 8] y)
  <float[16, 3, 3, 3] first = {${wave(16 * 27, 1.7)}}, float[16] b = {${wave(16, 2.9)}}, float[8, 16, 3, 3] second = {${wave(8 * 144, 3.1)}}, float[8] c = {${wave(8, 0.7)}}> {
    x = Conv <pads = [1, 1, 1, 1]> (image, first, b)
    r = Relu(x)
    y = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (r, second, c)
  }`;

const feedsFor = {
  ids(seed: string): Feeds {
    const random = seeded(seed);
    return { ids: { dtype: 'int64', dims: [TEXTS, LENGTH], data: BigInt64Array.from({ length: TEXTS * LENGTH }, () => BigInt(Math.floor(random() * VOCABULARY))) } };
  },
  image(seed: string): Feeds {
    const random = seeded(seed);
    return { image: { dtype: 'float32', dims: [2, 3, 16, 16], data: Float32Array.from({ length: 2 * 3 * 256 }, () => random() * 2 - 1) } };
  },
};

const SUBJECTS = {
  decoder: { text: decoder(false), feeds: feedsFor.ids },
  tied: { text: decoder(true), feeds: feedsFor.ids },
  convolutions: { text: CONVOLUTIONS, feeds: feedsFor.image },
} as const;

/** What a runtime may differ by from onnxruntime-node under basic optimizations, relative to the largest output. */
const TOLERANCE = {
  /** Another order of float32 sums. */
  float: 1e-4,
  /** Another order of sums moves an activation across the border of two of its 8-bit codes, and what comes after it. */
  codes: 0.03,
} as const;

/** A pass with options, and what it is tried on. */
export interface Form {
  readonly pass: string;
  /** Options as a recipe has them, without the data. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly subject: keyof typeof SUBJECTS;
  readonly tolerance: number;
}

const form = (pass: string, options: Form['options'] = {}, more: Partial<Form> = {}): Form => ({ pass, options, subject: 'decoder', tolerance: TOLERANCE.float, ...more });
const [KEEP, QDQ, INT8] = [{ embeddings: 'keep' }, { format: 'QDQ' }, { tolerance: TOLERANCE.codes }];

export const FORMS: readonly Form[] = [
  form('quant/weights', { bits: 2, ...KEEP }),
  form('quant/weights', { bits: 3, ...KEEP }),
  form('quant/weights', { bits: 4, ...KEEP }),
  form('quant/weights', { bits: 8, ...KEEP }),
  form('quant/weights', { mode: 'symmetric', ...KEEP }),
  form('quant/weights', { scales: 'float32', ...KEEP }),
  form('quant/weights', { 'accuracy-level': 4, ...KEEP }),
  form('quant/weights', { 'accuracy-level': 4, scales: 'float16', ...KEEP }),
  form('quant/weights', { embeddings: 8 }),
  form('quant/weights', { embeddings: 4 }),
  form('quant/weights', { embeddings: 8, scales: 'float32' }),
  form('quant/weights', { embeddings: 8 }, { subject: 'tied' }),
  form('quant/weights', { bits: 2, ...QDQ, ...KEEP }),
  form('quant/weights', { bits: 4, ...QDQ, ...KEEP }),
  form('quant/weights', { bits: 8, ...QDQ, ...KEEP }),
  form('quant/weights', { mode: 'symmetric', ...QDQ, ...KEEP }),
  form('quant/weights', { embeddings: 8, ...QDQ }),
  form('quant/weights', { embeddings: 8, ...QDQ }, { subject: 'tied' }),
  form('quant/nf4', { 'double-quantization': false }),
  form('quant/nf4', { 'double-quantization': true }),
  form('quant/nf4', { codebook: 'fp4', 'double-quantization': false }),
  form('quant/nf4', { codebook: 'fp4', 'double-quantization': true }),
  form('quant/hqq'),
  form('quant/hqq', { 'zero-points': 'float' }),
  form('quant/hqq', { 'zero-points': 'float', scales: 'float32' }),
  form('quant/hqq', QDQ),
  form('quant/gptq'),
  form('quant/gptq', QDQ),
  form('quant/awq', { rounding: 'gptq' }),
  form('quant/awq', { rounding: 'gptq', ...QDQ }),
  form('quant/mixed', { 'bits-per-weight': 6.5 }),
  form('quant/mixed', { 'bits-per-weight': 6.5, ...QDQ }),
  form('quant/dynamic', {}, INT8),
  form('quant/dynamic', { 'per-channel': false }, INT8),
  form('quant/dynamic', { activations: 'token' }, INT8),
  form('quant/dynamic', { activations: 'token' }, { ...INT8, subject: 'tied' }),
  form('quant/outliers', { threshold: 2, share: 0, most: 0.1 }, INT8),
  form('quant/static', {}, { ...INT8, subject: 'convolutions' }),
  form('quant/static', { activations: 'int8', symmetric: true }, { ...INT8, subject: 'convolutions' }),
  form('quant/static', { activations: 'uint16' }, { ...INT8, subject: 'convolutions' }),
  form('quant/smooth', {}),
  form('quant/rotate', {}),
];

const calibration = (subject: Form['subject']): Dataset => ({
  kind: 'tensors', fingerprint: subject, count: 8,
  async *feeds() {
    for (let i = 0; i < 8; i++) yield SUBJECTS[subject].feeds(`calibration ${i}`);
  },
});

/** The model before the pass. */
export const originalOf = ({ subject }: Form): Model => parseModel(SUBJECTS[subject].text);

/** Inputs that nothing was calibrated on. */
export const feedsOf = ({ subject }: Form): Feeds => SUBJECTS[subject].feeds('held out');

/** The model after the pass. */
export async function quantized(form: Form): Promise<Model> {
  const pass = plugin.passes?.find(({ name }) => name === form.pass);
  if (!pass) throw new Error(`The plugin has no pass "${form.pass}".`);
  const given = 'data' in pass.options && pass.options['data']?.['required'] === true ? { data: 'calibration', ...form.options } : form.options;
  const { value, misfits } = checkOptions(pass.options, given);
  if (misfits.length) throw new Error(`Options of ${form.pass} do not fit: ${JSON.stringify(misfits)}`);
  const model = originalOf(form);
  await pass.run(model, value as Parameters<Pass['run']>[1], testPassContext({ data: { calibration: calibration(form.subject) } })); // they fit its schema
  return model;
}

/** Operators that the pass has brought. */
export function operatorsOf(form: Form, model: Model): string[] {
  const before = new Set([...originalOf(form).nodes()].map((n) => n.opType));
  return [...new Set([...model.nodes()].map((n) => n.opType))].filter((opType) => !before.has(opType)).sort();
}
