/** Which operators may be made: those of ONNX at the model's opset, or also those that only onnxruntime has. */
export type Target = 'onnx' | 'onnxruntime';

/**
 * fewest: every fusion. fastest: without those whose kernels take longer than what they replace. Measured with onnxruntime-node 1.30 on one thread, 8 x 64 tokens of 384 and 576 numbers:
 * SkipLayerNormalization takes 2.5 to 3 times as long as two sums and a LayerNormalization (its kernel goes number by number, whatever inputs it is given), which is 4 to 9 % of an encoder at
 * batches of several hundred tokens; so that the runtime does not make it of them when it loads the model, the sums become Sum. SkipSimplifiedLayerNormalization is as fast as its parts.
 */
export type Preference = 'fewest' | 'fastest';

/** A rule is made for a target, or there is none for it. */
export const forRuntime = <T>(target: Target, rules: readonly T[]): readonly T[] => (target === 'onnxruntime' ? rules : []);
