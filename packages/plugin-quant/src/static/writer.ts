import { countOf, float32sOf, lazyTensor, Node, scalar, tensorOf, type Graph, type Tensor, type Value } from '@onnxpress/core';
import { CODES, gridOf, halfToEven, type Grid, type GridOptions } from './grid.ts';
import { isWithin } from './grids.ts';
import { SENTINEL } from './histogram.ts';
import { biasOf, type Operator } from './operators.ts';
import { biasCodes, biasScales, channelCodes, vector, zeros } from './weight.ts';

export interface WriterOptions extends GridOptions {
  readonly reduceRange: boolean;
  /** Whether operators that can have a bias get one. */
  readonly biases: boolean;
  /** Whether what is written takes over the names of nodes, which then have to go. */
  readonly names: boolean;
}

/** An operator in its quantized form. */
export interface Written {
  /** The operator itself, between DequantizeLinear and QuantizeLinear. */
  readonly core: Node;
  /** Stands for the operator's place, or its output where there is none. */
  readonly result: Value;
  /** The bias as it is stored, where it is. */
  readonly bias: { readonly codes: Value; readonly scales: Float32Array } | undefined;
}

interface StoredWeight {
  readonly scales: Float32Array;
  readonly axis: number;
  readonly codes: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

/** Writes QuantizeLinear and DequantizeLinear around operators, in the forms that onnxruntime makes integer operators of. Constants that several need are made once. */
export class QdqWriter {
  readonly #graph: Graph;
  readonly #options: WriterOptions;
  readonly #grids = new Map<string, { readonly scale: Value; readonly zeroPoint: Value }>();
  readonly #weights = new Map<Value, StoredWeight[]>();

  constructor(graph: Graph, options: WriterOptions) {
    this.#graph = graph;
    this.#options = options;
  }

