import { bitsOf, byteLengthOf, countOf, defineEvaluator, factsOf, isFloat, structureBytes, tensorsOf, weightsOf, type Model } from '@onnxpress/core';
import { Sheet } from './sheet.ts';

/** What a model weighs. Metrics: size, the bytes of the model file and its external data, nothing else of its folder; params, elements of all weights; nodes, in all scopes. */
export const size = defineEvaluator({
  name: 'eval/size',
  summary: 'Bytes of the model file and its external data, number of weights and of nodes.',
  options: {
    reference: {
      enum: ['none', 'float32'], default: 'none',
      description: 'float32: also size.float32, in which the original is counted as if its floats were float32, for models that are stored in half precision.',
    },
  },
  metrics: ({ reference }) => ['size', ...(reference === 'float32' ? ['size.float32'] : []), 'params', 'nodes'],
  async measure({ original, result }, { reference }) {
    const [before, after] = [await weigh(original), await weigh(result)];
    const sheet = new Sheet().value('size', before.bytes, after.bytes, 'bytes');
    if (reference === 'float32') sheet.value('size.float32', before.bytes + widened(original), after.bytes, 'bytes');
    return sheet.value('params', before.params, after.params, 'count').value('nodes', before.nodes, after.nodes, 'count').measured();
  },
});

interface Weighed {
  readonly bytes: number;
  readonly params: number;
  readonly nodes: number;
}

/** A model that lies in no file is as large as the file it would make, but for the padding between its weights. */
async function weigh(model: Model): Promise<Weighed> {
  const inFile = model.origin !== undefined && model.revision === 0;
  return factsOf(model, '', inFile ? undefined : structureBytes(model).length + weightsOf(model).reduce((sum, { byteLength }) => sum + byteLength, 0));
}

/** By how many bytes the floats narrower than float32 would grow. */
function widened(model: Model): number {
  const narrow = [...tensorsOf(model)].filter(({ dtype }) => isFloat(dtype) && bitsOf(dtype) < bitsOf('float32'));
  return narrow.reduce((sum, { dtype, dims }) => sum + byteLengthOf('float32', countOf(dims)) - byteLengthOf(dtype, countOf(dims)), 0);
}
