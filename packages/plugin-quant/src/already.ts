import { OnnxError, weightOf, type Model, type Node, type OptionsSchema, type PassContext } from '@onnxpress/core';

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

/** What a quantizer does with a model that another one has been at. */
export const ON_QUANTIZED = {
  'on-quantized': { enum: ['keep', 'fail', 'continue'], default: 'keep', description: 'A model with quantized operators is left as it is, which is said; refused; or what is float in it is quantized, as it always is for nodes that `include` names.' },
} as const satisfies OptionsSchema;

/** Whether the model is to be left as it is, which is said. Throws where that is to be an error. */
export function staysQuantized(model: Model, options: { readonly include: readonly string[]; readonly 'on-quantized': 'keep' | 'fail' | 'continue' }, ctx: Pick<PassContext, 'warn'>): boolean {
  const already = options.include.length === 0 && options['on-quantized'] !== 'continue' ? alreadyQuantized(model) : undefined;
  if (already === undefined) return false;
  if (options['on-quantized'] === 'fail') throw new OnnxError('unsupported', `The model is quantized already: it has ${already}. Start from the float model, or say "on-quantized: continue" to quantize the rest.`);
  ctx.warn(`The model is quantized already: it has ${already}. It stays as it is; "on-quantized: continue" quantizes the rest.`);
  return true;
}
