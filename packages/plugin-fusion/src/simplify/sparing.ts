import { type Node, type Rule, type Value } from '@onnxpress/core';
import type { Work } from './part.ts';

/**
 * The rule, made to leave alone what the user excludes: such a node neither changes nor goes. In the body of a function it also leaves nodes alone whose
 * attributes are those of the caller, because a rule that looks for one would take its default.
 */
export function sparing(rule: Rule, work: Pick<Work, 'mayChange' | 'excludes' | 'model'>): Rule {
  const inFunctions = work.model.functions.size > 0;
  if (!inFunctions && !work.excludes) return rule;
  return {
    ...rule,
    offer(node, judge) {
      if (!work.mayChange(node)) return () => 'it is excluded';
      if (inFunctions && refers(node, rule.depth)) return () => 'an attribute is given by the caller of the function';
      return rule.offer(node, (proposal) => (work.excludes ? lost(proposal, rule.depth, work) : undefined) ?? judge(proposal));
    },
  };
}

/** Whether the node, or one that it reads within so many steps, has an attribute of the function's caller. */
function refers(node: Node, depth: number): boolean {
  if ([...node.attrs.values()].some((a) => a.type === 'ref')) return true;
  return depth > 1 && node.inputs.some((v) => v?.producer && refers(v.producer, depth - 1));
}

/** Why an excluded node would go: everything that reads it does, and the replacement does not. */
function lost({ root, outputs }: Parameters<Parameters<Rule['offer']>[1]>[0], depth: number, { mayChange }: Pick<Work, 'mayChange'>): string | undefined {
  const read = readsOf(outputs.values());
  const going = new Set<Node>([root]);
  let level = [root];
  for (let step = 1; step < depth; step++) {
    const makers = level.flatMap((n) => n.inputs.flatMap((v) => v?.producer ?? []));
    level = makers.filter((n) => !going.has(n) && n.outputs.every((v) => !v.isOutput && !read.has(v) && v.uses.every((u) => going.has(u.node))));
    for (const n of level) going.add(n);
  }
  const excluded = [...going].find((n) => !mayChange(n));
  return excluded && `${excluded.opType} "${excluded.name}" is excluded`;
}

/** What the new nodes behind some values read, and those of the values that are not new. */
function readsOf(values: Iterable<Value>): Set<Value> {
  const read = new Set<Value>();
  const visit = (v: Value): void => {
    if (read.has(v)) return;
    read.add(v);
    if (!v.graph) for (const input of v.producer?.inputs ?? []) if (input) visit(input);
  };
  for (const v of values) visit(v);
  return read;
}
