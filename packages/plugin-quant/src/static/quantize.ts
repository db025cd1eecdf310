import type { Graph, Model, Node, Value } from '@onnxpress/core';
import type { Grid } from './grid.ts';
import type { Operator } from './operators.ts';
import { QdqWriter, type WriterOptions, type Written } from './writer.ts';

/** Puts the quantized forms of the operators, given in the order of computation, in place of them. */
export function quantizeOperators(model: Model, operators: readonly Operator[], grids: ReadonlyMap<Value, Grid>, options: WriterOptions): Map<Operator, Written> {
  const { graph } = model;
  const writer = new QdqWriter(graph, options);
  const written = new Map<Operator, Written>();
  /** What stands for a value of the float graph, and the other way round. */
  const codes = new Map<Value, Value>();
  const originals = new Map<Value, Value>();
  for (const o of operators) {
    const result = o.place ?? o.node.output;
    const before = result.producer!; // nodes make what operators make
    const codesOf = (v: Value): Value => {
      const original = originals.get(v) ?? v;
      const known = codes.get(original) ?? writer.throughCodes(v, grids.get(original)!, grids.get(original)!, o.node, v.name); // operators have grids for what they read
      codes.set(original, known);
      return known;
    };
    const first = o.node.inputs[o.reads[0]!]!; // operators read something
    const form = writer.write(o, codesOf, o.place && grids.get(o.place), grids.get(originals.get(first) ?? first)!.scale, before);
    written.set(o, form);
    if (o.place) codes.set(result, form.result);
    originals.set(form.result, result);
    graph.replace(result, form.result);
    for (const node of [...o.taken].reverse()) dropped(graph, node);
    dropped(graph, o.node);
  }
  return written;
}

/** Removes a node that nobody reads, and constants that only it read. */
function dropped(graph: Graph, node: Node): void {
  const { inputs } = node;
  graph.remove(node);
  for (const v of new Set(inputs)) {
    if (!v?.isConstant() || !v.isUnused || v.graph !== graph) continue;
    if (v.producer) graph.remove(v.producer);
    else graph.removeInitializer(v);
  }
}
