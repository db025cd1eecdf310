import { weightOf, type Model, type Node } from '@onnxpress/core';

/** Operators that only a quantizer writes. */
const QUANTIZED: ReadonlySet<string> = new Set([
  'com.microsoft.MatMulNBits', 'com.microsoft.MatMulBnb4', 'com.microsoft.GatherBlockQuantized', 'com.microsoft.DynamicQuantizeMatMul', 'com.microsoft.MatMulIntegerToFloat', 'com.microsoft.QGemm',
  'com.microsoft.QAttention', 'com.microsoft.QLinearAdd', 'MatMulInteger', 'ConvInteger', 'QLinearMatMul', 'QLinearConv',
]);

const isQuantized = (node: Node): boolean =>
  QUANTIZED.has(node.domain ? `${node.domain}.${node.opType}` : node.opType) || (node.is('DequantizeLinear') && node.inputs[0] !== undefined && weightOf(node.inputs[0]) !== undefined);

/** What tells that a model is quantized already, for messages: "210 MatMulNBits and 1 GatherBlockQuantized"; undefined where nothing does. */
export function alreadyQuantized(model: Model): string | undefined {
  const counts = new Map<string, number>();
  for (const node of model.nodes()) if (isQuantized(node)) counts.set(node.opType, (counts.get(node.opType) ?? 0) + 1);
  const parts = [...counts].map(([opType, count]) => `${count} ${opType}`);
  return parts.length > 0 ? parts.join(' and ') : undefined;
}
