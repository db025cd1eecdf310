import { stat } from 'node:fs/promises';
import { countOf, isFileTensor, structureBytes, type Model, type Tensor } from '@onnxpress/onnx';
import type { ModelFacts } from './events.ts';

/** Every tensor of a model: initializers and defaults, and tensors in attributes, in all scopes. A tensor met twice is given once. */
export function tensorsOf(model: Model): Set<Tensor> {
  const tensors = new Set<Tensor>();
  for (const graph of model.graphs()) {
    for (const v of graph.initializers.values()) tensors.add(v.constant);
    for (const v of graph.inputs) if (v.default) tensors.add(v.default);
  }
  for (const node of model.nodes()) {
    for (const a of node.attrs.values()) {
      if (a.type === 'tensor' || a.type === 'sparse') tensors.add(a.value);
      if (a.type === 'tensors' || a.type === 'sparses') for (const t of a.value) tensors.add(t);
    }
  }
  return tensors;
}

/** Bytes of all tensors. */
export const weightBytes = (model: Model): number => [...tensorsOf(model)].reduce((sum, t) => sum + t.byteLength, 0);

/** Nodes in all scopes, without those that only hold a constant. */
export const nodeCount = (model: Model): number => [...model.nodes()].filter((n) => !n.is('Constant')).length;

/** The files that a model was read from: itself and its external data. */
export function filesOf(model: Model): string[] {
  const external = [...tensorsOf(model)].filter(isFileTensor).map((t) => t.file);
  return [...new Set([...(model.origin ? [model.origin] : []), ...external])];
}

/** The facts for a table. `bytes` are those of the files, so the model must have been read and not changed, or `bytes` be given. */
export async function factsOf(model: Model, shownAs: string, bytes?: number): Promise<ModelFacts> {
  const sizes = bytes === undefined ? await Promise.all(filesOf(model).map(async (file) => (await stat(file)).size)) : [bytes];
  return {
    file: shownAs,
    bytes: sizes.reduce((a, b) => a + b, 0),
    params: [...tensorsOf(model)].reduce((sum, t) => sum + (t.dims.length ? countOf(t.dims) : 0), 0),
    nodes: nodeCount(model),
    opset: model.opsets.get('') ?? 0,
  };
}

/** Larger weights are counted and not read. */
const COUNTED_BYTES = 1024;

/** What a model would have as a file, with its external data, but for some bytes per large weight. Reads no large weight. */
export function fileBytes(model: Model): number {
  const counted = new Set<Tensor>();
  const structure = structureBytes(model, (tensor) => {
    if (tensor.byteLength <= COUNTED_BYTES) return undefined;
    counted.add(tensor);
    return { location: '', offset: 0, length: tensor.byteLength };
  });
  return structure.length + [...counted].reduce((sum, t) => sum + t.byteLength, 0);
}
