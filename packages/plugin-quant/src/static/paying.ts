import { describe, type Node, type Value } from '@onnxpress/core';
import type { Operator } from './operators.ts';

/** Products of weights per number that has to be turned into codes or back from which on it pays: a float product takes about as long as a sixteenth of a conversion. */
const PRODUCTS_PER_CONVERSION = 16;

/** Of the numbers that an operator without weights reads, the part that may have to be turned into codes for it alone. */
const FRESH_PART = 0.25;

const NOT_WANTED = 'nothing reads its output in 8 bits';
const NO_CODES = 'its inputs are not in 8 bits';

/**
 * The operators that are worth it, of those given. With weights: where the products outweigh the conversions that no neighbour shares. Without: where its
 * inputs are codes already and its output is wanted as codes, so that a chain stays in 8 bits. `elementsOf` gives the numbers of an activation; as long as they are not known, all
 * are kept that could be worth it.
 */
export function payingOperators(operators: readonly Operator[], elementsOf: ((value: Value) => number) | undefined, missed: (why: string) => void): Operator[] {
  let kept = [...operators];
  for (;;) {
    const makers = new Map(kept.flatMap((o) => (o.place ? [[o.place, o] as const] : [])));
    const readers = readersOf(kept);
    const reasons = kept.map((o) => reasonAgainst(o, makers, readers, elementsOf));
    if (reasons.every((r) => r === undefined)) return kept;
    reasons.forEach((why, i) => why !== undefined && missed(`${describe(kept[i]!.node)} stays: ${why}.`));
    kept = kept.filter((_, i) => reasons[i] === undefined);
  }
}

/** Value → the operators that read it as codes. */
function readersOf(operators: readonly Operator[]): Map<Value, Operator[]> {
  const readers = new Map<Value, Operator[]>();
  for (const o of operators) for (const v of activationsOf(o)) readers.set(v, [...(readers.get(v) ?? []), o]);
  return readers;
}

/** The values that an operator reads as codes. */
export const activationsOf = ({ node, reads }: Operator): Value[] => [...new Set(reads.map((i) => node.inputs[i]!))]; // operators read what is there

function reasonAgainst(o: Operator, makers: ReadonlyMap<Value, Operator>, readers: ReadonlyMap<Value, readonly Operator[]>, elementsOf: ((value: Value) => number) | undefined): string | undefined {
  const isCode = (v: Value): boolean => makers.has(v) || readers.get(v)!.some((r) => r !== o && r.weight !== undefined); // it reads them itself
  const read = activationsOf(o);
  const wanted = o.place === undefined || (readers.get(o.place) ?? []).length > 0;
  if (!elementsOf) return o.weight ? undefined : !wanted ? NOT_WANTED : read.some(isCode) ? undefined : NO_CODES;
  const fresh = read.filter((v) => !isCode(v)).reduce((sum, v) => sum + elementsOf(v), 0);
  if (o.weight) {
    const outputs = elementsOf(o.place ?? o.node.output);
    const back = o.place && (!wanted || readsFloat(o.place, readers.get(o.place) ?? [])) ? outputs : 0;
    const products = outputs * inputsOf(o);
    return products < PRODUCTS_PER_CONVERSION * (fresh + back) ? `its ${inputsOf(o)} products per output do not pay for turning numbers into codes and back` : undefined;
  }
  if (!wanted) return NOT_WANTED;
  const all = read.reduce((sum, v) => sum + elementsOf(v), 0);
  return fresh > FRESH_PART * all ? NO_CODES : undefined;
}

const readsFloat = (v: Value, readers: readonly Operator[]): boolean => v.isOutput || v.uses.some(({ node }: { readonly node: Node }) => !readers.some((r) => r.node === node));

/** Products per output: K. */
export function inputsOf({ weight }: Operator): number {
  const { dims } = weight!.tensor; // asked of operators with weights
  return dims.reduce((a, b) => a * b, 1) / dims[weight!.axis]!;
}
