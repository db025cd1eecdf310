/** Which operators may be made: those of ONNX at the model's opset, or also those that only onnxruntime has. */
export type Target = 'onnx' | 'onnxruntime';

/**
 * fewest: every fusion. fastest: without those whose kernels take longer than what they replace. Measured with onnxruntime-node 1.30 on one thread: SkipLayerNormalization takes four times as long
 * as the sum and the LayerNormalization apart, which is 5 to 8 % of an encoder at batches of several hundred tokens and nothing at small ones; EmbedLayerNormalization tells the runtime the
 * shapes by which it then makes SkipLayerNormalization itself.
 */
export type Preference = 'fewest' | 'fastest';

/** A rule is made for a target, or there is none for it. */
export const forRuntime = <T>(target: Target, rules: readonly T[]): readonly T[] => (target === 'onnxruntime' ? rules : []);
