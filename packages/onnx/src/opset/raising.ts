import { OnnxError } from '../error.ts';
import { attr, type Attr } from '../ir/attr.ts';
import type { DType } from '../ir/dtype.ts';
import { describe, Node, type Graph, type Value } from '../ir/graph.ts';
import type { Tensor } from '../ir/tensor.ts';
import { tensorType } from '../ir/types.ts';

/** From here on a Constant may hold what an attribute of the function around it says. */
const CONSTANT_OF_ATTRIBUTE = 12;
/** From here on there is CastLike. */
const CAST_LIKE = 15;

/** What one function, or the main graph, knows while its nodes are raised. */
export interface Surroundings {
  /** The opset in the end. */
  readonly to: number;
  /** Whether every call gives the attribute of the function around, or it has a default. */
  isGiven(attribute: string): boolean;
  /** The constant of these numbers that serves the whole graph, if one was made. */
  readonly shared: Map<Graph, Map<string, Value>>;
}

/** One node on its way from a version of its operator to the next that differs. Its inputs, attributes and neighbours are edited in place. */
export class Raising {
  /** The node as it stands: `become` puts another in its place. */
  node: Node;
  /** The version that the node is written in. A step that writes a later one says so here. */
  version: number;
  readonly graph: Graph;
  /** Nodes that were added, and the opset in whose form they are written. */
  readonly added: { readonly node: Node; readonly version: number }[] = [];
  readonly #around: Surroundings;

  constructor(node: Node, graph: Graph, version: number, around: Surroundings) {
    this.node = node;
    this.graph = graph;
    this.version = version;
    this.#around = around;
  }

  /** The opset in the end. */
  get to(): number {
    return this.#around.to;
  }

  /** Ends it: the sentence goes on after the node's name. */
  refuse(why: string): never {
    throw new OnnxError('unsupported', `${describe(this.node)} ${why}`);
  }

  input(index: number): Value | undefined {
    return this.node.inputs[index];
  }

  /** The element type of an input, where it is known. */
  dtype(index: number): DType | undefined {
    const type = this.input(index)?.type;
    return type?.kind === 'tensor' ? type.dtype : undefined;
  }

