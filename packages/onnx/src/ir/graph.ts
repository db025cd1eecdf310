import { OnnxError } from '../error.ts';
import { graphsIn, type Attr, type Int } from './attr.ts';
import { Annotations, type Roles } from './annotations.ts';
import { constantOf } from './constant.ts';
import { CountedMap } from './counted-map.ts';
import { versionsOf } from './schema.ts';
import type { Tensor } from './tensor.ts';
import { sameType, tensorType, type Dim, type ValueType } from './types.ts';

/** One place where a value is read: input `index` of `node`. */
export interface Use {
  readonly node: Node;
  readonly index: number;
}

/** A value whose numbers are known: an initializer, or what a Constant node makes. */
export type Constant = Value & { readonly constant: Tensor };

/** What a graph and the subgraphs inside it share: opsets, the names in use, and how often anything changed. */
interface Scope {
  readonly opsets: Map<string, number>;
  readonly names: Map<string, number>;
  /** Hint → the number to try next, so that the thousandth name costs what the first did. */
  readonly numbers: Map<string, number>;
  /** The graphs that say how values are quantized: by name, and names change. */
  readonly annotated: Set<Graph>;
  revision: number;
}

function newScope(opsets: ReadonlyMap<string, number>): Scope {
  const scope: Scope = { opsets: new CountedMap(opsets, () => scope.revision++), names: new Map(), numbers: new Map(), annotated: new Set(), revision: 0 };
  return scope;
}

/* Value, Node and Graph keep each other consistent, so they live in one file and reach each other's
   private fields through these. Nothing outside can. */
let addUse: (v: Value, use: Use) => void;
let deleteUse: (v: Value, use: Use) => void;
let fill: (v: Value, t: Tensor) => void;
let nameIt: (v: Value, name: string) => void;
let house: (v: Value, g: Graph | undefined) => void;
let giversOf: (v: Value) => Set<Graph>;
let markInput: (v: Value, is: boolean) => void;
let useAt: (n: Node, index: number) => Use;
let nextOf: (n: Node) => Node | undefined;
let prevOf: (n: Node) => Node | undefined;
let link: (n: Node, prev: Node | undefined, next: Node | undefined) => void;
let own: (n: Node, g: Graph | undefined) => void;
let ownGraph: (g: Graph, n: Node | undefined) => void;
let scopeOf: (g: Graph) => Scope;
let join: (g: Graph, s: Scope) => void;
let leave: (g: Graph, s?: Scope) => void;
let touch: (g: Graph | undefined) => void;

/** One edge: made by a node, or given to the graph as an input or initializer. */
export class Value {
  /** The producing node; undefined for inputs and initializers. */
  readonly producer: Node | undefined;
  /** Documentation, metadata and unknown fields of the file. */
  notes: Notes | undefined;
  #name: string;
  #type: ValueType | undefined;
  #inferred: ValueType | undefined;
  #constant: Tensor | undefined;
  #graph: Graph | undefined;
  #isInput = false;
  /** Most values are read once: the set is made when it is needed. */
  #uses: Use | Set<Use> | undefined;
  /** Most values are no output: the set is made when it is needed. */
  #givers: Set<Graph> | undefined;

