import { inferNode, inferTypes, nodeCount, OnnxError, raiseOpset, rewrite, type Rule } from '@onnxpress/core';
import type { Work } from '../simplify/part.ts';
import type { Target } from './target.ts';

/** auto: raised for onnxruntime, which runs every opset that it is raised to; other runtimes may not, so for standard operators it stays unless that is asked for (raise). keep: never. */
export type OpsetChoice = 'auto' | 'keep' | 'raise';

/** From which opset on there is what the target's rules make: LayerNormalization, of which onnxruntime has none of its own, and also Attention, RotaryEmbedding and RMSNormalization. */
const NEWEST: Readonly<Record<Target, number>> = { onnxruntime: 17, onnx: 23 };

/** No rule makes anything of it in any opset: then nothing needs to be tried. */
const HEARTS: readonly string[] = ['ReduceMean', 'Softmax', 'Erf', 'Tanh'];

/** Why it is not raised, where nobody needs to read that. */
const NOTHING_TO_GAIN = '';

/** Raises the opset where rules that found nothing more to do would leave fewer nodes in a newer one. Says so, or why it cannot be. Whether it did. */
export function raiseFor(target: Target, choice: OpsetChoice, rules: readonly Rule[], work: Work): boolean {
  const { model, ctx } = work;
  const from = model.opsets.get('');
  const to = NEWEST[target];
  if (from === undefined || from >= to || choice === 'keep' || (choice === 'auto' && target === 'onnx')) return false;
  if (![...model.nodes()].some((n) => HEARTS.includes(n.opType))) return false;
  const refusal = whyNot(work, to, rules);
  if (refusal !== undefined) {
    if (refusal !== NOTHING_TO_GAIN) ctx.missed(`The model keeps opset ${from}, though operators of opset ${to} would take the place of more nodes: ${refusal}`);
    return false;
  }
  const converted = [...raiseOpset(model, to).converted.values()].reduce((sum, n) => sum + n, 0);
  ctx.count('opsets raised', to - from);
  if (converted > 0) ctx.count('converted', converted);
  return true;
}

function whyNot({ model, excludes, mayChange }: Work, to: number, rules: readonly Rule[]): string | undefined {
  const trial = model.clone();
  let converted: ReadonlyMap<string, number>;
  try {
    ({ converted } = raiseOpset(trial, to));
  } catch (e) {
    if (e instanceof OnnxError && e.code === 'unsupported') return e.message;
    throw e;
  }
  inferTypes(trial);
  if (rewrite(trial, rules, { infer: inferNode }).size === 0 || nodeCount(trial) >= nodeCount(model)) return NOTHING_TO_GAIN;
  const kept = excludes ? [...model.nodes()].find((n) => n.domain === '' && converted.has(n.opType) && !mayChange(n)) : undefined;
  return kept && `${kept.opType} "${kept.name}" is excluded, and may have to be written differently there.`;
}
