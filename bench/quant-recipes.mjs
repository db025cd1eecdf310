import { join } from 'node:path';
import { fixtures, shared } from './harness.mjs';

/** Windows of 512 tokens of WikiText-2's validation text; what is measured is never calibrated on. */
const wikitext = (skip, take) => ({ use: 'eval/texts', with: { file: join(shared, 'data/wikitext2/valid.txt'), window: 512, skip, take } });

/** The models, their data, and what is measured of each. */
export const MODELS = {
  smollm2: { path: join(fixtures, 'smollm2-135m'), data: { calibration: wikitext(32, 32) }, measures: ['size', 'divergence', 'language-speed'] },
  minilm: { path: join(fixtures, 'all-minilm-l6-v2'), data: { calibration: { use: 'eval/beir', with: { folder: join(shared, 'data/cranfield') } } }, measures: ['size', 'cosine', 'encoder-speed'] },
};

const weights = (options) => ({ use: 'quant/weights', with: options });
const calibrated = (use, options = {}) => ({ use, with: { data: 'calibration', ...options } });
/** The table, and the output head that is tied to it where there is one. */
const table = (bits) => weights({ include: ['op:Gather'], embeddings: bits });
const tiedTable = (bits) => weights({ include: ['op:Gather', '**/lm_head/MatMul'], embeddings: bits, bits });
const bothAwqAndGptq = (options = {}) => calibrated('quant/awq', { rounding: 'gptq', ...options });

/**
 * Name → model, steps, and goals by metric: an upper bound, or `{ atLeast }`. In a name: bits, g and the block, e and the bits of the embedding (float where
 * there is no e), l4 for accuracy level 4.
 */
