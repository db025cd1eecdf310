import { inferNode, rewrite, type Miss, type Rule } from '@onnxpress/core';
import { unusedOutputs } from './dead-code.ts';
import type { Part, Work } from './part.ts';
import { neutralOperand } from './rules/arithmetic.ts';
import { castLike, castOfCast, castToSame } from './rules/cast.ts';
import { matmulAddToGemm } from './rules/gemm.ts';
import { constantChain } from './rules/constant-chain.ts';
import { dropout, identity, sameOperands, splitIntoOne } from './rules/identity.ts';
import { concatOfConcat, concatOfSplit } from './rules/joined.ts';
import { affineInFront } from './rules/linear-front.ts';
import { affineIntoWeights } from './rules/linear.ts';
import { padIntoMaximum, padIntoWindow } from './rules/pad.ts';
import { padByNothing, sliceOfAll, tileByOnes } from './rules/parts.ts';
import { keptAxes, squeezedReduction } from './rules/reduce.ts';
import { expand, reshapeByConstant, reshapeOfReshape, reshapeToSame, squeezePair } from './rules/reshape.ts';
import { elementOfSequence, partOfSequence } from './rules/sequence.ts';
import { sizeParts } from './rules/size-parts.ts';
import { expandBeforeSpreading } from './rules/spread.ts';
import { transposeThrough } from './rules/transpose-through.ts';
import { transposeFlattened } from './rules/transpose-flattened.ts';
import { transposeOfTranspose, transposeToSame } from './rules/transpose.ts';
import { extremeOfOne, firstPower, knownChoice, ownInverse } from './rules/undone.ts';
import { sparing } from './sparing.ts';

/** Under which word of the report a rule counts → the rules, in the order in which they are tried at a node. */
export const RULES: Readonly<Record<string, readonly Rule[]>> = {
  removed: [identity, dropout, splitIntoOne, sameOperands, castToSame, castOfCast, neutralOperand, sliceOfAll, padByNothing, tileByOnes, expand, expandBeforeSpreading, reshapeToSame, squeezePair, reshapeOfReshape, transposeToSame, transposeOfTranspose, transposeFlattened, transposeThrough, keptAxes, squeezedReduction, concatOfSplit, elementOfSequence, ownInverse, knownChoice, firstPower, extremeOfOne],
  replaced: [castLike, partOfSequence, reshapeByConstant, sizeParts, unusedOutputs],
  fused: [affineIntoWeights, affineInFront, constantChain, padIntoWindow, padIntoMaximum, concatOfConcat, matmulAddToGemm],
};

/** Why these did not fit is worth knowing; that most nodes do something is not. */
const TOLD: readonly string[] = ['replaced', 'fused'];

const KINDS = new Map(Object.entries(RULES).flatMap(([kind, rules]) => rules.map((r) => [r.name, kind] as const)));

/** Every local rewrite, until none fits. `misses` is filled anew: why some rules did not fit. */
export function localRules(misses: Miss[]): Part {
  return {
    name: 'rules',
    run(work) {
      misses.length = 0;
      const rules = Object.values(RULES).flat().map((r) => stopping(sparing(r, work), work));
      const fired = rewrite(work.model, rules, {
        infer: inferNode,
        missed: (miss) => void (TOLD.includes(KINDS.get(miss.rule)!) && misses.push(miss)),
      });
      for (const [name, count] of fired) work.ctx.count(KINDS.get(name)!, count); // every rule has its kind
    },
  };
}

/** The rule, which looks before each attempt whether the run is aborted. */
export const stopping = (rule: Rule, { ctx }: Work): Rule => ({
  ...rule,
  offer(node, judge) {
    ctx.signal.throwIfAborted();
    return rule.offer(node, judge);
  },
});