  /** Turns a value into codes by one grid, and back by another. */
  throughCodes(value: Value, to: Grid, from: Grid, before: Node, name: string): Value {
    const [front, back] = [this.#grid(to, name), this.#grid(from, name)];
    const codes = this.#add('QuantizeLinear', [value, front.scale, front.zeroPoint], before, `${name}_quantized`);
    const result = this.#add('DequantizeLinear', [codes, back.scale, back.zeroPoint], before, `${name}_dequantized`);
    result.infer(value.type);
    return result;
  }

  /** The operator over activations that `codesOf` gives in place of its own, before a node. Nothing reads it yet. */
  write(o: Operator, codesOf: (value: Value) => Value, gridOfPlace: Grid | undefined, inputScale: number, before: Node): Written {
    const { node } = o;
    const inputs = node.inputs.map((v, i) => (v && o.reads.includes(i) ? codesOf(v) : v));
    let bias: Written['bias'];
    if (o.weight) {
      const given = o.bias?.node === node && (o.bias.tensor || this.#options.biases) ? biasOf(o) : undefined;
      const { codes, scales } = channelCodes(o.weight, { reduceRange: this.#options.reduceRange, bias: given, inputScale });
      inputs[1] = this.#weight(o, codes, scales, before);
      if (given) {
        const steps = biasScales(inputScale, scales);
        const stored = this.#graph.addInitializer(`${node.output.name}_bias_int32`, biasCodes(given, steps));
        inputs[2] = this.#add('DequantizeLinear', [stored, this.#graph.addInitializer(`${node.output.name}_bias_scale`, vector(steps))], before, `${node.output.name}_bias`, 0);
        bias = { codes: stored, scales: steps };
      }
    } else if (o.kind === 'compute') {
      for (const [i, v] of inputs.entries()) if (v && !o.reads.includes(i) && v.constant) inputs[i] = this.#constant(v.constant, before, v.name);
    }
    const core = this.#graph.add(new Node(node.opType, inputs, { name: this.#options.names ? node.name : '', attrs: [...node.attrs].filter(([name]) => name !== 'transB'), notes: node.notes }), { before });
    core.output.infer(node.output.type);
    if (!o.place || !gridOfPlace) return { core, result: core.output, bias };
    const [lowest, highest] = CODES[this.#options.type];
    const { scale, zeroPoint } = gridOfPlace;
    const kept = { low: (lowest - zeroPoint) * scale, high: (highest - zeroPoint) * scale };
    const shifted = zeroPoint + Math.round(o.offset / scale);
    const takesIn = isWithin(kept, o) && shifted >= lowest && shifted <= highest;
    const front = takesIn ? { scale: Math.fround(scale / o.factor), zeroPoint: shifted } : gridOfPlace;
    return { core, result: this.throughCodes(takesIn ? core.output : this.#copied(o, core.output, before), front, gridOfPlace, before, o.place.name), bias };
  }

  /** What follows an operator, written out: where its codes cannot take that in. */
  #copied({ taken, node }: Operator, value: Value, before: Node): Value {
    let [from, to] = [node.output, value];
    for (const next of taken) {
      const copy = new Node(next.opType, next.inputs.map((v) => (v === from ? to : v)), { name: this.#options.names ? next.name : '', attrs: next.attrs });
      this.#graph.add(copy, { before }).output.infer(next.output.type);
      [from, to] = [next.output, copy.output];
    }
    return to;
  }

  #weight({ weight }: Operator, codes: Tensor, scales: Float32Array, before: Node): Value {
    const { value, axis, turned } = weight!; // asked of operators with weights
    const known = this.#weights.get(value) ?? [];
    this.#weights.set(value, known);
    const side = turned ? 1 : axis;
    const same = known.find((k) => k.axis === side && k.scales.every((s, i) => s === scales[i]));
    const own = same ?? {
      scales, axis: side, codes: this.#graph.addInitializer(`${value.name}_int8`, codes),
      scale: this.#graph.addInitializer(`${value.name}_scale`, vector(scales)), zeroPoint: this.#graph.addInitializer(`${value.name}_zero_point`, zeros(scales.length)),
    };
    if (!same) known.push(own);
    return this.#add('DequantizeLinear', [own.codes, own.scale, own.zeroPoint], before, `${value.name}_dequantized`, side);
  }

  /** A constant operand, on a grid of its own range. A number by itself is held exactly. */
  #constant(tensor: Tensor, before: Node, name: string): Value {
    const values = float32sOf(tensor).filter((x) => Math.abs(x) < SENTINEL);
    const grid = gridOf({ low: values.reduce((a, b) => Math.min(a, b), 0), high: values.reduce((a, b) => Math.max(a, b), 0) }, this.#options);
    const [lowest, highest] = CODES[this.#options.type];
    const codes = lazyTensor(this.#options.type, tensor.dims, () => {
      const quantized = float32sOf(tensor).map((x) => Math.min(highest, Math.max(lowest, halfToEven(x / grid.scale) + grid.zeroPoint)));
      return { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array }[this.#options.type].from(quantized);
    });
    const { scale, zeroPoint } = this.#grid(grid, name);
    const stored = this.#graph.addInitializer(`${name}_${this.#options.type}`, countOf(tensor.dims) === 0 ? tensorOf(this.#options.type, tensor.dims, []) : codes);
    return this.#add('DequantizeLinear', [stored, scale, zeroPoint], before, `${name}_dequantized`);
  }

  #grid({ scale, zeroPoint }: Grid, name: string): { readonly scale: Value; readonly zeroPoint: Value } {
    const key = `${scale} ${zeroPoint}`;
    const known = this.#grids.get(key);
    if (known) return known;
    const made = { scale: this.#graph.addInitializer(`${name}_scale`, scalar('float32', scale)), zeroPoint: this.#graph.addInitializer(`${name}_zero_point`, scalar(this.#options.type, zeroPoint)) };
    this.#grids.set(key, made);
    return made;
  }

  #add(opType: string, inputs: readonly Value[], before: Node, hint: string, axis?: number): Value {
    return this.#graph.add(new Node(opType, inputs, { outputs: [this.#graph.freshName(hint)], attrs: axis === undefined ? [] : [['axis', { type: 'int', value: axis }]] }), { before }).output;
  }
}
