import type { Feeds, Model, Session } from '@onnxpress/core';
import type { Batch, ModelInput } from '@onnxpress/text';

/** What the model asks for, with its types: of caches the shape matters. */
export function inputsOf(model: Model, { inputs }: Session): readonly ModelInput[] {
  const declared = new Map(model.graph.inputs.map((input) => [input.name, input]));
  return inputs.map((name) => declared.get(name) ?? { name });
}

/** A batch in the types that the model declares: some exporters take token ids as int32. */
export function feedsOf(model: Model, { feeds }: Batch): Feeds {
  return Object.fromEntries(Object.entries(feeds).map(([name, feed]) => {
    const type = model.graph.inputs.find((input) => input.name === name)?.type;
    const narrow = type?.kind === 'tensor' && type.dtype === 'int32';
    return [name, narrow ? { dtype: 'int32', dims: feed.dims, data: Int32Array.from(feed.data, Number) } : feed];
  }));
}
