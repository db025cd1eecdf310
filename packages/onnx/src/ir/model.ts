import type { Attr } from './attr.ts';
import { CountedMap } from './counted-map.ts';
import { Graph, Node, Value, type Notes } from './graph.ts';

/** A file that travels with a model: tokenizer.json, config.json, an adapter. */
export interface ModelFile {
  readonly size: number;
  bytes(): Uint8Array;
}

/** A model-local function: an operator with a body. */
export interface FunctionDef {
  readonly domain: string;
  readonly name: string;
  readonly overload: string;
  /** The body; its inputs and outputs are the function's, by position. Its opsets are the function's own. */
  readonly body: Graph;
  /** Attributes that a call must give. */
  readonly attributes: readonly string[];
  /** Attributes with the value they have where a call gives none. */
  readonly defaults: ReadonlyMap<string, Attr>;
  readonly notes: Notes | undefined;
}

/** What the head of a model file says. */
export interface ModelInfo {
  irVersion: number;
  producerName: string;
  producerVersion: string;
  domain: string;
  modelVersion: number | bigint;
}

/** From this version of the format on an initializer need not be an input, and one that is can be overridden by the caller. */
export const INITIALIZERS_ALONE = 4;

/** Under which key a function is kept: what a node names it by. */
export const functionKey = (domain: string, name: string, overload = ''): string => `${domain}::${name}${overload ? `::${overload}` : ''}`;

/** A model in memory. The structure is mutable and cheap to clone; tensors are immutable and shared. */
export class Model {
  readonly graph: Graph;
  readonly info: ModelInfo;
  /** By `functionKey`. */
  readonly functions: Map<string, FunctionDef>;
  readonly metadata: Map<string, string>;
  /** Files that travel with the model and that a pass may change. Cached and written with it. */
  readonly files: Map<string, ModelFile>;
  /** Absolute path of the file that was read. It holds this model as long as the revision is 0; a clone has none. */
  origin: string | undefined;
  /** Documentation, and fields of the file that have no place here (training information among them). */
  notes: Notes | undefined;
  #edits = 0;
  #settled = 0;

  constructor(graph: Graph, info: Partial<ModelInfo> = {}) {
    this.graph = graph;
    this.info = { irVersion: 10, producerName: 'onnxpress', producerVersion: '', domain: '', modelVersion: 0, ...info };
    const edited = (): void => {
      this.#edits++;
    };
    this.functions = new FunctionMap((was) => {
      this.#edits += 1 + (was?.body.revision ?? 0);
    });
    this.metadata = new CountedMap<string, string>([], edited);
    this.files = new CountedMap<string, ModelFile>([], edited);
  }

  /** Domain → version of the main graph. Functions have their own. */
  get opsets(): Map<string, number> {
    return this.graph.opsets;
  }

  /** Grows with every change of a graph, a function, metadata or a file. Never set by hand. */
  get revision(): number {
    return this.#total() - this.#settled;
  }

  /** Makes the present state revision 0. For whoever has just read or built the model; a pass never needs it. */
  settle(): this {
    this.#settled = this.#total();
    return this;
  }

  #total(): number {
    return [...this.functions.values()].reduce((sum, f) => sum + f.body.revision, this.graph.revision + this.#edits);
  }

  /** The main graph, function bodies, and every subgraph in them, outer before inner. */
  *graphs(): Generator<Graph> {
    yield* withSubgraphs(this.graph);
    for (const f of this.functions.values()) yield* withSubgraphs(f.body);
  }

  /** The nodes of the main graph, of subgraphs in attributes, and of functions: all scopes. Safe to walk while the model changes. */
  *nodes(): Generator<Node> {
    yield* allNodes(this.graph);
    for (const f of this.functions.values()) yield* allNodes(f.body);
  }

  /** Copies the structure and shares the tensors. The copy starts with revision 0. */
  clone(): Model {
    const copy = new Model(cloneGraph(this.graph), this.info);
    for (const [key, f] of this.functions) copy.functions.set(key, { ...f, body: cloneGraph(f.body), notes: copyNotes(f.notes) });
    for (const [key, text] of this.metadata) copy.metadata.set(key, text);
    for (const [name, file] of this.files) copy.files.set(name, file);
    copy.notes = copyNotes(this.notes);
    return copy.settle();
  }
}

/** Tells which function goes: its body's revision must not be lost, or the model's would shrink. */
class FunctionMap extends Map<string, FunctionDef> {
  readonly #changed: (was: FunctionDef | undefined) => void;

  constructor(changed: (was: FunctionDef | undefined) => void) {
    super();
    this.#changed = changed;
  }

  override set(key: string, f: FunctionDef): this {
    const was = this.get(key);
    if (was === f) return this;
    this.#changed(was);
    return super.set(key, f);
  }

  override delete(key: string): boolean {
    if (this.has(key)) this.#changed(this.get(key));
    return super.delete(key);
  }

  override clear(): void {
    for (const key of [...this.keys()]) this.delete(key);
  }
}

function* withSubgraphs(graph: Graph): Generator<Graph> {
  yield graph;
  for (const n of graph.nodes) for (const inner of n.graphs()) yield* withSubgraphs(inner);
}

function* allNodes(graph: Graph): Generator<Node> {
  for (const n of graph.nodes) {
    yield n;
    for (const inner of n.graphs()) yield* allNodes(inner);
  }
}

/** A copy of a graph and everything in it; `twins` maps what lies outside to what the copy should read instead. */
export function cloneGraph(graph: Graph, twins = new Map<Value, Value>()): Graph {
  const copy = new Graph(graph.name, graph.owner ? undefined : graph.opsets);
  copy.notes = copyNotes(graph.notes);
  for (const [name, roles] of graph.quantization) copy.quantization.set(name, roles);
  const twin = (v: Value): Value => twins.get(v) ?? v;
  for (const v of graph.inputs) twins.set(v, copy.addInput(copyValue(v, v.default)));
  for (const v of graph.initializers.values()) twins.set(v, copy.adoptInitializer(copyValue(v, v.constant)));
  for (const n of graph.ordered()) copy.add(copyNode(n, twins));
  for (const v of graph.outputs) copy.addOutput(twin(v));
  return copy;
}

/** A copy of a node, reading `twins` of what it reads; the twins of its outputs are added to the map. It is in no graph yet. */
export function copyNode(n: Node, twins: Map<Value, Value>): Node {
  const attrs = [...n.attrs].map(([name, a]): readonly [string, Attr] => {
    if (a.type === 'graph') return [name, { ...a, value: cloneGraph(a.value, twins) }];
    if (a.type === 'graphs') return [name, { ...a, value: a.value.map((g) => cloneGraph(g, twins)) }];
    return [name, a];
  });
  const inputs = n.inputs.map((v) => v && (twins.get(v) ?? v));
  const m = new Node(n.opType, inputs, { domain: n.domain, overload: n.overload, name: n.name, outputs: n.outputs.map((v) => v.name), attrs, notes: copyNotes(n.notes) });
  n.outputs.forEach((v, i) => {
    const w = m.outputs[i]!;
    w.type = v.declared;
    if (v.type !== v.declared) w.infer(v.type);
    w.notes = copyNotes(v.notes);
    twins.set(v, w);
  });
  return m;
}

function copyValue(v: Value, constant: Value['constant']): Value {
  const w = new Value(v.name, { type: v.declared, constant });
  if (v.type !== v.declared) w.infer(v.type);
  w.notes = copyNotes(v.notes);
  return w;
}

const copyNotes = (notes: Notes | undefined): Notes | undefined => notes && { ...notes, ...(notes.metadata && { metadata: new Map(notes.metadata) }) };
