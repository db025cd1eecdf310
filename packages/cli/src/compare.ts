import { describeType, hashTensor, type Model, type Tensor } from '@onnxpress/core';
import { count, operatorName } from './anatomy.ts';

/* How two models differ in structure and weights. Pure but for reading weights. */

export interface OperatorChange {
  readonly operator: string;
  readonly before: number;
  readonly after: number;
}

export interface WeightChange {
  readonly name: string;
  /** "float32[384, 1536]": type and shape, on both sides. */
  readonly before: string;
  readonly after: string;
}

export interface StructureDiff {
  /** Operators whose count differs. */
  readonly operators: readonly OperatorChange[];
  /** Lines that only one model has: "input ids: int64[batch]". */
  readonly signature: { readonly removed: readonly string[]; readonly added: readonly string[] };
  readonly opsets: readonly { readonly domain: string; readonly before: number | undefined; readonly after: number | undefined }[];
  readonly weights: {
    /** Of the same name, type, shape and content. */
    readonly same: number;
    /** Of the same name and other content. */
    readonly changed: readonly WeightChange[];
    /** Gone, with their content. */
    readonly removed: readonly NamedWeight[];
    readonly added: readonly NamedWeight[];
    readonly renamed: readonly { readonly before: string; readonly after: string }[];
  };
}

export interface NamedWeight {
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
}

export function compareModels(before: Model, after: Model): StructureDiff {
  const [a, b] = [count([...before.nodes()].map(operatorName)), count([...after.nodes()].map(operatorName))];
  const operators = [...new Set([...a.keys(), ...b.keys()])].map((operator) => ({ operator, before: a.get(operator) ?? 0, after: b.get(operator) ?? 0 })).filter((o) => o.before !== o.after);
  const [was, is] = [signatureOf(before), signatureOf(after)];
  const domains = [...new Set([...before.opsets.keys(), ...after.opsets.keys()])];
  return {
    operators: operators.sort((x, y) => Math.abs(y.after - y.before) - Math.abs(x.after - x.before) || (x.operator < y.operator ? -1 : 1)),
    signature: { removed: was.filter((line) => !is.includes(line)), added: is.filter((line) => !was.includes(line)) },
    opsets: domains.map((domain) => ({ domain: domain || 'ai.onnx', before: before.opsets.get(domain), after: after.opsets.get(domain) })).filter((o) => o.before !== o.after),
    weights: compareWeights(weightsByName(before), weightsByName(after)),
  };
}

/** Whether nothing at all differs. */
export const isSame = (d: StructureDiff): boolean =>
  [d.operators, d.signature.removed, d.signature.added, d.opsets, d.weights.changed, d.weights.removed, d.weights.added, d.weights.renamed].every((part) => part.length === 0);

function compareWeights(before: ReadonlyMap<string, Tensor>, after: ReadonlyMap<string, Tensor>): StructureDiff['weights'] {
  const hashes = new Map<Tensor, string>();
  const hash = (t: Tensor): string => {
    let h = hashes.get(t);
    if (h === undefined) hashes.set(t, (h = hashTensor(t)));
    return h;
  };
  const both = [...before.keys()].filter((name) => after.has(name));
  const changed = both.filter((name) => !alike(before.get(name)!, after.get(name)!));
  const gone = [...before].filter(([name]) => !after.has(name));
  const come = new Map([...after].filter(([name]) => !before.has(name)));
  const renamed: { before: string; after: string }[] = [];
  const removed: NamedWeight[] = [];
  for (const [name, t] of gone) {
    const twin = [...come].find(([, other]) => alike(t, other))?.[0];
    if (twin === undefined) removed.push(named(name, t));
    else {
      renamed.push({ before: name, after: twin });
      come.delete(twin);
    }
  }
  return {
    same: both.length - changed.length,
    changed: changed.map((name) => ({ name, before: typeText(before.get(name)!), after: typeText(after.get(name)!) })),
    removed,
    added: [...come].map(([name, t]) => named(name, t)),
    renamed,
  };

  /** Contents are read only where type and shape agree. */
  function alike(a: Tensor, b: Tensor): boolean {
    return a === b || (a.dtype === b.dtype && a.byteLength === b.byteLength && a.dims.join() === b.dims.join() && hash(a) === hash(b));
  }
}

const signatureOf = (m: Model): string[] => [
  ...m.graph.inputs.filter((v) => v.default === undefined).map((v) => `input ${v.name}: ${describeType(v.type)}`),
  ...m.graph.outputs.map((v) => `output ${v.name}: ${describeType(v.type)}`),
];

/** Initializers and Constant nodes of the main graph and of subgraphs, by name; names that occur twice keep the first. */
function weightsByName(model: Model): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const graph of model.graphs()) for (const v of graph.initializers.values()) if (!found.has(v.name)) found.set(v.name, v.constant);
  for (const n of model.nodes()) if (n.is('Constant') && n.output.constant && !found.has(n.output.name)) found.set(n.output.name, n.output.constant);
  return found;
}

const typeText = (t: Tensor): string => `${t.dtype}[${t.dims.join(', ')}]`;
const named = (name: string, t: Tensor): NamedWeight => ({ name, type: typeText(t), bytes: t.byteLength });
