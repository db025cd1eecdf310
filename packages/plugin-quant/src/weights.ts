import { definePass, describe, findNonFinite, importDomainOf, OnnxError, quantizedBlocks, selector, valueOps, type Graph, type Tensor, type Value } from '@onnxpress/core';
import { dropUnread, sharedElsewhere, targetOf, type Target } from './target.ts';

/** MatMulNBits takes floats of the opsets from here on. */
const NEEDS_OPSET = 13;

/**
 * Weight-only quantization by rounding to nearest: weights become codes of 2, 4 or 8 bits in blocks along their inputs, activations stay float32
 * (com.microsoft MatMulNBits). The last block of a row may be short; zero lies inside every range. Weights stored in half precision are read as such.
 * From file to file no weight is in memory as a whole.
 */
export const weights = definePass({
  name: 'quant/weights',
  summary: 'Stores the weights of products in 2, 4 or 8 bits, in blocks with a scale each, rounded to nearest; activations stay as they are.',
  numerics: 'lossy',
  options: {
    bits: { enum: [2, 4, 8], default: 4, description: 'Bits of a code.' },
    block: { enum: [16, 32, 64, 128, 256], default: 32, description: 'Weights that share a scale: smaller is more exact, and larger on disk.' },
    mode: { enum: ['asymmetric', 'symmetric', 'full-range'], default: 'asymmetric', description: 'How a block becomes codes: with a zero point of its own, or around zero with or without the lowest code.' },
    'accuracy-level': { enum: [0, 1, 4], default: 1, description: 'What the runtime computes in: 1 float32; 4 int8 activations, faster where the processor has VNNI and a little less exact; 0 leaves it to the runtime.' },
    include: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only these nodes: globs over node or weight names, op:Type, or domain:name. Empty means all.' },
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Not these nodes.' },
    'on-nonfinite': { enum: ['fail', 'keep'], default: 'fail', description: 'A weight with a NaN or an infinity is an error, or, at the price of reading every weight once more, left as it is.' },
  },
  async run(model, options, ctx) {
    const opset = model.opsets.get('') ?? 0;
    if (opset < NEEDS_OPSET) throw new OnnxError('unsupported', `Block quantization needs opset ${NEEDS_OPSET}, and the model has ${opset}. Export it with a newer opset.`);
    const chosen = selector(model, options.include, options.exclude);
    const found: Target[] = [];
    for (const node of model.nodes()) {
      const target = chosen(node) && !node.is('Gather') ? targetOf(node) : undefined;
      if (typeof target === 'string') ctx.missed(`${describe(node)} stays: ${target}.`);
      else if (target) found.push(target);
    }
    const shared = sharedElsewhere(found, model);
    const made: Made = new Map();
    for (const [done, target] of found.entries()) {
      ctx.signal.throwIfAborted();
      const { node, weight, tensor } = target;
      ctx.progress(done, found.length, weight.name);
      const why = shared.has(weight) ? `its weight "${weight.name}" is read elsewhere too, and would be stored twice` : (reasonAgainst(target) ?? (options['on-nonfinite'] === 'keep' ? nonFiniteIn(tensor) : undefined));
      if (why !== undefined) {
        ctx.missed(`${describe(node)} stays: ${why}.`);
        continue;
      }
      quantize(target, options, made);
      ctx.count('products');
      await undefined; // others get their turn: a model may have thousands
    }
  },
});

interface Blocks {
  readonly bits: 2 | 4 | 8;
  readonly block: 16 | 32 | 64 | 128 | 256;
  readonly mode: 'asymmetric' | 'symmetric' | 'full-range';
  readonly 'accuracy-level': 0 | 1 | 4;
}

interface Inputs {
  readonly codes: Value;
  readonly scales: Value;
  readonly zeroPoints: Value | undefined;
}

/** What each weight became, as it is and turned around: one that several nodes read is stored once. */
type Made = Map<Value, Map<boolean, Inputs>>;

const reasonAgainst = ({ node, kind }: Target): string | undefined => (kind === 'gemm' && node.float('alpha', 1) !== 1 ? `its product is scaled by alpha = ${node.float('alpha', 1)}` : undefined);

function nonFiniteIn(tensor: Tensor): string | undefined {
  const found = findNonFinite(tensor);
  return found && `its weight holds ${found.value} at index ${found.index}`;
}

function quantize({ node, kind, input, weight, tensor, transposed }: Target, options: Blocks, made: Made): void {
  const graph = node.graph!; // targets are nodes of a graph
  const op = valueOps(graph, (n) => {
    importDomainOf(n, graph);
    graph.add(n, { before: node });
  });
  const [first, second] = tensor.dims as [number, number]; // targets are matrices
  const [K, N] = transposed ? [second, first] : [first, second];
  const old = node.inputs[input];
  const { codes, scales, zeroPoints } = inputsFor(weight, tensor, transposed, weight.graph ?? graph, options, made);
  const attributes = { K, N, bits: options.bits, block_size: options.block, accuracy_level: options['accuracy-level'] };
  const product = op.in('com.microsoft').MatMulNBits(node.inputs[0]!, codes, scales, zeroPoints, attributes);
  const result = kind === 'gemm' && node.inputs[2] ? op.Add(product, node.inputs[2]) : product;
  result.infer(node.output.type);
  graph.replace(node.output, result);
  graph.remove(node);
  dropUnread(old);
}

function inputsFor(weight: Value, tensor: Tensor, transposed: boolean, graph: Graph, { bits, block, mode }: Blocks, made: Made): Inputs {
  const known = made.get(weight)?.get(transposed);
  if (known) return known;
  // What is stored as [N, K] has its blocks along its rows; [K, N] is turned on the way.
  const { codes, scales, zeroPoints } = quantizedBlocks(weight.name, tensor, { block, bits, mode, transposed: !transposed });
  const inputs: Inputs = {
    codes: graph.addInitializer(`${weight.name}_codes`, codes),
    scales: graph.addInitializer(`${weight.name}_scales`, scales),
    zeroPoints: zeroPoints && graph.addInitializer(`${weight.name}_zero_points`, zeroPoints),
  };
  made.set(weight, new Map([...(made.get(weight) ?? []), [transposed, inputs]]));
  return inputs;
}
