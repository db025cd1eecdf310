import type { Node, Value } from '@onnxpress/onnx';
import { linearBehind, unmoved, type LinearBehind, type VectorPart } from './behind.ts';
import { linearOf } from './linear.ts';
import { channelsOf, keepsChannels } from './passage.ts';

/** The values of an attention: what it mixes over places, channel by channel. */
export interface AttentionValues {
  readonly behind: LinearBehind;
  /** Channels of a head. */
  readonly perHead: number;
  /** How many query heads in a row share one head of the values. */
  readonly repeat: number;
  readonly heads: number;
}

/** The values behind an attention's output [.., heads · size], written out or as an operator; a reason where it is no attention, or one that is not understood. */
export function attentionValues(output: Value): AttentionValues | string {
  const { value, path } = unmoved(output);
  const node = value.producer;
  if (!node) return `"${value.name}" is given to the graph`;
  const given = ofOperator(node) ?? writtenOut(node);
  if (typeof given === 'string') return given;
  const { behind, perHead, heads, valueHeads } = given;
  if (heads % valueHeads !== 0) return `${heads} heads do not share ${valueHeads} heads of values evenly`;
  return { behind: { ...behind, path: [...path, ...behind.path] }, perHead, heads, repeat: heads / valueHeads };
}

interface Given {
  readonly behind: LinearBehind;
  readonly perHead: number;
  readonly heads: number;
  readonly valueHeads: number;
}

function ofOperator(node: Node): Given | string | undefined {
  if (node.is('Attention', 'com.microsoft')) return packedAttention(node);
  const ours = node.is('MultiHeadAttention', 'com.microsoft') || node.is('GroupQueryAttention', 'com.microsoft');
  if (!ours && !node.is('Attention')) return undefined;
  const heads = node.int('num_heads') ?? node.int('q_num_heads');
  const valueHeads = node.int('kv_num_heads') ?? heads;
  const channels = channelsOf(node.output);
  if (heads === undefined || valueHeads === undefined || channels === undefined) return 'the number of its heads is not known';
  const perHead = channels / heads;
  const [query, , values] = node.inputs;
  if (values && values.rank === 4) return inHeads(node, values, heads);
  if (values && values.rank !== 3) return `its values have ${values.rank ?? 'unknown'} axes`;
  const found = values ? linearBehind(values) : query && node.is('GroupQueryAttention', 'com.microsoft') ? linearBehind(query) : 'its values are packed with its keys';
  if (typeof found === 'string') return found;
  const from = values ? found.from : found.from + (heads + valueHeads) * perHead;
  const packed = values ? found.vectors : found.vectors.map((v) => ({ ...v, from: v.from + (heads + valueHeads) * perHead }));
  const own = node.is('MultiHeadAttention', 'com.microsoft') ? biasOfValues(node, valueHeads * perHead) : [];
  return { behind: { ...found, from, vectors: [...packed, ...own], path: [node, ...found.path] }, perHead, heads, valueHeads };
}

/** MultiHeadAttention takes the biases of q, k and v in one vector. */
function biasOfValues(node: Node, count: number): VectorPart[] {
  const bias = node.inputs[3];
  const all = bias && channelsOf(bias);
  return all === undefined ? [] : [{ place: { node, index: 3 }, from: all - count }];
}

/** Attention of com.microsoft makes q, k and v itself. */
function packedAttention(node: Node): Given | string {
  const linear = linearOf(node);
  const heads = node.int('num_heads');
  if (!linear || heads === undefined) return 'its projection is no constant';
  const [q, k, v] = node.ints('qkv_hidden_sizes') ?? [linear.outputs / 3, linear.outputs / 3, linear.outputs / 3];
  if (q === undefined || k === undefined || v === undefined) return 'the sizes of its q, k and v are not known';
  return { behind: { linear, from: q + k, vectors: [], path: [node] }, perHead: v / heads, heads, valueHeads: heads };
}

/** Reshape(Transpose(MatMul(probabilities, values))). */
function writtenOut(merge: Node): Given | string {
  const [x] = merge.inputs;
  const [heads, perHead] = x?.dims?.slice(-2) ?? [];
  const isMerge = merge.is('Reshape') && typeof heads === 'number' && typeof perHead === 'number' && heads * perHead === channelsOf(merge.output);
  if (!x || !isMerge) return `${merge.domain ? `${merge.domain}.` : ''}${merge.opType} stands between`;
  const mixed = unmoved(x);
  const product = mixed.value.producer;
  const values = product?.is('MatMul') || product?.is('FusedMatMul', 'com.microsoft') ? product.inputs[1] : product?.is('Attention') ? product.inputs[2] : undefined;
  if (!product || !values || values.isConstant() || channelsOf(values) !== perHead) return 'no product with values is behind its heads';
  const given = inHeads(product, values, heads);
  return typeof given === 'string' ? given : { ...given, behind: { ...given.behind, path: [merge, ...mixed.path, ...given.behind.path] } };
}

/** Values [batch, heads, places, size] that `attention` mixes. */
function inHeads(attention: Node, values: Value, heads: number): Given | string {
  const found = linearBehind(values);
  const perHead = channelsOf(values);
  if (typeof found === 'string') return found;
  const valueHeads = found.path.filter((n) => n.is('Reshape') && keepsChannels(n).length === 0).map((n) => n.output.dims?.at(-2)).find((n) => typeof n === 'number');
  if (perHead === undefined || valueHeads === undefined) return 'the heads of its values are not known';
  if (valueHeads !== heads && !attention.is('Attention') && !repeatsInPlace(found.path, valueHeads)) return `how ${heads} heads share ${valueHeads} heads of values is not known`;
  return { behind: { ...found, path: [attention, ...found.path] }, perHead, heads, valueHeads };
}

/** Whether each head of the values is repeated beside itself: [.., heads, 1, places, size] expanded. */
function repeatsInPlace(path: readonly Node[], valueHeads: number): boolean {
  const dims = path.find((n) => n.is('Expand'))?.inputs[0]?.dims;
  return dims?.at(-3) === 1 && dims.at(-4) === valueHeads;
}
