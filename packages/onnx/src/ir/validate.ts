import { OnnxError } from '../error.ts';
import { describe, type Graph, type Node, type Value } from './graph.ts';
import type { Model } from './model.ts';
import { describeType, type ValueType } from './types.ts';
import { nodeChecker } from './validate-node.ts';

export type ProblemCode =
  | 'name' // missing, or used twice in graphs that see each other
  | 'undefined-value' // read, but not made here or around here
  | 'order' // read before it is made
  | 'uses' // what a value knows of its readers is not true
  | 'interface' // an input or output without a type, or given out twice
  | 'initializer' // its numbers are not of the declared type
  | 'opset' // an operator set is used, but not imported
  | 'unknown-operator' // not in this operator set
  | 'arity' // too many or too few inputs or outputs
  | 'attribute' // unknown, missing, or of another type
  | 'subgraph'; // a body that its node cannot call

/** One way in which a model does not hold together. */
export interface Problem {
  readonly code: ProblemCode;
  /** Names the node, the value and the graph. */
  readonly message: string;
  readonly node?: Node | undefined;
  readonly value?: Value | undefined;
}

/**
 * What must hold between passes: names are given once, also towards the graphs around; whatever is read is made before, in this
 * graph or around it; uses and producers agree; operators are those of the imported operator sets, with as many inputs and outputs and the
 * attributes they ask for; inputs, outputs and initializers have the types they declare. Operators of unknown domains are
 * left alone. Problems come in the order of the model.
 */
export function validate(model: Model): Problem[] {
  const walk = new Walk(model);
  walk.graph(model.graph, true);
  for (const f of model.functions.values()) {
    walk.graph(f.body, false);
    walk.checkFunction(f.body);
  }
  walk.finish();
  return walk.problems;
}

/** Throws `invalid-graph` with the first problems when there are any. */
export function assertValid(model: Model): void {
  const problems = validate(model);
  if (problems.length === 0) return;
  const shown = problems.slice(0, 5).map((p) => p.message);
  const more = problems.length > shown.length ? ` And ${problems.length - shown.length} more.` : '';
  throw new OnnxError('invalid-graph', `The model does not hold together. ${shown.join(' ')}${more} Whoever changed it last broke it: change it through Graph and Node only.`);
}

class Walk {
  readonly problems: Problem[] = [];
  /** Values that may be read here. */
  readonly #available = new Set<Value>();
  /** Names in this graph and around it. */
  readonly #names = new Map<string, Value>();
  readonly #reads = new Map<Value, number>();
  readonly #given = new Set<Value>();
  readonly #made: Value[] = [];
  readonly #checkNode: ReturnType<typeof nodeChecker>;

  constructor(model: Model) {
    this.#checkNode = nodeChecker(model, (problem) => this.problems.push(problem));
  }

