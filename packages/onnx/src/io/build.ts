import { OnnxError } from '../error.ts';
import type { Attr } from '../ir/attr.ts';
import { Graph, Node, Value } from '../ir/graph.ts';
import { functionKey, INITIALIZERS_ALONE, Model, type FunctionDef } from '../ir/model.ts';
import type { Tensor } from '../ir/tensor.ts';
import { keepTensorNotes } from './kept.ts';
import { freeNames } from './free-names.ts';
import type { AttrRecord, FunctionRecord, GraphRecord, ModelRecord, NodeRecord, OpsetRecord, ValueRecord } from './records.ts';

/** A graph that is being built, and those around it: none of them lies in its node yet. */
interface Scope {
  readonly graph: Graph;
  readonly outer: Scope | undefined;
}

const lookUp = (scope: Scope | undefined, name: string): Value | undefined => {
  for (let s = scope; s; s = s.outer) {
    const value = s.graph.value(name);
    if (value) return value;
  }
  return undefined;
};

/** ai.onnx has two names; the shorter one is used throughout. */
const plain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

/** Makes values of names. Throws `invalid-graph` when a name is made twice, or read and never made, or when nodes need each other. */
export function buildModel(record: ModelRecord & { graph: GraphRecord }): Model {
  const builder = new Builder((record.info.irVersion ?? 0) < INITIALIZERS_ALONE);
  const model = new Model(builder.graph(record.graph, undefined, opsetsOf(record.opsets, 'The model')), record.info);
  for (const f of record.functions) {
    const made = builder.functionOf(f);
    const key = functionKey(made.domain, made.name, made.overload);
    if (model.functions.has(key)) fail(`The model has two functions called "${key}"`);
    model.functions.set(key, made);
  }
  for (const [key, text] of record.metadata) model.metadata.set(key, text);
  model.notes = record.notes;
  return model.settle();
}

class Builder {
  /** Inputs with a value are constants: before IR version 4 every initializer had to be an input. */
  readonly #inputsAreConstants: boolean;

  constructor(inputsAreConstants: boolean) {
    this.#inputsAreConstants = inputsAreConstants;
  }

  graph(record: GraphRecord, outer: Scope | undefined, opsets?: ReadonlyMap<string, number>): Graph {
    const graph = new Graph(record.name, opsets);
    const scope: Scope = { graph, outer };
    graph.notes = record.notes;
    for (const [name, roles] of record.quantization) graph.quantization.set(name, roles);
    this.#enterInputs(graph, record);
    this.#addNodes(record.nodes, scope);
    for (const output of record.outputs) {
      const value = lookUp(scope, output.name) ?? fail(`Graph "${graph.name}" gives out "${output.name}", which nothing makes`);
      if (value.graph === graph && !value.isInput) describeValue(value, output);
      graph.addOutput(value);
    }
    for (const known of record.values) {
      const value = graph.value(known.name);
      if (value && !value.isInput && !value.isOutput) describeValue(value, known);
    }
    return graph;
  }

