import { statSync } from 'node:fs';
import { byteLengthOf, countOf, fromReader, isFileTensor, modelBytes, OnnxError, openTensor, readModel, type ExternalPlace, type Model, type ModelFile, type Tensor } from '@onnxpress/onnx';
import type { BlobRef, Store } from './store.ts';
import { filesOf } from './facts.ts';

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

/**
 * Keeps a model. Tensors that still lie in the original's files are only pointed at, so the store grows by what a step changed; others are
 * streamed into blobs of their own, each once. Returns what `restoreModel` needs, and every blob it points at.
 */
export function keepModel(model: Model, original: Model, store: Store): { stored: StoredModel; blobs: BlobRef[] } {
  const sources = filesOf(original);
  const blobs: BlobRef[] = [];
  const kept = new Map<Tensor, BlobRef>();
  const place = (t: Tensor): ExternalPlace | undefined => {
    if (t.byteLength < INLINE_BYTES || t.dtype === 'string') return undefined;
    if (isFileTensor(t) && sources.includes(t.file)) return { location: `${SOURCE}${sources.indexOf(t.file)}`, offset: t.offset, length: t.byteLength };
    let ref = kept.get(t);
    if (!ref) {
      ref = store.keep((write) => stream(t, write));
      kept.set(t, ref);
      blobs.push(ref);
    }
    return { location: `${BLOB}${ref.sha256}`, offset: 0, length: ref.size };
  };
  const structure = store.keep((write) => write(modelBytes(model, { external: place })));
  blobs.push(structure);
  const files: Record<string, BlobRef> = {};
  for (const [name, file] of model.files) {
    files[name] = store.keep((write) => write(file.bytes()));
    blobs.push(files[name]);
  }
  return { stored: { structure, files }, blobs };
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
  const model = readModel(structure, {
    external({ location, offset, length }, dtype, dims) {
      const file = location.startsWith(SOURCE) ? sources[Number(location.slice(SOURCE.length))] : paths.get(location.slice(BLOB.length));
      if (!file) throw new OnnxError('external-data', `The cache points at "${location}", which is not there. Run again with --no-cache.`);
      return openTensor(file, offset, length ?? byteLengthOf(dtype, countOf(dims)), dtype, dims);
    },
  });
  for (const [name, ref] of Object.entries(stored.files)) {
    const path = paths.get(ref.sha256);
    if (path) model.files.set(name, fileAt(path));
  }
  model.origin = undefined;
  return model.settle();
}

const CHUNK = 8 * 2 ** 20;

function stream(t: Tensor, write: (bytes: Uint8Array) => void): void {
  const chunk = new Uint8Array(Math.min(CHUNK, t.byteLength));
  for (let at = 0; at < t.byteLength; ) {
    const got = t.read(chunk, at);
    if (got <= 0) throw new OnnxError('truncated', `A ${t.dtype} tensor of [${t.dims.join(', ')}] ends after ${at} of ${t.byteLength} bytes.`);
    write(chunk.subarray(0, got));
    at += got;
  }
}

function fileAt(path: string): ModelFile {
  const size = statSync(path).size;
  const whole = fromReader('uint8', [size], size, (into, offset) => openTensor(path, 0, size, 'uint8', [size]).read(into, offset));
  return { size, bytes: () => whole.bytes() };
}
