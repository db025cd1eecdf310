import { describe, schemaOf, type Model, type Node, type PassContext, type Value } from '@onnxpress/core';
import { reasonAgainst, type HalfType } from './narrow.ts';

/** What sums up many terms, or steep functions: 11 bits are not enough for what lies between. */
const DELICATE = /^(Reduce.*|Softmax|LogSoftmax|LayerNormalization|RMSNormalization|GroupNormalization|InstanceNormalization|BatchNormalization|LpNormalization|LRN|MeanVarianceNormalization|CumSum|CumProd|Exp|Log|Pow|Sqrt|Reciprocal|Softplus|Resize|Upsample|RoiAlign|MaxRoiPool|NonMaxSuppression|TopK|GridSample|AffineGrid|STFT|DFT|Loss.*|.*Loss|Random.*|Cast|CastLike|QuantizeLinear|DequantizeLinear|DynamicQuantizeLinear)$/;

/** What half precision pays for: the rest only goes along. */
const HEAVY = new Set(['MatMul', 'Gemm', 'Conv', 'ConvTranspose', 'Einsum', 'Attention', 'LSTM', 'GRU', 'RNN']);

export const isFloat32 = (v: Value | undefined): v is Value => v?.type?.kind === 'tensor' && v.type.dtype === 'float32';

/** The nodes of the main graph that could compute in that type by what they are: the operator takes it, and its constants survive it. */
export function candidates(model: Model, to: HalfType, chosen: (n: Node) => boolean, ctx: Pick<PassContext, 'missed'>): Node[] {
  const opset = model.opsets.get('') ?? 0;
  return [...model.graph.nodes].filter((node) => {
    if (node.domain !== '' || node.graphs().length > 0 || !chosen(node) || !isNarrowable(node, to, opset)) return false;
    const why = DELICATE.test(node.opType) ? 'what it computes needs the digits of float32' : constantsAgainst(node, to);
    if (why !== undefined && HEAVY.has(node.opType)) ctx.missed(`${describe(node)} stays float32: ${why}.`);
    return why === undefined;
  });
}

/** Whether all float32 inputs and outputs of the node could be of the type, and the outputs follow the inputs. */
function isNarrowable(node: Node, to: HalfType, opset: number): boolean {
  const schema = schemaOf('', node.opType, opset);
  if (!schema) return false;
  const kind = `tensor(${to})`;
  const takes = (variable: string): boolean => schema.constraints.get(variable)?.has(kind) ?? false;
  const typeAt = (list: typeof schema.inputs, i: number): string => list[Math.min(i, list.length - 1)]?.type ?? '';
  const inputs = node.inputs.flatMap((v, i) => (isFloat32(v) ? [typeAt(schema.inputs, i)] : []));
  const outputs = node.outputs.flatMap((v, i) => (isFloat32(v) ? [typeAt(schema.outputs, i)] : []));
  return inputs.length > 0 && outputs.length > 0 && inputs.every(takes) && outputs.every((t) => takes(t) && inputs.includes(t));
}

function constantsAgainst(node: Node, to: HalfType): string | undefined {
  for (const v of node.inputs) {
    const why = isFloat32(v) && v.constant ? reasonAgainst(v.constant, to) : undefined;
    if (why !== undefined) return `"${v!.name}" ${why}`;
  }
  return undefined;
}

/** Drops the nodes of parts in which nothing heavy is computed: casting in and out would cost more than it saves. */
export function worthwhile(nodes: ReadonlySet<Node>): Set<Node> {
  const kept = new Set<Node>();
  const seen = new Set<Node>();
  for (const start of nodes) {
    if (seen.has(start)) continue;
    const part: Node[] = [];
    const pending = [start];
    for (let node = pending.pop(); node; node = pending.pop()) {
      if (seen.has(node) || !nodes.has(node)) continue;
      seen.add(node);
      part.push(node);
      for (const v of node.inputs) if (isFloat32(v) && v.producer) pending.push(v.producer);
      for (const v of node.outputs) if (isFloat32(v)) pending.push(...v.uses.map((u) => u.node));
    }
    if (part.some((n) => HEAVY.has(n.opType))) for (const n of part) kept.add(n);
  }
  return kept;
}
