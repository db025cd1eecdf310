import { Graph, Node, type Value } from '../ir/graph.ts';
import { cloneGraph, INITIALIZERS_ALONE, Model } from '../ir/model.ts';
import type { Tensor } from '../ir/tensor.ts';

/** A model that computes `wanted` from constants alone. `known`: values that need no computing. */
export function batchModel(model: Model, wanted: readonly Value[], known: (v: Value) => Tensor | undefined): Model {
  const origin = wanted[0]?.graph;
  const batch = new Model(new Graph('constants', origin?.opsets ?? model.opsets), { irVersion: Math.max(model.info.irVersion, INITIALIZERS_ALONE) });
  for (const [key, f] of model.functions) batch.functions.set(key, { ...f, body: cloneGraph(f.body) });
  const twins = new Map<Value, Value>();
  const twinOf = (v: Value): Value => {
    const before = twins.get(v);
    if (before) return before;
    const tensor = known(v);
    const twin = tensor ? batch.graph.addInitializer('constant', tensor) : copyProducer(v);
    twins.set(v, twin);
    return twin;
  };
  const copyProducer = (v: Value): Value => {
    const n = v.producer!; // what is neither known nor made by a node is no candidate
    const inputs = n.inputs.map((w) => w && twinOf(w));
    const copy = batch.graph.add(new Node(n.opType, inputs, { domain: n.domain, overload: n.overload, outputs: n.outputs.length, attrs: n.attrs }));
    n.outputs.forEach((w, i) => twins.set(w, copy.outputs[i]!));
    return twins.get(v)!;
  };
  for (const v of wanted) {
    const twin = twinOf(v);
    const out = twin.producer && !twin.isOutput ? twin : batch.graph.add(new Node('Identity', [twin])).output;
    if (v.type) out.type = v.type;
    batch.graph.addOutput(out);
  }
  return batch;
}
