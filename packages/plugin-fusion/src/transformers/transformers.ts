import { definePass, inferTypes, rewrite, inferNode, type Rule } from '@onnxpress/core';
import { deadCode } from '../simplify/dead-code.ts';
import { knownSizes } from '../simplify/known-sizes.ts';
import { merge } from '../simplify/merge.ts';
import { workOn, type Part } from '../simplify/part.ts';
import { stopping } from '../simplify/rules.ts';
import { sparing } from '../simplify/sparing.ts';
import { NOT_TRIED } from './anchored.ts';
import { embeddings } from './families/embedding.ts';
import { foldedAttentions } from './families/folded-attention.ts';
import { gelus } from './families/gelu.ts';
import { groupedAttentions } from './families/grouped-attention.ts';
import { headRules, MOVES } from './families/heads.ts';
import { keyValueCaches } from './families/key-value-cache.ts';
import { linearRowsOf } from './families/linear-rows.ts';
import { layerNormalizations } from './families/layer-normalization.ts';
import { multiHeadAttentions } from './families/multi-head-attention.ts';
import { packedAttentions } from './families/packed-attention.ts';
import { rmsNormalizations } from './families/rms-normalization.ts';
import { rotaryEmbeddings } from './families/rotary.ts';
import { standardAttentions } from './families/standard-attention.ts';
import { sumsBeforeNormalization } from './families/sum-before-normalization.ts';
import { windowMasks } from './families/window-mask.ts';
import { raiseFor } from './raise-for.ts';
import type { Preference, Target } from './target.ts';

/** Every rule for a target, in the order in which they are tried at a node: the largest first. */
function rulesFor(target: Target, prefer: Preference): readonly Rule[] {
  const rules = [...embeddings(target), ...linearRowsOf(target), ...layerNormalizations(target), ...rmsNormalizations(target), ...gelus(target), ...rotaryEmbeddings(target), ...windowMasks(target), ...multiHeadAttentions(target), ...foldedAttentions(target), ...groupedAttentions(target), ...keyValueCaches(target), ...standardAttentions(target), ...packedAttentions(target), ...headRules(target)];
  return prefer === 'fewest' ? rules : [...rules.filter((r) => !SLOWER.includes(r.name)), ...sumsBeforeNormalization(target)];
}

/** See Preference. */
const SLOWER: readonly string[] = ['skip-layer-normalization'];

/** Why these did not fit is not worth knowing: that most nodes are needed. */
const UNTOLD = new Set(MOVES.map((r) => r.name));

/** Each round opens what the one before could not see. */
const MOST_ROUNDS = 4;

/** What transformers are made of, as the operators that runtimes have for it. */
export const transformers = definePass({
  name: 'fusion/transformers',
  summary: 'Replaces layer normalization, GELU, attention, rotary and token embeddings by the operators that runtimes have for them. Run fusion/simplify first: rules look for the simplest form. A mask of tokens holds 0 and 1.',
  numerics: 'rounding',
  options: {
    target: { type: 'string', enum: ['onnxruntime', 'onnx'], default: 'onnxruntime', description: 'onnxruntime: also operators that only it has (com.microsoft). onnx: standard operators.' },
    opset: { type: 'string', enum: ['auto', 'keep', 'raise'], default: 'auto', description: 'Whether the model’s opset may be raised, as fusion/opset does it. auto: for onnxruntime, to 17, where that leaves fewer operators (LayerNormalization); not for onnx, whose other runtimes may not know newer ones. keep: it stays. raise: also for onnx, to 23 (Attention, RotaryEmbedding, RMSNormalization).' },
    prefer: { type: 'string', enum: ['fastest', 'fewest'], default: 'fastest', description: 'fastest: layer normalization stays apart from the sum before it, because onnxruntime is slower at doing both at once: 4 to 9 % of an encoder at large batches. fewest: as few operators as possible.' },
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Nodes that stay as they are: globs over node or weight names, op:Type, or domain:name.' },
  },
  async run(model, options, ctx) {
    const work = workOn(model, options.exclude, ctx);
    const misses = new Set<string>();
    const rules = rulesFor(options.target, options.prefer).map((r) => stopping(sparing(r, work), work));
    const fuse: Part = {
      name: 'fuse',
      run() {
        inferTypes(model);
        misses.clear();
        const fired = rewrite(model, rules, { infer: inferNode, missed: ({ rule, reason, text }) => void (reason !== NOT_TRIED && !UNTOLD.has(rule) && misses.add(text)) });
        for (const [name, count] of fired) ctx.count(name, count);
      },
    };
    const settle = async (): Promise<void> => {
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const before = model.revision;
        for (const part of [fuse, knownSizes, merge, deadCode]) {
          ctx.signal.throwIfAborted();
          await part.run(work);
        }
        if (model.revision === before) break;
      }
    };
    await settle();
    if (raiseFor(options.target, options.opset, rules, work)) await settle();
    for (const why of misses) ctx.missed(why);
  },
});