  graph(graph: Graph, isMain: boolean): void {
    const here: Value[] = [];
    const enter = (value: Value): void => {
      this.#enter(graph, value);
      here.push(value);
    };
    graph.inputs.forEach(enter);
    for (const value of graph.initializers.values()) {
      enter(value);
      this.#checkInitializer(value);
    }
    for (const value of graph.inputs) if (value.default) this.#checkInitializer(value);
    for (const node of graph.nodes) {
      node.inputs.forEach((value, index) => value && this.#read(graph, node, index, value));
      for (const inner of node.graphs()) this.graph(inner, false);
      for (const value of node.outputs) if (value.name !== '') enter(value);
      this.#checkNode(node, graph);
    }
    this.#checkOutputs(graph);
    if (isMain) this.#checkInterface(graph);
    for (const value of here) {
      this.#available.delete(value);
      if (this.#names.get(value.name) === value) this.#names.delete(value.name);
    }
  }

  /** A function's body is a list of nodes in the file. */
  checkFunction(body: Graph): void {
    for (const value of body.initializers.values()) this.#report('initializer', `Function "${body.name}" has the initializer "${value.name}", and the file has no place for it. Make it the output of a Constant node.`, { value });
    for (const value of body.inputs) if (value.default) this.#report('initializer', `Input "${value.name}" of function "${body.name}" has a default, and the file has no place for it. Drop it.`, { value });
  }

  /** What can be said when all readers are known. */
  finish(): void {
    for (const value of this.#made) {
      const reads = this.#reads.get(value) ?? 0;
      if (value.useCount !== reads) this.#report('uses', `Value "${value.name}" is read ${reads} times, but knows of ${value.useCount} readers.`, { value });
      else if (value.uses.some(({ node, index }) => node.inputs[index] !== value)) this.#report('uses', `Value "${value.name}" believes to be read where it is not.`, { value });
      if (value.isOutput !== this.#given.has(value)) this.#report('uses', `Value "${value.name}" ${value.isOutput ? 'believes to be an output and is none' : 'is an output and does not know it'}.`, { value });
    }
  }

  #enter(graph: Graph, value: Value): void {
    const other = this.#names.get(value.name);
    if (value.name === '') this.#report('name', `Graph "${graph.name}" has an input or initializer without a name.`, { value });
    else if (other) this.#report('name', `Two values are called "${value.name}", ${other.graph === graph ? `both in graph "${graph.name}"` : `one in graph "${graph.name}" and one around it`}.`, { value });
    else this.#names.set(value.name, value);
    if (graph.value(value.name) !== value) this.#report('uses', `Graph "${graph.name}" does not know its value "${value.name}".`, { value });
    this.#available.add(value);
    this.#made.push(value);
  }

  #read(graph: Graph, node: Node, index: number, value: Value): void {
    this.#reads.set(value, (this.#reads.get(value) ?? 0) + 1);
    if (this.#available.has(value)) return;
    const home = value.graph;
    const visible = home && home.value(value.name) === value && reaches(graph, home);
    const what = `Input ${index} of ${describe(node)} in graph "${graph.name}" is "${value.name}", which`;
    if (visible) this.#report('order', `${what} is made only later. Call graph.sort().`, { node, value });
    else this.#report('undefined-value', `${what} ${home ? `belongs to graph "${home.name}" and cannot be seen there` : 'nothing makes'}.`, { node, value });
  }

  #checkOutputs(graph: Graph): void {
    const seen = new Set<Value>();
    for (const value of graph.outputs) {
      if (!this.#available.has(value)) this.#report('undefined-value', `Graph "${graph.name}" gives out "${value.name}", which nothing makes.`, { value });
      if (seen.has(value)) this.#report('interface', `Graph "${graph.name}" gives out "${value.name}" twice.`, { value });
      seen.add(value);
      this.#given.add(value);
    }
  }

  #checkInterface(graph: Graph): void {
    for (const value of graph.inputs) if (!value.declared) this.#report('interface', `Input "${value.name}" has no type.`, { value });
    for (const value of graph.outputs) if (!value.declared && !value.notes?.extra) this.#report('interface', `Output "${value.name}" has no type.`, { value });
  }

  #checkInitializer(value: Value): void {
    const tensor = value.constant ?? value.default;
    const type = value.declared;
    if (!tensor || !type) return;
    if (fits(type, tensor.dtype, tensor.dims)) return;
    this.#report('initializer', `Initializer "${value.name}" is declared as ${describeType(type)}, but its numbers are ${tensor.dtype}[${tensor.dims.join(', ')}].`, { value });
  }

  #report(code: ProblemCode, message: string, at: Pick<Problem, 'node' | 'value'>): void {
    this.problems.push({ code, message, ...at });
  }
}

/** Whether `outer` is the graph or one around it. */
function reaches(graph: Graph, outer: Graph): boolean {
  for (let g: Graph | undefined = graph; g; g = g.parent) if (g === outer) return true;
  return false;
}

function fits(type: ValueType, dtype: string, dims: readonly number[]): boolean {
  if (type.kind !== 'tensor' && type.kind !== 'sparse') return false;
  if (type.dtype !== dtype) return false;
  return type.dims === undefined || (type.dims.length === dims.length && type.dims.every((dim, i) => typeof dim !== 'number' || dim === dims[i]));
}
