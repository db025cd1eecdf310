import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Node, Value } from '../ir/graph.ts';
import { parseModel } from '../text/parse.ts';
import { Cost } from './cost.ts';

/** The bytes as the definition says them: everything looked at anew. */
function bytesOf(group: ReadonlySet<Node>, made: ReadonlySet<Value>, isRead: (v: Value) => boolean, size: (v: Value) => number): number {
  const live = new Set<Node>();
  for (const n of [...group].reverse()) if (n.outputs.some((v) => !made.has(v) && (isRead(v) || v.uses.some((u) => live.has(u.node))))) live.add(n);
  const constants = new Set([...group].flatMap((n) => n.inputs.filter((v) => v?.constant)));
  const read = [...constants].filter((v) => v!.isOutput || v!.uses.some((u) => live.has(u.node) || !group.has(u.node)));
  const results = [...group].flatMap((n) => n.outputs).filter((v) => made.has(v) && (isRead(v) || v.uses.some((u) => live.has(u.node))));
  return read.reduce((sum, v) => sum + v!.constant!.byteLength, 0) + results.reduce((sum, v) => sum + size(v), 0);
}

/** Sums of two constants or results each, of which some are read from outside. */
function sums(reads: readonly (readonly [number, number])[], outputs: ReadonlySet<number>): { group: Set<Node>; isRead: (v: Value) => boolean; size: (v: Value) => number } {
  const name = (from: number, at: number): string => (from % (at + 3) < 3 ? `c${from % (at + 3)}` : `v${(from % (at + 3)) - 3}`);
  const lines = reads.map(([a, b], at) => `v${at} = Add(${name(a, at)}, ${name(b, at)})`);
  const model = parseModel(`g (float[1] x) => (float[1] y) <float[1] c0 = {1}, float[2] c1 = {1, 2}, float[3] c2 = {1, 2, 3}> { ${lines.join('  ')}  z = Add(x, c2)  y = Relu(z) }`);
  const group = new Set([...model.graph.nodes].filter((n) => n.output.name.startsWith('v')));
  return { group, isRead: (v) => outputs.has(Number(v.name.slice(1))), size: (v) => 10 + Number(v.name.slice(1)) };
}

test('the growth is the difference of what is needed before and after, whatever was refused in between', () => {
  const step = fc.tuple(fc.nat(20), fc.boolean());
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { minLength: 1, maxLength: 12 }), fc.array(fc.nat(11), { minLength: 1 }), fc.array(step, { maxLength: 12 }), (reads, outputs, steps) => {
      const { group, isRead, size } = sums(reads, new Set(outputs));
      const all = [...group];
      const cost = new Cost(group, isRead, size);
      const made = new Set<Value>();
      for (const [which, accepted] of steps) {
        const v = all[which % all.length]!.output;
        if (made.has(v)) continue;
        const growth = bytesOf(group, new Set([...made, v]), isRead, size) - bytesOf(group, made, isRead, size);
        expect(cost.add([v], (found) => (expect(found).toBe(growth), accepted))).toBe(accepted);
        if (accepted) made.add(v);
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('several results at once save what they share', () => {
  const { group, isRead, size } = sums([[1, 1], [3, 3], [3, 3]], new Set([1, 2]));
  const [, one, two] = [...group].map((n) => n.output);
  const growths: number[] = [];
  new Cost(group, isRead, size).add([one!, two!], (growth) => growths.push(growth) > 0);
  expect(growths).toEqual([11 + 12 - 8]);
});
