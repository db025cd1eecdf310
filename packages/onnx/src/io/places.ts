import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { isSparse, type Tensor } from '../ir/tensor.ts';
import { wasExternal } from './kept.ts';
import { isStored } from './stored-tensor.ts';
import type { Place } from './write-tensor.ts';

/** Initializers smaller than this stay in the model file. */
export const SMALLEST = 1024;
/** In a file, tensors of attributes smaller than this do too: few readers expect those anywhere else. */
export const SMALLEST_ATTRIBUTE = 1024 * 1024;
/** Tensors of this size begin at a page, so that a runtime can map them into memory; others at a cache line. */
const LARGE = 1024 * 1024;
const PAGE = 4096;
const CACHE_LINE = 64;

/** Which tensors go into the data file, and where. */
export interface Places {
  get(tensor: Tensor): Place | undefined;
  /** Each once, by offset: the data file is their bytes, with zeros in between. */
  readonly tensors: readonly { readonly tensor: Tensor; readonly offset: number }[];
  /** Length of the data file. */
  readonly byteLength: number;
}

/** Everything in the model file. */
export const INLINE: Places = { get: () => undefined, tensors: [], byteLength: 0 };

/** Puts what is large enough into the data file `location`, in the order of the model; bytes that several tensors share are there once. */
export function placesFor(model: Model, location: string, smallestAttribute = SMALLEST_ATTRIBUTE): Places {
  const places = new Map<Tensor, Place>();
  const shared = new Map<unknown, Map<string, Place>>();
  const tensors: { tensor: Tensor; offset: number }[] = [];
  let end = 0;
  for (const tensor of movable(model.graph, smallestAttribute)) {
    if (places.has(tensor)) continue;
    const alike = isStored(tensor) ? entry(shared, tensor.source) : undefined;
    const key = isStored(tensor) ? `${tensor.offset}+${tensor.byteLength}` : '';
    const same = alike?.get(key);
    if (same) {
      places.set(tensor, same);
      continue;
    }
    const alignment = tensor.byteLength >= LARGE ? PAGE : CACHE_LINE;
    const place: Place = { location, offset: Math.ceil(end / alignment) * alignment };
    places.set(tensor, place);
    alike?.set(key, place);
    tensors.push({ tensor, offset: place.offset });
    end = place.offset + tensor.byteLength;
  }
  return { get: (tensor) => places.get(tensor), tensors, byteLength: end };
}

/** Whether weights of the model came from a file beside it. */
export function hasExternalData(model: Model): boolean {
  for (const tensor of movable(model.graph, SMALLEST_ATTRIBUTE)) if (wasExternal(tensor)) return true;
  return false;
}

/** The tensors that may lie beside the model: numbers of the main graph and of graphs inside it; not those of functions, sparse ones, and strings. */
function* movable(graph: Graph, smallestAttribute: number): Generator<Tensor> {
  for (const value of graph.initializers.values()) if (isMovable(value.constant, SMALLEST)) yield value.constant;
  for (const { default: tensor } of graph.inputs) if (tensor && isMovable(tensor, SMALLEST)) yield tensor;
  for (const node of graph.nodes) {
    for (const a of node.attrs.values()) {
      if (a.type === 'tensor' && isMovable(a.value, smallestAttribute)) yield a.value;
      else if (a.type === 'graph') yield* movable(a.value, smallestAttribute);
      else if (a.type === 'graphs') for (const inner of a.value) yield* movable(inner, smallestAttribute);
    }
  }
}

const isMovable = (tensor: Tensor, smallest: number): boolean => tensor.byteLength >= smallest && tensor.dtype !== 'string' && !isSparse(tensor);

function entry(shared: Map<unknown, Map<string, Place>>, source: unknown): Map<string, Place> {
  const known = shared.get(source) ?? new Map<string, Place>();
  shared.set(source, known);
  return known;
}
