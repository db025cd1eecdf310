import { fromReader, heldFile, isFileTensor, isSparse, OnnxError, readModel, structureBytes, type Model, type ModelFile, type Place, type Tensor, type Watch } from '@onnxpress/onnx';
import { keepTensors } from './keep-tensors.ts';
import type { BlobRef, Store } from './store.ts';
import { filesOf, tensorsOf } from './facts.ts';

/** How a model lies in the store: its structure, and where each large tensor is: in a blob, or still in a file of the original. */
export interface StoredModel {
  readonly structure: BlobRef;
  readonly files: Readonly<Record<string, BlobRef>>;
}

/** Smaller tensors stay in the structure. */
const INLINE_BYTES = 1024;

/** `blob:<sha256>`, or `source:<number of the file in filesOf(original)>`. */
const BLOB = 'blob:';
const SOURCE = 'source:';

/** New tensors lie one after another, each from such a boundary on. */
const ALIGNMENT = 64;

/**
 * Keeps a model. Tensors that still lie in the original's files, or in what an earlier step kept, are only pointed at, so the store grows by what
 * a step changed; the others are streamed into one blob, and when that is interrupted, the next call with this `key` goes on. Returns what `restoreModel` needs, and every blob it points at.
 */
export async function keepModel(model: Model, original: Model, store: Store, key: string, watch: Watch = {}): Promise<{ stored: StoredModel; blobs: BlobRef[] }> {
  const sources = filesOf(original);
  const blobs = new Map<string, BlobRef>();
  const places = new Map<Tensor, Place>();
  const fresh: { tensor: Tensor; offset: number }[] = [];
  let end = 0;
  for (const tensor of tensorsOf(model)) {
    if (tensor.byteLength < INLINE_BYTES || tensor.dtype === 'string' || isSparse(tensor)) continue;
    const known = isFileTensor(tensor) ? store.refAt(tensor.file) : undefined;
    if (known && isFileTensor(tensor)) {
      blobs.set(known.sha256, known);
      places.set(tensor, { location: `${BLOB}${known.sha256}`, offset: tensor.offset });
    } else if (isFileTensor(tensor) && sources.includes(tensor.file)) {
      places.set(tensor, { location: `${SOURCE}${sources.indexOf(tensor.file)}`, offset: tensor.offset });
    } else {
      const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
      fresh.push({ tensor, offset });
      end = offset + tensor.byteLength;
    }
  }
  if (fresh.length) {
    const ref = await keepTensors(store, key, fresh, watch);
    blobs.set(ref.sha256, ref);
    for (const { tensor, offset } of fresh) places.set(tensor, { location: `${BLOB}${ref.sha256}`, offset });
  }
  const keep = (bytes: Uint8Array): BlobRef => {
    const ref = store.keep((write) => write(bytes), bytes.byteLength);
    blobs.set(ref.sha256, ref);
    return ref;
  };
  const structure = keep(structureBytes(model, (t) => places.get(t)));
  const files = Object.fromEntries([...model.files].map(([name, file]) => [name, keep(file.bytes())]));
  return { stored: { structure, files }, blobs: [...blobs.values()] };
}

/** The model that `keepModel` kept; undefined where a blob is gone or damaged. */
export async function restoreModel(stored: StoredModel, blobs: readonly BlobRef[], original: Model, store: Store): Promise<Model | undefined> {
  const paths = new Map<string, string>();
  for (const blob of blobs) {
    const path = await store.open(blob);
    if (!path) return undefined;
    paths.set(blob.sha256, path);
  }
  const sources = filesOf(original);
  const structure = paths.get(stored.structure.sha256);
  if (!structure) return undefined;
  const model = readModel(heldFile(structure), {
    open({ location }) {
      const file = location.startsWith(SOURCE) ? sources[Number(location.slice(SOURCE.length))] : paths.get(location.slice(BLOB.length));
      if (!file) throw new OnnxError('external-data', `The cache points at "${location}", which is not there. Run again with --no-cache.`);
      return heldFile(file);
    },
  });
  for (const [name, ref] of Object.entries(stored.files)) {
    const path = paths.get(ref.sha256);
    if (path) model.files.set(name, fileAt(path));
  }
  model.origin = undefined;
  return model.settle();
}

function fileAt(path: string): ModelFile {
  const source = heldFile(path);
  const whole = fromReader('uint8', [source.size], source.size, (into, offset) => source.read(into, offset));
  return { size: source.size, bytes: () => whole.bytes() };
}
