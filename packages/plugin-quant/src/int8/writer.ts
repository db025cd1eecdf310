import { codeOf, float32s, int64s, lazyTensor, quantizedInt8, reshaped, type Graph, type Model, type Ops, type Tensor, type Value } from '@onnxpress/core';
import { replaceBy } from '../blocks/emit.ts';
import { frontOf } from '../blocks/front.ts';
import type { Target } from '../target.ts';
import { outlierRows, rowsWithout, type Columns } from './columns.ts';
import { PerGraph } from './per-graph.ts';
import { int8Rows, type Int8Rows, type SharedConstant } from './rows.ts';

/** How an activation becomes 8 bits at run time: one scale and zero point for all of it, or a scale for each token. */
export type Activations = 'tensor' | 'token';

export interface Int8WriterOptions {
  /** Whether each output of a product has a scale of its own. */
  readonly perChannel: boolean;
  /** Whether weights take 7 bits, for processors whose 8-bit products saturate. */
  readonly reduceRange: boolean;
}

interface StoredWeight {
  readonly codes: Value;
  readonly scale: Value;
}

/**
 * Writes int8 forms in place of products and lookups. What several of them need is made once: q, k and v share the codes of their activation, and two readers
 * of a weight its codes.
 */
export class Int8Writer {
  readonly #model: Model;
  readonly #options: Int8WriterOptions;
  readonly #weights = new Map<Value, Map<string, StoredWeight>>();
  readonly #tensors = new PerGraph<readonly [codes: Value, scale: Value, zeroPoint: Value]>();
  readonly #rows = new PerGraph<Int8Rows>();
  readonly #floats = new PerGraph<Value>();
  readonly #masked = new PerGraph<{ readonly rest: Value; readonly outliers: Value }>();
  readonly #constants = new PerGraph<Value>();

  constructor(model: Model, options: Int8WriterOptions) {
    this.#model = model;
    this.#options = options;
  }

  /** A product of an int8 weight. Columns given as `outliers`, of an activation quantized per token, stay float on both sides. */
  multiply(target: Target, activations: Activations, outliers: Columns = []): void {
    const graph = target.node.graph!; // targets are nodes of a graph
    replaceBy(target, {
      lookUp: refuse,
      multiply: (given, op) => {
        const x = target.computes === 'float32' ? given : this.#floats.get(graph, given, () => op.Cast(given, { to: codeOf('float32') }));
        const product = activations === 'tensor' ? this.#tensorWise(target, x, op, graph) : this.#tokenWise(target, x, outliers, op, graph);
        return target.computes === 'float32' ? product : op.Cast(product, { to: codeOf(target.computes) });
      },
    });
  }

  /** A lookup in an int8 table with a scale per row, so that the runtime never holds it in float. */
  lookUp(target: Target): void {
    const rows = target.tensor.dims[target.transposed ? 1 : 0]!; // targets are matrices
    replaceBy(target, {
      multiply: refuse,
      lookUp: (indices, op) => {
        const table = this.#weight(target, 'row', [], [rows, 1]);
        const values = op.Mul(op.Cast(op.Gather(table.codes, indices), { to: codeOf('float32') }), op.Gather(table.scale, indices));
        return target.computes === 'float32' ? values : op.Cast(values, { to: codeOf(target.computes) });
      },
    });
  }

  /** The form that onnxruntime fuses into one operator. */
  #tensorWise(target: Target, x: Value, op: Ops<Value>, graph: Graph): Value {
    const weight = this.#weight(target, this.#scalePer);
    const [codes, scale, zeroPoint] = this.#tensors.get(graph, x, () => op.DynamicQuantizeLinear(x));
    const sums = op.Cast(op.MatMulInteger(codes, weight.codes, zeroPoint), { to: codeOf('float32') });
    return op.Mul(sums, op.Mul(scale, weight.scale));
  }

  #tokenWise(target: Target, x: Value, outliers: Columns, op: Ops<Value>, graph: Graph): Value {
    if (outliers.length === 0) return this.#rowWise(target, x, outliers, op, graph);
    const { rest, outliers: kept } = this.#masked.get(graph, x, () => ({
      rest: op.Mul(x, this.#shared(graph, `${x.name}_without_outliers`, () => maskOf(target, outliers))),
      outliers: op.Gather(x, this.#shared(graph, `${x.name}_outliers`, () => int64s(outliers)), { axis: -1 }),
    }));
    const float = this.#front(target)(`${target.weight.name}_outliers`, outlierRows(target, outliers));
    return op.Add(this.#rowWise(target, rest, outliers, op, graph), op.MatMul(kept, float));
  }

  /** Two multiplications, the rows' scales first: onnxruntime takes the product of two scales for one of a whole tensor. */
  #rowWise(target: Target, x: Value, outliers: Columns, op: Ops<Value>, graph: Graph): Value {
    const weight = this.#weight(target, this.#scalePer, outliers);
    const { codes, scale, zeroPoint } = this.#rows.get(graph, x, () => int8Rows(x, op, (name, tensor) => this.#shared(graph, name, tensor)));
    const sums = op.Cast(op.MatMulInteger(codes, weight.codes, zeroPoint), { to: codeOf('float32') });
    return op.Mul(op.Mul(sums, scale), weight.scale);
  }

  get #scalePer(): 'column' | 'tensor' {
    return this.#options.perChannel ? 'column' : 'tensor';
  }

  #weight(target: Target, scalePer: 'row' | 'column' | 'tensor', outliers: Columns = [], scaleDims?: readonly number[]): StoredWeight {
    const { weight, tensor, transposed } = target;
    const ways = this.#weights.get(weight) ?? new Map<string, StoredWeight>();
    this.#weights.set(weight, ways);
    const way = JSON.stringify([scalePer, transposed, outliers]);
    const known = ways.get(way);
    if (known) return known;
    const rest = outliers.length === 0 ? tensor : lazyTensor('float32', tensor.dims, () => rowsWithout(target, outliers));
    const { codes, scale } = quantizedInt8(weight.name, rest, { scalePer, transposed, reduceRange: this.#options.reduceRange });
    const front = this.#front(target);
    const made = { codes: front(`${weight.name}_int8`, codes), scale: front(`${weight.name}_scale`, scaleDims ? reshaped(scale, scaleDims) : scale) };
    ways.set(way, made);
    return made;
  }

  /** Makes constants where the weight is. */
  #front({ weight, node }: Target): (hint: string, tensor: Tensor) => Value {
    return frontOf(this.#model, weight.graph ?? node.graph!).constant; // targets are nodes of a graph
  }

  #shared(graph: Graph, name: string, tensor: () => Tensor): ReturnType<SharedConstant> {
    return this.#constants.get(graph, name, () => frontOf(this.#model, graph).constant(name, tensor()));
  }
}

const refuse = (): never => {
  throw new Error('A product and a lookup were taken for one another.');
};

/** float32 [K]: 0 for the outliers, 1 for the rest. */
function maskOf({ tensor, transposed }: Target, outliers: Columns): Tensor {
  const mask = new Float32Array(tensor.dims[transposed ? 1 : 0]!).fill(1); // targets are matrices
  for (const c of outliers) mask[c] = 0;
  return float32s([mask.length], mask);
}
