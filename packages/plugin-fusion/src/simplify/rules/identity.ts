import { isCommutative, nodeRule } from '@onnxpress/core';

/** Identity, and what does nothing when it has a single input. */
export const identity = nodeRule('identity', {
  operators: ['Identity', 'Concat', 'Sum', 'Max', 'Min', 'Mean'],
  depth: 1,
  apply(node) {
    const [x, more] = node.inputs;
    if (!x || more || node.inputs.length > 1) return 'it has more than one input';
    return x;
  },
});

/** Split into one part. */
export const splitIntoOne = nodeRule('split-into-one', {
  operators: ['Split'],
  depth: 1,
  apply(node) {
    const [x] = node.inputs;
    if (!x || node.outputs.length !== 1) return 'it has several parts';
    return x;
  },
});

/** Max(x, x), Min(x, x), And(x, x), Or(x, x). */
export const sameOperands = nodeRule('same-operands', {
  operators: ['Max', 'Min', 'And', 'Or'],
  depth: 1,
  apply(node) {
    const [x] = node.inputs;
    const same = x && node.inputs.every((v) => v === x) && isCommutative('', node.opType, node.inputs.length);
    return same ? x : 'its inputs differ';
  },
});

/** From here on Dropout only drops when an input says that the model is in training. */
const INFERENCE_SINCE = 7;

/** Dropout where nothing is dropped and nobody reads the mask. */
export const dropout = nodeRule('dropout', {
  operators: ['Dropout'],
  depth: 1,
  apply(node, _op, graph) {
    const [x, , training] = node.inputs;
    if (!x) return 'it has no input';
    const mask = node.outputs[1];
    if (mask && !mask.isUnused) return `its mask "${mask.name}" is read`;
    const opset = graph.opsets.get('') ?? 0;
    if (opset < INFERENCE_SINCE && node.int('is_test', 0) === 0) return 'it is in training mode';
    if (training && training.constant?.bytes()[0] !== 0) return 'it may be in training mode';
    return mask ? [x, undefined] : x;
  },
});
