import { basename, dirname, join, resolve } from 'node:path';
import { OnnxError } from '../error.ts';
import type { Model } from '../ir/model.ts';
import type { Tensor } from '../ir/tensor.ts';
import { filePiecesOf, MESSAGE_LIMIT, type Encoder } from '../wire/writer.ts';
import { assertDataName } from './external.ts';
import { nodeFileSystem, type FileSystem } from './file-system.ts';
import { hasExternalData, INLINE, placesFor, SMALLEST, type Places } from './places.ts';
import { defaultDataName, ownDataFile } from './own-data.ts';
import { replaceFiles, type NewFile, type Watch } from './replace-files.ts';
import { encodeModel } from './write-model.ts';
import { partsAt } from './write-pieces.ts';
import type { Place } from './write-tensor.ts';

export interface WriteOptions extends Watch {
  /**
   * Whether weights go into a file beside the model: `always`; `never`; or, by default, `auto`, when the model is larger than
   * `largest` or had such files when it was read.
   */
  readonly external?: 'auto' | 'always' | 'never' | undefined;
  /** Bytes up to which `auto` makes one file. By default as much as protobuf allows. */
  readonly largest?: number | undefined;
  /** Name of the data file, in the folder of the model. By default that of the model and ".data". */
  readonly dataName?: string | undefined;
  readonly fileSystem?: FileSystem | undefined;
}

/** What was written. */
export interface WrittenModel {
  /** Absolute path of the model. */
  readonly path: string;
  /** Absolute path of its data file. */
  readonly dataPath: string | undefined;
  /** Of both together. */
  readonly byteLength: number;
}

/**
 * Writes a model, in memory for its structure and one tensor. Same model, same bytes. Folders are made. The target may be the file the
 * model was read from, whose tensors keep reading what they were made of. When writing fails or is aborted, what was there
 * before is there still. The data file that the replaced model had
 * under its default name goes where the new one does without; data files of other names stay. Throws `io`, `too-large`, `external-data` for a `dataName` with
 * folders, and the signal's reason.
 */
export async function writeModel(model: Model, path: string, options: WriteOptions = {}): Promise<WrittenModel> {
  const { fileSystem = nodeFileSystem, signal, progress } = options;
  const target = resolve(path);
  const dataName = options.dataName ?? defaultDataName(basename(target));
  assertDataName(dataName);
  if (dataName === basename(target)) throw new OnnxError('external-data', `"${dataName}" is the name of the model and of its data file. Give them two names.`);
  signal?.throwIfAborted();
  prepareFolder(target, fileSystem);

  const { encoder, places } = encode(model, dataName, options);
  const dataPath = places.byteLength > 0 ? join(dirname(target), dataName) : undefined;
  const pieces = encoder.filePieces();
  const files: NewFile[] = [{ path: target, size: encoder.size, pieces: () => pieces }];
  if (dataPath !== undefined) files.unshift({ path: dataPath, size: places.byteLength, pieces: () => filePiecesOf(partsAt(places.tensors), places.byteLength) });
  const old = dataPath === defaultDataName(target) ? undefined : ownDataFile(target);
  await replaceFiles(files, fileSystem, { signal, progress });
  if (old !== undefined) removeQuietly(old, fileSystem);
  return { path: target, dataPath, byteLength: encoder.size + places.byteLength };
}

/** The model as the bytes of one file. Throws `too-large` when it is larger than protobuf allows. */
export function modelBytes(model: Model): Uint8Array {
  return encodeModel(model, INLINE).toBytes();
}

/**
 * The model without its large numbers: the bytes of a model file whose weights are external data, all of which `weightsOf`
 * lists in the order of their offsets. Two models with the same bytes differ in those numbers at most. With `place`, what it gives a place
 * for is left out, and says that place.
 */
export function structureBytes(model: Model, place?: (tensor: Tensor) => Place | undefined): Uint8Array {
  return encodeModel(model, place ? { get: place, tensors: [], byteLength: 0 } : withoutWeights(model)).toBytes();
}

/** The tensors that `structureBytes` leaves out, each once. */
export const weightsOf = (model: Model): readonly Tensor[] => withoutWeights(model).tensors.map(({ tensor }) => tensor);

const withoutWeights = (model: Model): Places => placesFor(model, 'weights', SMALLEST);

function encode(model: Model, dataName: string, { external = 'auto', largest = MESSAGE_LIMIT }: WriteOptions): { encoder: Encoder; places: Places } {
  const beside = external === 'always' || (external === 'auto' && hasExternalData(model));
  if (!beside) {
    const encoder = encodeModel(model, INLINE);
    if (external === 'never' || encoder.size <= Math.min(largest, MESSAGE_LIMIT)) return { encoder, places: INLINE };
  }
  const places = placesFor(model, dataName);
  return { encoder: encodeModel(model, places), places };
}

function removeQuietly(path: string, system: FileSystem): void {
  try {
    system.remove(path);
  } catch {
    // the new model is whole, and nothing reads this file any more
  }
}

function prepareFolder(target: string, system: FileSystem): void {
  try {
    system.makeFolder(dirname(target));
  } catch (cause) {
    throw new OnnxError('io', `The folder of "${target}" cannot be made: ${cause instanceof Error ? cause.message : String(cause)}. Write somewhere else.`, { cause });
  }
  if (system.isFolder(target)) throw new OnnxError('io', `"${target}" is a folder. Name the file to write, for example "${join(target, 'model.onnx')}".`);
}
