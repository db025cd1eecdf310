import type { Value } from '@onnxpress/core';
import { activationsOf } from './paying.ts';
import { gridOf, type Grid, type GridOptions, type Range } from './grid.ts';
import type { Operator } from './operators.ts';

/**
 * A grid for each activation that the operators read or make as codes. What a `move` reads and makes shares one, over the ranges of both, so that codes pass
 * through unchanged; a Concat shares only where no Relu or Clip before it would come back into view, and requantizes otherwise.
 */
export function gridsOf(operators: readonly Operator[], rangeOf: (value: Value) => Range, options: GridOptions): Map<Value, Grid> {
  const ranges = new Map<Value, Range>();
  const parent = new Map<Value, Value>();
  const makers = new Map(operators.flatMap((o) => (o.place ? [[o.place, o] as const] : [])));
  for (const o of operators) for (const v of [...activationsOf(o), ...(o.place ? [o.place] : [])]) if (!ranges.has(v)) ranges.set(v, rangeOf(v));
  const rootOf = (v: Value): Value => {
    const above = parent.get(v);
    return above ? rootOf(above) : v;
  };
  const moves = operators.filter((o) => o.kind === 'move');
  for (const o of [...moves.filter((m) => !m.node.is('Concat')), ...moves.filter((m) => m.node.is('Concat'))]) {
    const members = [...new Set([...activationsOf(o), o.place!].map(rootOf))]; // moves have a place
    const hull = members.map((v) => ranges.get(v)!).reduce((a, b) => ({ low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }));
    if (o.node.is('Concat') && [...makers].some(([v, m]) => members.includes(rootOf(v)) && !isWithin(hull, m))) continue;
    const [root, ...others] = members as [Value, ...Value[]]; // a place, at least
    for (const v of others) parent.set(v, root);
    ranges.set(root, hull);
  }
  const offsets = new Map<Value, number>();
  for (const [v, { offset }] of makers) if (offset !== 0 && !offsets.has(rootOf(v))) offsets.set(rootOf(v), offset);
  const grids = new Map([...ranges.keys()].filter((v) => !parent.has(v)).map((v) => [v, gridOf(ranges.get(v)!, options, offsets.get(v))] as const));
  return new Map([...ranges.keys()].map((v) => [v, grids.get(rootOf(v))!])); // every root has one
}

/** Float32 scales reach a little farther than the range they were made for. */
const ROUNDING = 1e-5;

/** Whether a grid's range lies within the bounds that an operator's output has, so that the codes do what a Relu or Clip did. */
export function isWithin({ low, high }: Range, { bounds, factor, offset }: Operator): boolean {
  const slack = ROUNDING * (high - low);
  return low >= bounds[0] * factor + offset - slack && high <= bounds[1] * factor + offset + slack;
}
