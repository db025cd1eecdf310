import { codeOf, definePass, describe, OnnxError, reshaped, scalar, selector, valueOps, type Graph, type Ops, type Value } from '@onnxpress/core';
import { quantizeInt8, type Int8Options, type Int8Weight } from './int8.ts';
import { dropUnread, sharedElsewhere, targetOf, type Target } from './target.ts';

/** DynamicQuantizeLinear and MatMulInteger came with it. */
const NEEDS_OPSET = 11;

/**
 * Dynamic INT8: weights are stored as int8, activations become uint8 at run time with one scale and zero point for the whole tensor
 * (ONNX DynamicQuantizeLinear). A product is MatMulInteger, Cast, Mul: the form that onnxruntime fuses into one int8 kernel.
 * An embedding table is stored as int8 with a scale per row and looked up as such, so the runtime never holds it in float.
 */
export const dynamic = definePass({
  name: 'quant/dynamic',
  summary: 'Stores weights as int8 and quantizes activations at run time: a quarter of the size, about twice as fast, no calibration data.',
  numerics: 'lossy',
  options: {
    'per-channel': { type: 'boolean', default: true, description: 'One scale per output channel of a weight instead of one for all of it: hardly larger, much more exact.' },
    embeddings: { type: 'boolean', default: true, description: 'Quantize embedding tables (Gather) too, with a scale per row.' },
    include: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only these nodes: globs over node or weight names, op:Type, or domain:name. Empty means all.' },
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Not these nodes.' },
  },
  run(model, options, ctx) {
    const opset = model.opsets.get('') ?? 0;
    if (opset < NEEDS_OPSET) throw new OnnxError('unsupported', `Dynamic quantization needs opset ${NEEDS_OPSET}, and the model has ${opset}. Export it with a newer opset.`);
    const chosen = selector(model, options.include, options.exclude);
    const found: Target[] = [];
    for (const node of model.nodes()) {
      if (!chosen(node)) continue;
      const target = targetOf(node);
      if (target === undefined) continue;
      if (typeof target === 'string') ctx.missed(`${describe(node)} stays: ${target}.`);
      else if (target.kind !== 'embedding' || options.embeddings) found.push(target);
    }
    const shared = sharedElsewhere(found, model);
    const targets = found.filter((t) => !shared.has(t.weight));
    for (const { node, weight } of found) if (shared.has(weight)) ctx.missed(`${describe(node)} stays: its weight "${weight.name}" is read elsewhere too, and would be stored twice.`);
    const work = new Rewriting();
    targets.forEach((target, done) => {
      ctx.signal.throwIfAborted();
      ctx.progress(done, targets.length, target.weight.name);
      work.quantize(target, options['per-channel']);
      ctx.count(target.kind === 'embedding' ? 'embeddings' : 'products');
    });
    work.finish();
  },
});

/** The weights and activations that are quantized already, so that q, k and v share one DynamicQuantizeLinear and a tied weight is stored once. */
class Rewriting {
  readonly #weights = new Map<string, { codes: Value; scale: Value }>();
  readonly #activations = new Map<Value, readonly [codes: Value, scale: Value, zeroPoint: Value]>();
  readonly #numbers = new Map<Value, number>();
  readonly #old = new Set<Value>();

  quantize(target: Target, perChannel: boolean): void {
    const { node } = target;
    const graph = node.graph!; // targets are nodes of a graph
    const op = valueOps(graph, (made) => void graph.add(made, { before: node }));
    const result = target.kind === 'embedding' ? this.#lookUp(target, op, graph) : this.#multiply(target, op, graph, perChannel);
    result.infer(node.output.type);
    this.#old.add(node.inputs[target.input]!);
    graph.replace(node.output, result);
    graph.remove(node);
  }

  #multiply(target: Target, op: Ops<Value>, graph: Graph, perChannel: boolean): Value {
    const { node } = target;
    const weight = this.#weight(target, { scalePer: perChannel ? 'column' : 'tensor', transposed: target.transposed }, graph);
    const [codes, scale, zeroPoint] = this.#activation(node.inputs[0]!, op);
    const sums = op.Cast(op.MatMulInteger(codes, weight.codes, zeroPoint), { to: codeOf('float32') });
    const product = op.Mul(sums, op.Mul(scale, weight.scale));
    if (target.kind === 'matmul') return product;
    const alpha = node.float('alpha', 1);
    const scaled = alpha === 1 ? product : op.Mul(product, graph.addInitializer(`${node.name}_alpha`, scalar('float32', alpha)));
    return node.inputs[2] ? op.Add(scaled, node.inputs[2]) : scaled;
  }

  #lookUp(target: Target, op: Ops<Value>, graph: Graph): Value {
    const { node } = target;
    const table = this.#weight(target, { scalePer: 'row', transposed: target.transposed }, graph, [target.tensor.dims[target.transposed ? 1 : 0]!, 1]);
    const rows = node.inputs[1]!;
    return op.Mul(op.Cast(op.Gather(table.codes, rows), { to: codeOf('float32') }), op.Gather(table.scale, rows));
  }

  #weight({ weight, tensor }: Target, options: Int8Options, graph: Graph, scaleDims?: readonly number[]): { codes: Value; scale: Value } {
    const number = this.#numbers.get(weight) ?? this.#numbers.size;
    this.#numbers.set(weight, number);
    const key = `${number} ${JSON.stringify([options, scaleDims])}`;
    const known = this.#weights.get(key);
    if (known) return known;
    const home = weight.graph ?? graph;
    const { codes, scale }: Int8Weight = quantizeInt8(weight.name, tensor, options);
    const made = {
      codes: home.addInitializer(`${weight.name}_int8`, codes),
      scale: home.addInitializer(`${weight.name}_scale`, scaleDims ? reshaped(scale, scaleDims) : scale),
    };
    this.#weights.set(key, made);
    return made;
  }

  #activation(x: Value, op: Ops<Value>): readonly [Value, Value, Value] {
    const known = this.#activations.get(x);
    if (known) return known;
    const made = op.DynamicQuantizeLinear(x);
    this.#activations.set(x, made);
    return made;
  }

  /** Drops the old weights, and what stood between them and their readers. */
  finish(): void {
    this.#old.forEach(dropUnread);
  }
}