export const RECIPES = {
  'smollm2-rtn-4-g32': { model: 'smollm2', steps: [weights({ embeddings: 'keep' })], goals: { kl: 0.3502 } },
  'smollm2-rtn-4-g32-l4': { model: 'smollm2', steps: [weights({ embeddings: 'keep', 'accuracy-level': 4 })] },
  'smollm2-rtn-4-g32-e8': { model: 'smollm2', steps: [weights({})], goals: { megabytes: 95, 'kl beyond smollm2-rtn-4-g32': 0.005 } },
  'smollm2-rtn-4-g32-e4': { model: 'smollm2', steps: [weights({ embeddings: 4 })] },
  'smollm2-rtn-8-g32-e8': { model: 'smollm2', steps: [weights({ bits: 8 })] },
  'smollm2-rtn-2-g32-e8': { model: 'smollm2', steps: [weights({ bits: 2 })] },
  'smollm2-rtn-3-g32-e8': { model: 'smollm2', steps: [weights({ bits: 3 })] },
  'smollm2-rtn-4-g128-e8': { model: 'smollm2', steps: [weights({ block: 128 })] },
  'smollm2-mse-4-g32-e8': { model: 'smollm2', steps: [weights({ search: 'mse' })] },
  'smollm2-k-quant-4-g32-e8': { model: 'smollm2', steps: [weights({ search: 'k-quant' })] },
  'smollm2-k-quant-data-4-g32-e8': { model: 'smollm2', steps: [weights({ search: 'k-quant', data: 'calibration' })] },
  'smollm2-qdq-4-g32-e8': { model: 'smollm2', steps: [weights({ format: 'QDQ' })] },
  'smollm2-gptq-4-g32': { model: 'smollm2', steps: [calibrated('quant/gptq')], goals: { kl: 0.126 } },
  'smollm2-awq-4-g32': { model: 'smollm2', steps: [calibrated('quant/awq')], goals: { kl: 0.109 } },
  'smollm2-awq-gptq-4-g32': { model: 'smollm2', steps: [bothAwqAndGptq()], goals: { kl: 0.061 } },
  'smollm2-awq-gptq-4-g32-l4': { model: 'smollm2', steps: [bothAwqAndGptq({ 'accuracy-level': 4 })], goals: { 'kl beyond smollm2-awq-gptq-4-g32': 0.01 } },
  'smollm2-awq-gptq-4-g32-e8': { model: 'smollm2', steps: [bothAwqAndGptq(), tiedTable(8)], goals: { megabytes: 95, 'kl beyond smollm2-awq-gptq-4-g32': 0.005 } },
  'smollm2-rotate-awq-gptq-4-g32': { model: 'smollm2', steps: ['quant/rotate', bothAwqAndGptq()], goals: { kl: 0.055 } },
  'smollm2-awq-gptq-4-g128': { model: 'smollm2', steps: [bothAwqAndGptq({ block: 128 })], goals: { kl: 0.18 } },
  'smollm2-awq-gptq-3-g32': { model: 'smollm2', steps: [bothAwqAndGptq({ bits: 3 })], goals: { kl: 0.45 } },
  'smollm2-awq-gptq-2-g32': { model: 'smollm2', steps: [bothAwqAndGptq({ bits: 2 })] },
  'smollm2-mixed-4.6': { model: 'smollm2', steps: [calibrated('quant/mixed', { 'bits-per-weight': 4.6 })] },
  'smollm2-hqq-4-g32': { model: 'smollm2', steps: ['quant/hqq'], goals: { kl: 0.2581 } },
  'smollm2-nf4-g64': { model: 'smollm2', steps: ['quant/nf4'], goals: { kl: 0.3752 } },
  'smollm2-smooth-dynamic-token': { model: 'smollm2', steps: [calibrated('quant/smooth'), { use: 'quant/dynamic', with: { activations: 'token', embeddings: false } }], goals: { kl: 0.02 } },
  'minilm-gptq-4-g32-e4': { model: 'minilm', steps: [calibrated('quant/gptq'), table(4)], goals: { megabytes: 15, cosine: { atLeast: 0.99 }, 'cosine elsewhere': { atLeast: 0.985 } } },
  'minilm-awq-gptq-4-g32-e4': { model: 'minilm', steps: [bothAwqAndGptq(), table(4)], goals: { megabytes: 15, cosine: { atLeast: 0.99 }, 'cosine elsewhere': { atLeast: 0.985 } } },
  'minilm-smooth-dynamic-tensor': { model: 'minilm', steps: [calibrated('quant/smooth', { activations: 'tensor' }), { use: 'quant/dynamic', with: { activations: 'tensor' } }], goals: { megabytes: 23.2 } },
  'minilm-smooth-dynamic-auto': { model: 'minilm', steps: [calibrated('quant/smooth', { activations: 'tensor' }), calibrated('quant/dynamic', { activations: 'auto' })], goals: { megabytes: 23.2, cosine: { atLeast: 0.997 } } },
  'minilm-smooth-dynamic-token': { model: 'minilm', steps: [calibrated('quant/smooth'), { use: 'quant/dynamic', with: { activations: 'token' } }], goals: { megabytes: 23.5, cosine: { atLeast: 0.9985 }, '32x128': 0.65, '1x32': 0.75 } },
  'minilm-rtn-4-g32-e8': { model: 'minilm', steps: [weights({})] },
  'minilm-rtn-4-g32-e4': { model: 'minilm', steps: [weights({ embeddings: 4 })], goals: { megabytes: 15 } },
  'minilm-rtn-8-g32-e8': { model: 'minilm', steps: [weights({ bits: 8 })] },
  'minilm-k-quant-data-4-g32-e4': { model: 'minilm', steps: [weights({ embeddings: 4, search: 'k-quant', data: 'calibration' })], goals: { megabytes: 15 } },
  'minilm-static-naive': { model: 'minilm', steps: [calibrated('quant/static', { calibration: 'minmax', 'bias-correction': false, 'least-sqnr': -100 })] },
  'minilm-static': { model: 'minilm', steps: [calibrated('quant/static')] },
  'minilm-smooth-static': { model: 'minilm', steps: [calibrated('quant/smooth', { activations: 'tensor' }), calibrated('quant/static')], goals: { cosine: { atLeast: 0.965 } } },
  'smollm2-static-naive': { model: 'smollm2', steps: [calibrated('quant/static', { calibration: 'minmax', 'bias-correction': false, 'least-sqnr': -100 })] },
  'smollm2-smooth-static': { model: 'smollm2', steps: [calibrated('quant/smooth', { activations: 'tensor' }), calibrated('quant/static')], goals: { kl: 0.475 } },
};
