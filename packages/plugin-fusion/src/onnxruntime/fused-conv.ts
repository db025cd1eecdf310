import { nodeRule, type Node, type Ops, type Value } from '@onnxpress/core';
import { sameShape } from '../simplify/numbers.ts';
import { activationOf } from './activation.ts';

/** A convolution that only this value's reader reads: of ONNX, or one that was fused before. */
function convolutionOf(v: Value | undefined): Node | string {
  const node = v?.producer;
  if (!node || !(node.is('Conv') || node.is('FusedConv', 'com.microsoft'))) return 'what it reads is no convolution';
  if (v.useCount > 1 || v.isOutput) return `"${v.name}" is also read elsewhere`;
  const type = v.type;
  return type?.kind === 'tensor' && type.dtype === 'float32' ? node : 'the kernel is for float32';
}

const fused = (conv: Node, sum: Value | undefined, activation: Readonly<Record<string, string | readonly number[]>>, op: Ops<Value>): Value => {
  const [x, w, b, z] = conv.inputs;
  return op.call('com.microsoft', 'FusedConv', [x, w, b, sum ?? z], { ...Object.fromEntries(conv.attrs), ...activation })[0]!; // one, as asked for
};

/** An activation of a convolution: one FusedConv. */
export const convActivation = nodeRule('conv-activation', {
  operators: ['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'HardSigmoid', 'Clip'],
  depth: 2,
  apply(node, op) {
    const activation = activationOf(node);
    if (typeof activation === 'string') return activation;
    const conv = convolutionOf(activation.x);
    if (typeof conv === 'string') return conv;
    if (conv.attrs.has('activation')) return 'the convolution has an activation already';
    const parameters = activation.parameters.length > 0 ? { activation_params: activation.parameters } : {};
    return fused(conv, undefined, { activation: activation.name, ...parameters }, op);
  },
});

/** A sum of a convolution and a value of the same shape: one FusedConv. */
export const convSum = nodeRule('conv-sum', {
  operators: ['Add'],
  depth: 2,
  apply(node, op) {
    const [a, b] = node.inputs;
    return summed(a, b) ?? summed(b, a) ?? 'neither input is a convolution that it alone reads, of the shape of the other';

    function summed(v: Value | undefined, z: Value | undefined): Value | undefined {
      const conv = convolutionOf(v);
      if (typeof conv === 'string' || !v || !z || v === z || z.constant || conv.inputs[3] || conv.attrs.has('activation') || !sameShape(v, z)) return undefined;
      return fused(conv, z, {}, op);
    }
  },
});
