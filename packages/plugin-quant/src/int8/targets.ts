import { describe, OnnxError, selector, type Model, type PassContext, type Value } from '@onnxpress/core';
import { groupsOf } from '../blocks/group.ts';
import { sharedElsewhere, targetOf, type Target } from '../target.ts';
import { dividingBlock } from './blocks.ts';

/** Round, DynamicQuantizeLinear and MatMulInteger are all there from it on. */
const NEEDS_OPSET = 11;

/** Throws `unsupported` for a model without the operators. */
export function assertInt8Opset(model: Model): void {
  const opset = model.opsets.get('') ?? 0;
  if (opset < NEEDS_OPSET) throw new OnnxError('unsupported', `Dynamic quantization needs opset ${NEEDS_OPSET}, and the model has ${opset}. Export it with a newer opset.`);
}

interface Choice {
  readonly embeddings: boolean;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** The products and lookups that can be int8. What is left out, and why, goes to `ctx.missed`. A table that is also multiplied by can be stored in blocks. */
export function int8Targets(model: Model, { include, exclude, embeddings }: Choice, ctx: PassContext): Target[] {
  const chosen = selector(model, include, exclude);
  const found: Target[] = [];
  for (const node of model.nodes()) {
    const target = chosen(node) && !(node.is('Gather') && !embeddings) ? targetOf(node) : undefined;
    if (typeof target === 'string') ctx.missed(`${describe(node)} stays: ${target}.`);
    else if (target?.tensor.dims.includes(0)) ctx.missed(`${describe(node)} stays: its weight "${target.weight.name}" is empty.`);
    else if (target) found.push(target);
  }
  const reasons = reasonsAgainst(found, model);
  for (const { node, weight } of found) if (reasons.has(weight)) ctx.missed(`${describe(node)} stays: its weight "${weight.name}" ${reasons.get(weight)}.`);
  return found.filter((t) => !reasons.has(t.weight));
}

/** Weights that would have to be stored twice, and why. */
function reasonsAgainst(targets: readonly Target[], model: Model): Map<Value, string> {
  const reasons = new Map<Value, string>([...sharedElsewhere(targets, model)].map((weight) => [weight, 'is read elsewhere too, and would be stored twice']));
  const tables = new Set(targets.filter((t) => t.kind === 'embedding').map((t) => t.weight));
  const groups = groupsOf(targets);
  for (const { kind, weight } of targets) {
    if (kind === 'embedding' || !tables.has(weight) || reasons.has(weight)) continue;
    const own = groups.filter((g) => g.weight === weight);
    if (own.length !== 1 || dividingBlock(own[0]!.k) === undefined) reasons.set(weight, 'is a table too, and there is no form that both could read');
  }
  return reasons;
}
