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
  'minilm-rtn-4-g32-e8': { model: 'minilm', steps: [weights({})] },
  'minilm-rtn-4-g32-e4': { model: 'minilm', steps: [weights({ embeddings: 4 })], goals: { megabytes: 15 } },
  'minilm-rtn-8-g32-e8': { model: 'minilm', steps: [weights({ bits: 8 })] },
  'minilm-k-quant-data-4-g32-e4': { model: 'minilm', steps: [weights({ embeddings: 4, search: 'k-quant', data: 'calibration' })], goals: { megabytes: 15 } },
};