  functionOf(f: FunctionRecord): FunctionDef {
    const label = `Function "${f.name}"`;
    const body = this.graph(
      {
        name: f.name,
        nodes: f.nodes,
        inputs: f.inputs.map(bare),
        outputs: f.outputs.map(bare),
        values: f.values,
        initializers: [],
        sparse: [],
        quantization: new Map(),
        notes: undefined,
      },
      undefined,
      opsetsOf(f.opsets, label),
    );
    for (const known of f.values) {
      const value = body.value(known.name);
      if (value) describeValue(value, known); // a function has no other place for the types of its inputs and outputs
    }
    const defaults = new Map(f.defaults.map(([name, a]) => [name, this.#attr(a, undefined)]));
    if (defaults.size < f.defaults.length) fail(`${label} has two defaults for one attribute`);
    return { domain: plain(f.domain), name: f.name, overload: f.overload, body, attributes: f.attributes, defaults, notes: f.notes };
  }

  #enterInputs(graph: Graph, record: GraphRecord): void {
    const enter = (value: Value, put: (value: Value) => unknown): void => {
      if (value.name === '') fail(`Graph "${graph.name}" has an input or initializer without a name`);
      if (graph.value(value.name)) fail(`Graph "${graph.name}" has two inputs or initializers called "${value.name}"`);
      put(value);
    };
    const known = new Map<string, Tensor>();
    for (const { name, tensor } of [...record.sparse, ...record.initializers]) {
      if (known.has(name)) fail(`Graph "${graph.name}" has two initializers called "${name}"`);
      known.set(name, tensor);
    }
    for (const { name, tensor, notes } of record.initializers) if (notes) keepTensorNotes(tensor, { name, notes });
    const declared = new Map<string, ValueRecord>();
    for (const input of record.inputs) {
      const given = known.get(input.name);
      if (given && this.#inputsAreConstants) {
        if (declared.has(input.name)) fail(`Graph "${graph.name}" has two inputs called "${input.name}"`);
        declared.set(input.name, input);
        continue;
      }
      const value = new Value(input.name, { type: input.type, constant: given });
      value.notes = input.notes;
      enter(value, (v) => graph.addInput(v));
      known.delete(input.name);
    }
    for (const [name, tensor] of known) {
      const value = new Value(name, { type: declared.get(name)?.type, constant: tensor });
      value.notes = declared.get(name)?.notes;
      enter(value, (v) => graph.adoptInitializer(v));
    }
  }

  /** Adds the nodes in the file's order, except that whoever makes a value comes before its readers. */
  #addNodes(records: readonly NodeRecord[], scope: Scope): void {
    const { graph } = scope;
    const added = new Set<NodeRecord>();
    const add = (record: NodeRecord): void => {
      for (const name of record.outputs) if (name !== '' && graph.value(name)) fail(madeTwice(name, graph, records));
      graph.add(this.#node(record, scope));
      added.add(record);
    };
    let makers: ReadonlyMap<string, NodeRecord> | undefined;
    for (const first of records) {
      if (added.has(first)) continue;
      if (readsWhatIsThere(first, scope)) {
        add(first);
        continue;
      }
      makers ??= makersOf(records);
      const open = new Set<NodeRecord>();
      const stack = [first];
      for (let record = stack.at(-1); record; record = stack.at(-1)) {
        const missing = added.has(record) ? [] : unmade(record, makers, graph);
        if (missing.length > 0) {
          open.add(record);
          const back = missing.find((maker) => open.has(maker));
          if (back) fail(`Graph "${graph.name}" has a cycle: ${label(record)} and ${label(back)} need each other`);
          stack.push(...missing.toReversed());
          continue;
        }
        stack.pop();
        if (added.has(record)) continue;
        open.delete(record);
        add(record);
      }
    }
  }

  #node(record: NodeRecord, scope: Scope): Node {
    const inputs = record.inputs.map((name) => {
      if (name === '') return undefined;
      return lookUp(scope, name) ?? fail(`${label(record)} reads "${name}", which nothing makes`);
    });
    const node = new Node(record.opType, inputs, {
      domain: record.domain,
      overload: record.overload,
      name: record.name,
      outputs: record.outputs,
      attrs: record.nested ? record.attrs.map(([name, a]): readonly [string, Attr] => [name, this.#attr(a, scope)]) : (record.attrs as NodeAttrs),
      notes: record.notes,
    });
    if (node.attrs.size < record.attrs.length) fail(`${label(record)} has two attributes of the same name`);
    return node;
  }

  #attr(record: AttrRecord, scope: Scope | undefined): Attr {
    if (record.type === 'graph') return withExtra({ type: 'graph', value: this.graph(record.record, scope) }, record.extra);
    if (record.type === 'graphs') return withExtra({ type: 'graphs', value: record.records.map((g) => this.graph(g, scope)) }, record.extra);
    return record;
  }
}

/** Whether every input is made in this very graph already, so that nothing must come first. */
const readsWhatIsThere = (record: NodeRecord, { graph }: Scope): boolean => !record.nested && record.inputs.every((name) => name === '' || graph.value(name) !== undefined);

/** Who makes what: the first, where two make the same. */
function makersOf(records: readonly NodeRecord[]): ReadonlyMap<string, NodeRecord> {
  const makers = new Map<string, NodeRecord>();
  for (const record of records) for (const name of record.outputs) if (name !== '' && !makers.has(name)) makers.set(name, record);
  return makers;
}

function madeTwice(name: string, graph: Graph, records: readonly NodeRecord[]): string {
  const makers = records.flatMap((record) => record.outputs.flatMap((output) => (output === name ? [label(record)] : [])));
  return `"${name}" in graph "${graph.name}" is made by ${makers[0] ?? ''} and ${makers[1] ?? 'is an input or initializer too'}`;
}

/** The nodes that must come before this one and do not stand yet. */
function unmade(record: NodeRecord, makers: ReadonlyMap<string, NodeRecord>, graph: Graph): readonly NodeRecord[] {
  let missing: NodeRecord[] | undefined;
  for (const name of record.inputs) {
    if (graph.value(name)) continue;
    const maker = makers.get(name);
    if (maker) (missing ??= []).push(maker);
  }
  if (!record.nested) return missing ?? NONE;
  for (const [, a] of record.attrs) {
    for (const name of freeNames(a)) {
      const maker = graph.value(name) ? undefined : makers.get(name);
      if (maker) (missing ??= []).push(maker);
    }
  }
  return missing ?? NONE;
}

const NONE: readonly NodeRecord[] = [];

/** Attributes without subgraphs are the same in the file and in the model. */
type NodeAttrs = readonly (readonly [string, Exclude<Attr, { type: 'graph' | 'graphs' }>])[];

function opsetsOf(records: readonly OpsetRecord[], owner: string): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of records) {
    const known = opsets.get(plain(domain));
    if (known !== undefined && known !== version) fail(`${owner} imports version ${known} and version ${version} of "${domain || 'ai.onnx'}"`);
    opsets.set(plain(domain), version);
  }
  return opsets;
}

function describeValue(value: Value, by: ValueRecord): void {
  if (by.type) value.type = by.type;
  if (by.notes) value.notes = by.notes;
}

const bare = (name: string): ValueRecord => ({ name, type: undefined, notes: undefined });

const label = (record: NodeRecord): string => `${record.opType} "${record.name || record.outputs.find((name) => name !== '') || ''}"`;

const withExtra = (a: Attr, extra: Uint8Array | undefined): Attr => (extra ? { ...a, extra } : a);

function fail(what: string): never {
  throw new OnnxError('invalid-graph', `${what}. The file breaks the rules of ONNX: export the model again, or repair it with the tool that made it.`);
}
