/** Which operators may be made: those of ONNX at the model's opset, or also those that only onnxruntime has. */
export type Target = 'onnx' | 'onnxruntime';

/** A rule is made for a target, or there is none for it. */
export const forRuntime = <T>(target: Target, rules: readonly T[]): readonly T[] => (target === 'onnxruntime' ? rules : []);
