import { describe, findNonFinite, selector, type Model, type Node, type PassContext } from '@onnxpress/core';
import { prepareForm, type BlockFormat } from './blocks/emit.ts';
import { groupsOf, type WeightGroup } from './blocks/group.ts';
import type { Choice } from './options.ts';
import { sharedElsewhere, targetOf, type Target } from './target.ts';

/** What a quantizer makes of a target: why it cannot take it, or undefined. */
export type Judge = (target: Target) => string | undefined;

/** The weights of the chosen nodes that a quantizer can take. What stays, and why, goes to `missed`; nodes that were not even `considered` are not spoken of. */
export function chosenGroups(model: Model, choice: Choice, missed: (why: string) => void, against: Judge, considered: (node: Node) => boolean = () => true): WeightGroup[] {
  const chosen = selector(model, choice.include, choice.exclude);
  const found: Target[] = [];
  for (const node of model.nodes()) {
    const target = chosen(node) && considered(node) ? targetOf(node) : undefined;
    const why = typeof target === 'object' ? against(target) : target;
    if (why !== undefined) missed(stays(node, why));
    else if (typeof target === 'object') found.push(target);
  }
  const shared = sharedElsewhere(found, model);
  for (const { node, weight } of found) if (shared.has(weight)) missed(stays(node, `its weight "${weight.name}" is read elsewhere too, and would be stored twice; quant/weights stores an embedding and the output head tied to it once`));
  return groupsOf(found.filter((t) => !shared.has(t.weight)));
}

/** The same, of a model that was raised to the opset which the form needs. One with nothing to quantize stays at its own. */
export function preparedGroups(model: Model, options: Choice & { readonly format: BlockFormat }, ctx: Pick<PassContext, 'missed' | 'count'>, against: Judge, considered?: (node: Node) => boolean): WeightGroup[] {
  const groups = chosenGroups(model, options, ctx.missed, against, considered);
  if (groups.length === 0) return groups;
  const opset = model.opsets.get('') ?? 0;
  prepareForm(model, options);
  const raised = (model.opsets.get('') ?? 0) - opset;
  if (raised === 0) return groups;
  ctx.count('opsets raised', raised);
  return chosenGroups(model, options, () => {}, against, considered); // nodes were exchanged
}

/** Whether a weight is left as it is for what it holds; that is said of each of its readers. */
export function keepsNonFinite({ tensor, targets }: WeightGroup, options: { readonly 'on-nonfinite': 'fail' | 'keep' }, missed: (why: string) => void): boolean {
  const found = options['on-nonfinite'] === 'keep' ? findNonFinite(tensor) : undefined;
  if (!found) return false;
  for (const { node } of targets) missed(stays(node, `its weight holds ${found.value} at index ${found.index}`));
  return true;
}

export const stays = (node: Node, why: string): string => `${describe(node)} stays: ${why}.`;