  /** An attribute whose numbers the step has to know. */
  #known(name: string): Attr | undefined {
    const a = this.node.attrs.get(name);
    if (a?.type === 'ref') this.refuse(`takes "${name}" from the call of its function, and how it is to be written depends on the value. Inline the function first: fusion/simplify with "functions: inline".`);
    return a;
  }

  int(name: string, fallback: number): number {
    this.#known(name);
    return this.node.int(name, fallback);
  }

  has(name: string): boolean {
    return this.node.attrs.has(name);
  }

  text(name: string, fallback: string): string {
    this.#known(name);
    return this.node.string(name, fallback);
  }

  float(name: string, fallback: number): number {
    this.#known(name);
    return this.node.float(name, fallback);
  }

  ints(name: string): readonly number[] | undefined {
    this.#known(name);
    return this.node.ints(name);
  }

  set(name: string, to: Attr): void {
    this.node.setAttr(name, to);
  }

  drop(...names: readonly string[]): void {
    for (const name of names) this.node.setAttr(name, undefined);
  }

  setInput(index: number, to: Value | undefined): void {
    this.node.setInput(index, to);
  }

  /** A constant that everything in the graph may read, made once for equal numbers. Small ones only: their bytes are compared. */
  constant(tensor: Tensor): Value {
    const known = this.#around.shared.get(this.graph) ?? new Map<string, Value>();
    this.#around.shared.set(this.graph, known);
    const key = `${tensor.dtype}[${tensor.dims.join()}]${tensor.bytes().join()}`;
    const before = known.get(key);
    if (before) return before;
    const [first] = this.graph.nodes;
    const value = this.graph.add(new Node('Constant', [], { attrs: [['value', attr.tensor(tensor)]] }), { before: first }).output;
    value.infer(tensorType(tensor.dtype, tensor.dims));
    known.set(key, value);
    return value;
  }

  /** Takes an attribute away and gives what it said as a value: of the tensor that `read` makes of it, or of whatever the call of the function around says. */
  moved(name: string, read: (a: Attr) => Tensor | undefined): Value | undefined {
    const a = this.node.attrs.get(name);
    if (!a) return undefined;
    if (a.type === 'ref') {
      if (this.to < CONSTANT_OF_ATTRIBUTE || !this.#around.isGiven(a.to)) this.refuse(`takes "${name}" from the call of its function, and now it has to be an input. ${this.to < CONSTANT_OF_ATTRIBUTE ? `Raise to opset ${CONSTANT_OF_ATTRIBUTE} or more` : `Give "${a.to}" in every call`}, or inline the function first: fusion/simplify with "functions: inline".`);
      this.drop(name);
      return this.graph.add(new Node('Constant', [], { attrs: [[`value_${a.of}`, a]] }), { before: this.node }).output;
    }
    const tensor = read(a) ?? this.refuse(`has an attribute "${name}" of type ${a.type}, which its operator does not take. Correct the model.`);
    this.drop(name);
    return this.constant(tensor);
  }

  /** The value in the element type of an input: at once where a constant can be written so, else by a CastLike. */
  like(value: Value, index: number): Value {
    const type = value.type;
    if (type?.kind === 'tensor' && type.dtype === this.dtype(index)) return value;
    if (this.to < CAST_LIKE) this.refuse(`needs a constant of the type of its input, which is not known. Give the model's inputs their types, or raise to opset ${CAST_LIKE} or more.`);
    return this.add('CastLike', [value, this.input(index)], {}, CAST_LIKE);
  }

  /** Adds a node before this one, written as `version` wants it: that of the step unless given. */
  add(opType: string, inputs: readonly (Value | undefined)[], attrs: Readonly<Record<string, Attr>> = {}, version = this.version): Value {
    const node = this.graph.add(new Node(opType, inputs, { attrs: Object.entries(attrs) }), { before: this.node });
    this.added.push({ node, version });
    return node.output;
  }

  /** Another operator in the place of this one, with its name, the names of its outputs and what is noted there. Gives `outputs` of them: all unless told. */
  become(opType: string, inputs: readonly (Value | undefined)[], attrs: Iterable<readonly [string, Attr]> = this.node.attrs, outputs = this.node.outputs.length): void {
    const old = this.node;
    const made = new Node(opType, inputs, { name: old.name, outputs, attrs: [...attrs], notes: old.notes });
    this.graph.add(made, { before: old });
    this.node = made;
    this.#takePlace(old, made.outputs);
  }

  /** The value that readers of the node's output shall read instead, made of that output by nodes behind the node. */
  behind(make: (output: Value) => Value): void {
    const old = this.node;
    const twin = new Node(old.opType, old.inputs, { name: old.name, attrs: [...old.attrs], notes: old.notes });
    this.graph.add(twin, { before: old });
    const result = make(twin.output);
    this.node = twin;
    this.#takePlace(old, [result]);
  }

  #takePlace(old: Node, by: readonly Value[]): void {
    const names = old.outputs.map((v) => v.name);
    old.outputs.forEach((v, i) => {
      const to = by[i];
      if (!to || v.name === '') return;
      const [known, declared, notes] = [v.type, v.declared, v.notes];
      if (v.useCount > 0 || v.isOutput) this.graph.replace(v, to);
      if (declared) to.type = declared;
      to.infer(known);
      to.notes = notes;
    });
    this.graph.remove(old);
    by.forEach((v, i) => {
      const name = names[i];
      if (name && v.name !== name && this.graph.freshName(name) === name) this.graph.rename(v, name);
    });
  }
}

/** Says a node of one version of its operator in the way of the next. Throws where that version cannot say it. */
export type Step = (r: Raising) => void;
