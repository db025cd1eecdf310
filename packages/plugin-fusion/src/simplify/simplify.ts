import { definePass, inlineFunctions, selector, type Miss, type Model } from '@onnxpress/core';
import { conditions } from './conditions.ts';
import { deadCode } from './dead-code.ts';
import { dropExporterNotes } from './exporter-notes.ts';
import { foldConstants } from './fold-constants.ts';
import { inlineIf } from './inline-if.ts';
import { intoBranches } from './into-branches.ts';
import { knownSizes } from './known-sizes.ts';
import { loopOnce } from './loop-once.ts';
import { merge } from './merge.ts';
import { workOn, type Part } from './part.ts';
import { localRules } from './rules.ts';
import { splitSlices } from './split-slices.ts';

const types: Part = { name: 'types', run: (work) => work.infer() };

/** In the order in which each makes most work for the next. Folding comes last: what goes into a weight that a shape fills need not know its elements. */
const partsOf = (model: Model, foldBytes: number, misses: Miss[]): readonly Part[] => [types, inlineIf, loopOnce, conditions, intoBranches, knownSizes, localRules(misses), merge, splitSlices, deadCode, foldConstants(model, foldBytes)];

/** Each round opens what the one before could not see; real models settle after three or four. */
const MOST_ROUNDS = 12;

/**
 * Fewer nodes that compute the same, in standard operators only. Every part is exact but for two: what goes into the weights of a convolution or a product of matrices, and
 * constants that the runtime computes, are rounded once more. Sizes that have a name are the same wherever the name is: an input that says "batch" twice must be given so.
 */
export const simplify = definePass({
  name: 'fusion/simplify',
  summary: 'Removes nodes that do nothing, computes what is known before the run, and folds normalization into weights: the same outputs from fewer operators.',
  numerics: 'rounding',
  usesRuntime: true,
  options: {
    'fold-bytes': { type: 'integer', minimum: 0, default: 0, description: 'How many bytes larger than before constant folding may make the file. Weights that are stored small (in half precision, as a filled shape) and computed when the model is loaded stay so unless there is room.' },
    'keep-metadata': { type: 'boolean', default: false, description: 'Keep what exporters note at nodes: stack traces, names of modules, paths of the machine.' },
    functions: { type: 'string', enum: ['keep', 'inline'], description: 'What happens to the model’s own functions. keep, as when nothing is said: they stay, and are simplified inside. inline: what they do takes the place of their calls, where everything else can see it.' },
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Nodes that stay as they are: globs over node or weight names, op:Type, or domain:name.' },
  },
  async run(model, options, ctx) {
    const kept: string[] = [];
    if (options.functions === 'inline') {
      const inlined = inlineFunctions(model, selector(model, [], options.exclude));
      if (inlined.calls > 0) ctx.count('inlined', inlined.calls);
      kept.push(...inlined.kept);
    }
    const work = workOn(model, options.exclude, ctx);
    const misses: Miss[] = [];
    const parts = partsOf(model, options['fold-bytes'], misses);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const before = model.revision;
      for (const [i, part] of parts.entries()) {
        ctx.signal.throwIfAborted();
        ctx.progress(i, parts.length, part.name);
        await part.run(work);
      }
      if (model.revision === before) break;
    }
    if (!options['keep-metadata']) dropExporterNotes(model);
    ctx.missed(() => new Set([...kept, ...misses.map((m) => m.text)]));
  },
});