  static {
    addUse = (v, use) => {
      if (v.#uses === undefined || v.#uses === use) v.#uses = use;
      else if (v.#uses instanceof Set) v.#uses.add(use);
      else v.#uses = new Set([v.#uses, use]);
    };
    deleteUse = (v, use) => {
      if (v.#uses instanceof Set) v.#uses.delete(use);
      else if (v.#uses === use) v.#uses = undefined;
    };
    fill = (v, t) => {
      v.#constant = t;
      v.#type = tensorType(t.dtype, t.dims);
      v.#inferred = undefined;
    };
    nameIt = (v, name) => {
      v.#name = name;
    };
    house = (v, g) => {
      v.#graph = g;
    };
    giversOf = (v) => (v.#givers ??= new Set());
    markInput = (v, is) => {
      v.#isInput = is;
    };
  }

  /** `constant` for an initializer; for an input it is the default that a caller may override. */
  constructor(name: string, given: { type?: ValueType | undefined; producer?: Node; constant?: Tensor | undefined } = {}) {
    this.#name = name;
    this.producer = given.producer;
    this.#constant = given.constant;
    this.#type = given.type ?? (given.constant && tensorType(given.constant.dtype, given.constant.dims));
  }

  /** Unique in its graph and the graphs around it. Empty for an optional output that the node leaves out. Changed by `graph.rename`. */
  get name(): string {
    return this.#name;
  }

  /** What shape inference found, else the declared type, else that of the constant. */
  get type(): ValueType | undefined {
    const known = this.#inferred ?? this.#type;
    if (known || !this.producer) return known;
    const constant = constantOf(this.producer, this);
    return constant && tensorType(constant.dtype, constant.dims);
  }

  /** Declares the type: it is written to the file, and a change counts. What is only derived goes to `infer`. */
  set type(to: ValueType | undefined) {
    this.#inferred = undefined;
    if (sameType(this.#type, to)) return;
    this.#type = to;
    touch(this.graph);
  }

  /** The declared type alone: what the file says. */
  get declared(): ValueType | undefined {
    return this.#type;
  }

  /** Notes a derived type, which must not say less than the declared one: seen by `type`, not written, no change to the model. */
  infer(type: ValueType | undefined): void {
    this.#inferred = type;
  }

  /** The graph that holds the value; undefined for the outputs of a node that is in no graph. */
  get graph(): Graph | undefined {
    return this.producer ? this.producer.graph : this.#graph;
  }

  /** Every node input that reads the value, in all scopes. A copy: safe to walk while the graph changes. */
  get uses(): readonly Use[] {
    if (this.#uses === undefined) return [];
    return this.#uses instanceof Set ? [...this.#uses] : [this.#uses];
  }

  /** How many node inputs read the value. */
  get useCount(): number {
    if (this.#uses === undefined) return 0;
    return this.#uses instanceof Set ? this.#uses.size : 1;
  }

  /** Whether a graph gives the value out. */
  get isOutput(): boolean {
    return this.#givers !== undefined && this.#givers.size > 0;
  }

  /** Whether nobody reads the value and no graph gives it out. */
  get isUnused(): boolean {
    return this.useCount === 0 && !this.isOutput;
  }

  /** The numbers, of an initializer or a Constant node. An input's default is no constant: see `default`. */
  get constant(): Tensor | undefined {
    if (this.producer) return constantOf(this.producer, this);
    return this.isInput ? undefined : this.#constant;
  }

  /** What an input is when the caller gives nothing. */
  get default(): Tensor | undefined {
    return this.isInput ? this.#constant : undefined;
  }

  get isInput(): boolean {
    return this.#isInput;
  }

  isConstant(): this is Constant {
    return this.constant !== undefined;
  }

  /** The dimensions of a tensor, where the rank is known. */
  get dims(): readonly Dim[] | undefined {
    const t = this.type;
    return t?.kind === 'tensor' || t?.kind === 'sparse' ? t.dims : undefined;
  }

  get rank(): number | undefined {
    return this.dims?.length;
  }
}

/** What travels with an object but does not compute: documentation, metadata, fields of the file that have no place in this model. */
export interface Notes {
  docString?: string;
  metadata?: Map<string, string>;
  /** Raw protobuf fields, tags included, written back as they were. */
  extra?: Uint8Array;
}

interface NodeSpec {
  readonly domain?: string;
  readonly overload?: string;
  readonly name?: string;
  /** How many outputs, or their names; '' leaves an optional output out. One by default. */
  readonly outputs?: number | readonly string[];
  readonly attrs?: Iterable<readonly [string, Attr]>;
  readonly notes?: Notes | undefined;
}

/** One operator call. Inputs change through setInput, which keeps `uses` true. */
export class Node {
  readonly opType: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  readonly overload: string;
  name: string;
  readonly outputs: readonly Value[];
  notes: Notes | undefined;
  readonly #inputs: (Value | undefined)[];
  /** One per place, so that noting a use twice is noting it once. */
  readonly #reads: Use[] = [];
  /** Many nodes have no attribute: the map is made when it is needed. */
  #attrs: Map<string, Attr> | undefined;
  #graph: Graph | undefined;
  #next: Node | undefined;
  #prev: Node | undefined;

  static {
    nextOf = (n) => n.#next;
    prevOf = (n) => n.#prev;
    link = (n, prev, next) => {
      n.#prev = prev;
      n.#next = next;
    };
    useAt = (n, index) => (n.#reads[index] ??= { node: n, index });
    own = (n, g) => {
      n.#graph = g;
    };
  }

  constructor(opType: string, inputs: readonly (Value | undefined)[], spec: NodeSpec = {}) {
    const { outputs = 1 } = spec;
    this.opType = opType;
    this.domain = spec.domain === 'ai.onnx' ? '' : (spec.domain ?? '');
    this.overload = spec.overload ?? '';
    this.name = spec.name ?? '';
    this.notes = spec.notes;
    this.#inputs = [...inputs];
    for (const [key, a] of spec.attrs ?? []) (this.#attrs ??= new Map()).set(key, a);
    const names = typeof outputs === 'number' ? Array.from({ length: outputs }, () => FRESH) : outputs;
    this.outputs = names.map((name) => new Value(name, { producer: this }));
    if (this.#attrs) adopt(this, this.graphs());
  }

  get graph(): Graph | undefined {
    return this.#graph;
  }

  /** A missing optional input is undefined. */
  get inputs(): readonly (Value | undefined)[] {
    return this.#inputs;
  }

  get attrs(): ReadonlyMap<string, Attr> {
    return this.#attrs ?? NO_ATTRS;
  }

  /** The first output: the only one of most operators. */
  get output(): Value {
    const first = this.outputs[0];
    if (!first) throw new OnnxError('invalid-graph', `${describe(this)} has no output.`);
    return first;
  }

  /** Whether this is that operator of ai.onnx, or of `domain`. */
  is(opType: string, domain = ''): boolean {
    return this.opType === opType && this.domain === domain;
  }

  /**
   * Reads another value at `index`; beyond the last input the list grows. Missing inputs at the end are dropped, except those that the operator
   * wants the places of: Loop has two before what it carries.
   */
  setInput(index: number, to: Value | undefined): void {
    const from = this.#inputs[index];
    if (from === to) return;
    while (this.#inputs.length < index) this.#inputs.push(undefined);
    this.#inputs[index] = to;
    const least = to === undefined ? (versionsOf(this.domain, this.opType).at(-1)?.minInputs ?? 0) : 0;
    while (this.#inputs.length > least && this.#inputs.at(-1) === undefined) this.#inputs.pop();
    if (!this.#graph) return;
    if (from) deleteUse(from, useAt(this, index));
    if (to) addUse(to, useAt(this, index));
    touch(this.#graph);
  }

  /** Leaves an optional output out, of a node that is not yet in a graph: it gets no name, and nothing can read it. */
  leaveOut(output: Value): void {
    if (this.#graph || output.producer !== this) throw new OnnxError('bad-edit', `"${output.name}" of ${describe(this)} cannot be left out: ${this.#graph ? 'the node is in a graph' : 'another node makes it'}.`);
    nameIt(output, '');
  }

  /** Sets an attribute, or removes it with undefined. */
  setAttr(name: string, to: Attr | undefined): void {
    const from = this.#attrs?.get(name);
    if (from === to) return;
    const stay = to ? graphsIn(to) : [];
    assertFree(this, stay, from);
    for (const g of from ? graphsIn(from) : []) {
      leave(g);
      ownGraph(g, undefined);
    }
    if (to === undefined) this.#attrs?.delete(name);
    else (this.#attrs ??= new Map()).set(name, to);
    for (const g of stay) {
      ownGraph(g, this);
      if (this.#graph) join(g, scopeOf(this.#graph));
    }
    touch(this.#graph);
  }

  /** The subgraphs in the attributes. */
  graphs(): Graph[] {
    let graphs: Graph[] | undefined;
    if (this.#attrs) for (const a of this.#attrs.values()) if (a.type === 'graph' || a.type === 'graphs') (graphs ??= []).push(...graphsIn(a));
    return graphs ?? [];
  }

  /** An integer attribute. Throws where it is no exact number. */
  int(name: string): number | undefined;
  int(name: string, fallback: number): number;
  int(name: string, fallback?: number): number | undefined {
    const a = this.#attrs?.get(name);
    return a?.type === 'int' ? exactNumber(this, name, a.value) : fallback;
  }

  ints(name: string): readonly number[] | undefined {
    const a = this.#attrs?.get(name);
    return a?.type === 'ints' ? a.value.map((v) => exactNumber(this, name, v)) : undefined;
  }

  float(name: string): number | undefined;
  float(name: string, fallback: number): number;
  float(name: string, fallback?: number): number | undefined {
    const a = this.#attrs?.get(name);
    return a?.type === 'float' ? a.value : fallback;
  }

  string(name: string): string | undefined;
  string(name: string, fallback: string): string;
  string(name: string, fallback?: string): string | undefined {
    const a = this.#attrs?.get(name);
    return a?.type === 'string' && typeof a.value === 'string' ? a.value : fallback;
  }
}

/** Makes the graphs those of the node. */
function adopt(node: Node, graphs: readonly Graph[]): void {
  assertFree(node, graphs);
  for (const g of graphs) ownGraph(g, node);
}

/** Throws where one of the graphs has its place elsewhere: in another attribute, but for the one that goes, or in a node that is in a graph. */
function assertFree(node: Node, graphs: readonly Graph[], going?: Attr): void {
  const leaving = going ? graphsIn(going) : [];
  graphs.forEach((g, i) => {
    const isTaken = graphs.indexOf(g) < i || (g.owner && !leaving.includes(g) && (g.owner === node || g.owner.graph));
    if (isTaken) throw new OnnxError('bad-edit', `Graph "${g.name}" cannot go into ${describe(node)}: it is in ${g.owner && g.owner !== node ? describe(g.owner) : 'it already'}. Give each place a graph of its own: cloneGraph(graph).`);
  });
}

const NO_ATTRS: ReadonlyMap<string, Attr> = new Map();

/** The name of an output that is still to get one. No file can hold it. */
const FRESH = '\u0000';

/** Values whose names were chosen here: a subgraph that was made on its own chooses again where the graph it comes to uses the name. */
const chosen = new WeakSet<Value>();

function exactNumber(node: Node, name: string, v: Int): number {
  if (typeof v === 'number') return v;
  throw new OnnxError('unsupported', `"${name}" of ${describe(node)} is ${v}, beyond 2^53.`);
}

/** Nodes in order, inputs, outputs, and initializers: a model's main graph, a subgraph in an attribute, or a function's body. */
export class Graph {
  name: string;
  notes: Notes | undefined;
  readonly #annotations = new Annotations(() => {
    this.#scope.annotated.add(this);
    touch(this);
  });
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  readonly #initializers = new Map<string, Constant>();
  readonly #values = new Map<string, Value>();
  #scope: Scope;
  #owner: Node | undefined;
  #first: Node | undefined;
  #last: Node | undefined;
  #count = 0;

  static {
    scopeOf = (g) => g.#scope;
    ownGraph = (g, n) => {
      g.#owner = n;
    };
    touch = (g) => {
      if (g) g.#scope.revision++;
    };
    join = (g, scope) => {
      if (g.#scope === scope) return;
      move(g, scope);
      for (const v of [...g.#values.values()]) if (chosen.has(v) && g.parent?.resolve(v.name)) g.#rename(v, g.freshName(v.name));
      readOutside(g, 'add');
      for (const n of g.nodes) for (const inner of n.graphs()) join(inner, scope);
    };
    leave = (g, scope = newScope(g.opsets)) => {
      move(g, scope);
      readOutside(g, 'delete');
      for (const n of g.nodes) for (const inner of n.graphs()) leave(inner, scope);
    };
    const move = (g: Graph, scope: Scope): void => {
      for (const name of g.#values.keys()) {
        take(scope, name);
        drop(g.#scope, name);
      }
      if (g.#scope.annotated.delete(g)) scope.annotated.add(g);
      g.#scope = scope;
    };
  }

  /** `opsets`: domain → version, shared with the subgraphs inside. */
  constructor(name: string, opsets: ReadonlyMap<string, number> = new Map()) {
    this.name = name;
    this.#scope = newScope(opsets);
  }

  /** Value name → role → name of another value, as in the file. Follows when a value is renamed or replaced. */
  get quantization(): Map<string, Roles> {
    return this.#annotations;
  }

  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  /** By name. What Constant nodes make is not here, but is `value.constant` all the same. */
  get initializers(): ReadonlyMap<string, Constant> {
    return this.#initializers;
  }

  /** Domain → version. '' is ai.onnx. Every change counts. */
  get opsets(): Map<string, number> {
    return this.#scope.opsets;
  }

  /** Grows with every change to this graph, the ones around it, and the ones inside. */
  get revision(): number {
    return this.#scope.revision;
  }

  /** The node in whose attribute this graph lies. */
  get owner(): Node | undefined {
    return this.#owner;
  }

  /** The graph around this one. */
  get parent(): Graph | undefined {
    return this.#owner?.graph;
  }

  get nodeCount(): number {
    return this.#count;
  }

  /**
   * The nodes in order. Safe to walk while the graph changes: nodes added behind the current one are visited, removed ones are not.
   */
  get nodes(): Iterable<Node> {
    return { [Symbol.iterator]: () => this.#walk() };
  }

  *#walk(): Generator<Node> {
    let n = this.#first;
    while (n) {
      if (n.graph === this) yield n;
      n = nextOf(n); // a removed node still knows who came after it
    }
  }

  /** The value of that name in this graph, not in the ones around it. */
  value(name: string): Value | undefined {
    return this.#values.get(name);
  }

  /** The value that `name` means here: of this graph or the nearest one around it. */
  resolve(name: string): Value | undefined {
    return this.#values.get(name) ?? this.parent?.resolve(name);
  }

  /** `hint`, or `hint_1`, `hint_2` … : a name nobody around or inside uses. */
  freshName(hint: string): string {
    const { names, numbers } = this.#scope;
    if (hint !== '' && !names.has(hint)) return hint;
    for (let i = numbers.get(hint) ?? 1; ; i++) {
      const name = `${hint || 'value'}_${i}`;
      if (names.has(name)) continue;
      numbers.set(hint, i);
      return name;
    }
  }

  /** Throws when the name is taken, or the value is one of a node or of another graph. */
  addInput(value: Value): Value {
    if (value.producer || value.graph) throw new OnnxError('bad-edit', `"${value.name}" cannot become an input of graph "${this.name}": ${value.producer ? `${describe(value.producer)} makes it` : `it is in graph "${value.graph!.name}"`}.`);
    this.#enter(value);
    this.#inputs.push(value);
    markInput(value, true);
    touch(this);
    return value;
  }

  /** Throws while anything reads the input. */
  removeInput(value: Value): void {
    const at = this.#inputs.indexOf(value);
    if (at < 0) throw new OnnxError('bad-edit', `"${value.name}" is no input of graph "${this.name}".`);
    if (!value.isUnused) throw new OnnxError('bad-edit', `Input "${value.name}" is still read: ${readers(value)}.`);
    this.#inputs.splice(at, 1);
    markInput(value, false);
    this.#exit(value);
    touch(this);
  }

  addOutput(value: Value): void {
    this.#outputs.push(value);
    giversOf(value).add(this);
    touch(this);
  }

  removeOutput(index: number): void {
    const [gone] = this.#outputs.splice(index, 1);
    if (!gone) throw new OnnxError('bad-edit', `Graph "${this.name}" has no output ${index}.`);
    this.#ungive(gone);
    touch(this);
  }

  /** Gives out another value in this place, under that value's own name. To keep the public name use `replace`. */
  setOutput(index: number, value: Value): void {
    const old = this.#outputs[index];
    if (!old) throw new OnnxError('bad-edit', `Graph "${this.name}" has no output ${index}.`);
    if (old === value) return;
    this.#outputs[index] = value;
    this.#ungive(old);
    giversOf(value).add(this);
    touch(this);
  }

  #ungive(value: Value): void {
    if (!this.#outputs.includes(value)) giversOf(value).delete(this);
  }

  /** Adds a constant under `hint` or a name made from it. */
  addInitializer(hint: string, tensor: Tensor): Constant {
    const value = this.adoptInitializer(new Value(this.freshName(hint), { constant: tensor }));
    chosen.add(value);
    return value;
  }

  /** Adds a constant under its own name, with its notes. Throws when the name is taken. */
  adoptInitializer(value: Value): Constant {
    if (!value.isConstant() || value.graph) throw new OnnxError('bad-edit', `"${value.name}" cannot become an initializer: ${value.graph ? `it is in graph "${value.graph.name}"` : 'it holds no tensor'}.`);
    this.#enter(value);
    const constant: Constant = value;
    this.#initializers.set(value.name, constant);
    touch(this);
    return constant;
  }

  /** Throws while anything reads it. */
  removeInitializer(value: Value): void {
    if (!value.isUnused) throw new OnnxError('bad-edit', `Initializer "${value.name}" is still read: ${readers(value)}.`);
    if (!this.#initializers.delete(value.name)) throw new OnnxError('bad-edit', `"${value.name}" is no initializer of graph "${this.name}".`);
    this.#exit(value);
    touch(this);
  }

  /** New numbers under the old name, for every reader. */
  setConstant(value: Constant, tensor: Tensor): void {
    if (value.producer) {
      for (const name of value.producer.attrs.keys()) value.producer.setAttr(name, undefined);
      value.producer.setAttr('value', { type: 'tensor', value: tensor });
      value.type = value.declared && tensorType(tensor.dtype, tensor.dims);
      return;
    }
    fill(value, tensor);
    touch(value.graph);
  }

  /** Adds a node, at the end or before another; outputs without a name get one. Throws when an output's name is taken. */
  add(node: Node, where: { before?: Node | undefined } = {}): Node {
    if (node.graph) throw new OnnxError('bad-edit', `${describe(node)} is already in graph "${node.graph.name}".`);
    const { before } = where;
    if (before && before.graph !== this) throw new OnnxError('bad-edit', `${describe(before)} is not in graph "${this.name}", so nothing can go before it.`);
    const taken = node.outputs.find((v, i) => v.name !== '' && v.name !== FRESH && (this.#values.has(v.name) || (i > 0 && node.outputs.findIndex((w) => w.name === v.name) < i)));
    if (taken) throw new OnnxError('invalid-graph', `${describe(node)} cannot join graph "${this.name}": "${taken.name}" is taken.`);
    for (const v of node.outputs) {
      if (v.name === FRESH) {
        nameIt(v, this.freshName(node.name || node.opType.toLowerCase()));
        chosen.add(v);
      }
      if (v.name !== '') this.#enter(v);
    }
    own(node, this);
    this.#splice(node, before);
    node.inputs.forEach((v, index) => v && addUse(v, useAt(node, index)));
    if (node.attrs.size > 0) for (const g of node.graphs()) join(g, this.#scope);
    touch(this);
    return node;
  }

  /**
   * Calls `look` while these nodes, which are in no graph, say that they are in this one: for what asks a node for its graph's opsets.
   * Nothing else changes: they have no place and no names, and read nothing.
   */
  asIfAdded(nodes: readonly Node[], look: () => void): void {
    const inGraph = nodes.find((n) => n.graph);
    if (inGraph) throw new OnnxError('bad-edit', `${describe(inGraph)} is already in graph "${inGraph.graph?.name ?? ''}".`);
    for (const n of nodes) own(n, this);
    try {
      look();
    } finally {
      for (const n of nodes) own(n, undefined);
    }
  }

  /** Removes a node, and what is inside it. Throws while anything reads its outputs. */
  remove(node: Node): void {
    if (node.graph !== this) throw new OnnxError('bad-edit', `${describe(node)} is not in graph "${this.name}".`);
    const read = node.outputs.find((v) => !v.isUnused);
    if (read) throw new OnnxError('bad-edit', `${describe(node)} cannot go: "${read.name}" is still read: ${readers(read)}.`);
    node.inputs.forEach((v, index) => v && deleteUse(v, useAt(node, index)));
    for (const g of node.graphs()) leave(g);
    for (const v of node.outputs) if (v.name !== '') this.#exit(v);
    this.#unlink(node);
    own(node, undefined);
    touch(this);
  }

  /** Moves a node before another one of this graph. */
  move(node: Node, where: { before: Node }): void {
    if (node.graph !== this || where.before.graph !== this) throw new OnnxError('bad-edit', `${describe(node)} and ${describe(where.before)} are not both in graph "${this.name}".`);
    if (node === where.before) return;
    this.#unlink(node);
    this.#splice(node, where.before);
    touch(this);
  }

  rename(value: Value, name: string): void {
    if (value.name === name) return;
    if (this.#values.get(value.name) !== value) throw new OnnxError('bad-edit', `"${value.name}" is not in graph "${this.name}".`);
    if (this.#scope.names.has(name)) throw new OnnxError('bad-edit', `"${value.name}" cannot be renamed: "${name}" is taken.`);
    chosen.delete(value);
    this.#rename(value, name);
  }

  /** Each of two values of this graph gets the name of the other: no name is taken or freed, so that it works where another branch uses one of them too. */
  exchangeNames(a: Value, b: Value): void {
    const outside = [a, b].find((v) => this.#values.get(v.name) !== v);
    if (outside) throw new OnnxError('bad-edit', `"${outside.name}" is not in graph "${this.name}".`);
    const [nameOfA, nameOfB] = [a.name, b.name];
    for (const v of [a, b]) chosen.delete(v);
    this.#rename(a, this.freshName(nameOfA));
    this.#rename(b, nameOfA);
    this.#rename(a, nameOfB);
  }

  #rename(value: Value, name: string): void {
    this.#annotateInstead(value, name);
    this.#values.delete(value.name);
    drop(this.#scope, value.name);
    const initializer = this.#initializers.get(value.name);
    if (initializer === value) this.#initializers.delete(value.name);
    nameIt(value, name);
    if (initializer === value) this.#initializers.set(name, initializer);
    this.#values.set(name, value);
    take(this.#scope, name);
    touch(this);
  }

  /** What is said of the value's quantization, or by it, is said of the one called `name` from here on, unless that has its own. */
  #annotateInstead(value: Value, name: string): void {
    for (const g of this.#scope.annotated) if (g.#annotations.speaksOf(value.name) && g.resolve(value.name) === value) g.#annotations.rename(value.name, name);
  }

  /**
   * Every reader of `old` reads `by`, except the node that makes `by` and what is inside it. Where `old` is an output of this graph, its name and declared type stay:
   * `by` takes them over, or an Identity does where `by` may not be renamed (an input, an initializer, another output, a value of another graph).
   */
  replace(old: Value, by: Value): void {
    if (old === by) return;
    if (old.isInput && old.graph && giversOf(old).has(old.graph)) throw new OnnxError('bad-edit', `"${old.name}" is an input and an output at once, so nothing else can take its place.`);
    if (by.graph && old.graph === by.graph) by.graph.#annotateInstead(old, by.name);
    for (const { node, index } of old.uses) if (!isWithin(node, by.producer)) node.setInput(index, by);
    for (const g of [...giversOf(old)]) {
      if (g === old.graph) g.#giveInstead(old, by);
      else if (!isWithin(g.owner, by.producer)) g.#outputs.forEach((v, i) => v === old && g.setOutput(i, by));
    }
  }

  #giveInstead(old: Value, by: Value): void {
    const { name, declared = old.type ?? by.type } = old;
    const movable = by.graph === this && by.producer !== undefined && !by.isOutput;
    // not `rename`: a name that an inner graph uses too was taken before, and stays as it is
    this.#rename(old, this.freshName(`${name}_replaced`));
    const out = movable ? by : this.add(new Node('Identity', [by])).output;
    this.#rename(out, name);
    const known = old.type ?? by.type;
    if (declared) out.type = declared;
    out.infer(known);
    out.notes = old.notes;
    this.#outputs.forEach((v, i) => v === old && this.setOutput(i, out));
  }

  /** Drops nodes and initializers that nobody reads, here and in the subgraphs, except initializers that tell how a value is quantized. Returns how many. */
  prune(): number {
    let dropped = 0;
    for (let n = this.#last; n; ) {
      const prev = prevOf(n);
      if (n.outputs.every((v) => v.isUnused)) {
        this.remove(n);
        dropped++;
      } else for (const g of n.graphs()) dropped += g.prune();
      n = prev;
    }
    const told = new Set([...this.#annotations].flatMap(([name, roles]) => (this.#values.has(name) ? [...roles.values()] : [])));
    for (const v of [...this.#initializers.values()]) {
      if (!v.isUnused || told.has(v.name)) continue;
      this.removeInitializer(v);
      dropped++;
    }
    return dropped;
  }

  /** The nodes in an order in which everything is made before it is read, and otherwise as they are. Throws on a cycle. */
  ordered(): Node[] {
    const order: Node[] = [];
    const state = new Map<Node, 'open' | 'done'>();
    for (const root of this.nodes) {
      const stack: { node: Node; needs: Node[] }[] = [];
      const visit = (node: Node): void => {
        if (state.get(node) === 'open') throw new OnnxError('invalid-graph', `Graph "${this.name}" has a cycle through ${describe(node)}.`);
        if (state.has(node)) return;
        state.set(node, 'open');
        stack.push({ node, needs: needsOf(node, this) });
      };
      visit(root);
      for (let top = stack.at(-1); top; top = stack.at(-1)) {
        const need = top.needs.pop();
        if (need) {
          visit(need);
          continue;
        }
        state.set(top.node, 'done');
        order.push(top.node);
        stack.pop();
      }
    }
    return order;
  }

  /** Puts the nodes in the order of `ordered`. Returns whether anything moved. */
  sort(): boolean {
    const order = this.ordered();
    let n = this.#first;
    const same = order.every((node) => {
      const here = n === node;
      if (n) n = nextOf(n);
      return here;
    });
    if (same) return false;
    for (const node of order) {
      this.#unlink(node);
      this.#splice(node, undefined);
    }
    touch(this);
    return true;
  }

  #splice(node: Node, before: Node | undefined): void {
    const prev = before ? prevOf(before) : this.#last;
    link(node, prev, before);
    if (prev) link(prev, prevOf(prev), node);
    else this.#first = node;
    if (before) link(before, node, nextOf(before));
    else this.#last = node;
    this.#count++;
  }

  #unlink(node: Node): void {
    const [prev, next] = [prevOf(node), nextOf(node)];
    if (prev) link(prev, prevOf(prev), next);
    else this.#first = next;
    if (next) link(next, prev, nextOf(next));
    else this.#last = prev;
    this.#count--;
  }

  #enter(value: Value): void {
    if (value.name === '' || value.name === FRESH) throw new OnnxError('bad-edit', `A value of graph "${this.name}" needs a name.`);
    if (this.#values.has(value.name)) throw new OnnxError('invalid-graph', `Graph "${this.name}" has two values called "${value.name}".`);
    house(value, this);
    this.#values.set(value.name, value);
    take(this.#scope, value.name);
  }

  #exit(value: Value): void {
    house(value, undefined);
    this.#values.delete(value.name);
    drop(this.#scope, value.name);
  }
}

/** `MatMul "/encoder/layer.0/query"`: how messages name a node. */
export function describe(node: Node): string {
  const name = node.name || node.outputs.find((v) => v.name !== '' && v.name !== FRESH)?.name;
  return `${node.domain ? `${node.domain}.` : ''}${node.opType}${name ? ` "${name}"` : ''}`;
}

const readers = (v: Value): string => {
  const nodes = v.uses.map((u) => describe(u.node));
  return [...(v.isOutput ? ['it is a graph output'] : []), ...nodes.slice(0, 3), ...(nodes.length > 3 ? [`${nodes.length - 3} more`] : [])].join(', ');
};

/** The nodes of `graph` whose results `node`, or a graph inside it, reads; the last first. */
function needsOf(node: Node, graph: Graph): Node[] {
  const needs: Node[] = [];
  const collect = (n: Node): void => {
    for (const v of n.inputs) if (v?.producer?.graph === graph) needs.push(v.producer);
    for (const g of n.graphs()) {
      for (const inner of g.nodes) collect(inner);
      for (const v of g.outputs) if (v.producer?.graph === graph) needs.push(v.producer);
    }
  };
  collect(node);
  return needs.reverse();
}

/** Whether the node is that one, or lies in a graph inside it. */
function isWithin(node: Node | undefined, around: Node | undefined): boolean {
  for (let n = node; n && around; n = n.graph?.owner) if (n === around) return true;
  return false;
}

/** Notes what a subgraph reads and gives out of the graphs around it, or forgets it when the subgraph goes. */
function readOutside(g: Graph, how: 'add' | 'delete'): void {
  const note = how === 'add' ? addUse : deleteUse;
  for (const node of g.nodes) {
    node.inputs.forEach((v, index) => {
      if (v && v.graph !== g) note(v, useAt(node, index));
    });
  }
  for (const v of g.outputs) if (v.graph !== g) giversOf(v)[how](g);
}

function take({ names }: Scope, name: string): void {
  names.set(name, (names.get(name) ?? 0) + 1);
}

function drop({ names }: Scope, name: string): void {
  const left = (names.get(name) ?? 0) - 1;
  if (left > 0) names.set(name, left);
  else names.delete(name);
}
