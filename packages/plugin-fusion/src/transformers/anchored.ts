import { type Node, type Rule } from '@onnxpress/core';

/** Why a rule was not tried: nothing that anybody needs to read. */
export const NOT_TRIED = 'nothing here looks like it';

/**
 * The rule, tried only at nodes that have one of these operators at most so many steps above. Sums and products are everywhere; why a pattern did not fit is
 * worth saying only where its heart is.
 */
export function anchored(rule: Rule, operators: readonly string[], steps: number): Rule {
  const anchors = new Set(operators);
  return { ...rule, offer: (node, judge) => (isBelow(node, anchors, steps) ? rule.offer(node, judge) : () => NOT_TRIED) };
}

/** What a pattern says of a node that is another one than it looks for. */
const OTHER_NODE = /, not (made )?by |should be ".+?" again$|has \d+ inputs, not |an input is missing/;

/** The rule, which says why it did not fit only where the nodes were those of its pattern: for small things that most models do without. */
export const quiet = (rule: Rule): Rule => ({
  ...rule,
  offer(node, judge) {
    const why = rule.offer(node, judge);
    return why && ((): string => (OTHER_NODE.test(why()) ? NOT_TRIED : why()));
  },
});

function isBelow(node: Node, anchors: ReadonlySet<string>, steps: number): boolean {
  let level: readonly Node[] = [node];
  for (let step = 0; step <= steps && level.length > 0; step++) {
    if (level.some((n) => anchors.has(n.opType))) return true;
    level = level.flatMap((n) => n.inputs.flatMap((v) => v?.producer ?? []));
  }
  return false;
}
