import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, relative, resolve, sep, win32 } from 'node:path';
import { OnnxError } from '../error.ts';
import type { FileSource } from '../wire/source.ts';
import { heldFile } from './held-file.ts';

/** What a TensorProto says about bytes beside the model. */
export interface ExternalEntry {
  /** For messages. */
  readonly tensor: string;
  readonly location: string;
  readonly offset: number;
  /** Bytes that the tensor's type and shape ask for. */
  readonly length: number;
}

/** The files beside one model, each opened once. */
export interface ExternalFiles {
  /** The file of an entry, which is there, long enough, and inside the model's folder. Throws `external-data`. */
  open(entry: ExternalEntry): FileSource;
}

/** The files beside the model at `modelPath`. */
export function externalFilesOf(modelPath: string): ExternalFiles {
  const opened = new Map<string, FileSource>();
  return {
    open(entry) {
      const file = opened.get(entry.location) ?? openFile(locateExternal(modelPath, entry), entry);
      opened.set(entry.location, file);
      const end = entry.offset + entry.length;
      if (end > file.size) fail(entry, `needs bytes ${entry.offset} to ${end} of "${entry.location}", which has ${file.size}`, 'The file is incomplete or belongs to another model: copy or download it again');
      return file;
    },
  };
}

/** For a model that is no file: it has no folder. */
export const noExternalFiles: ExternalFiles = {
  open: (entry) => fail(entry, `lies in "${entry.location}", beside a model that was read from memory`, 'Open the model by its path'),
};

/**
 * The real path of an entry's file. The rule is onnxruntime's: a relative path that stays inside the folder of the model, also
 * after symbolic links are resolved. Where the model itself is a link, its data may lie beside what it points to.
 */
export function locateExternal(modelPath: string, entry: ExternalEntry): string {
  const { location } = entry;
  const named = assertRelative(entry);
  const folder = dirname(resolve(modelPath));
  const path = resolve(folder, named);
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    fail(entry, `lies in "${location}", and "${path}" is not there`, 'Put the file beside the model: it belongs to it');
  }
  const folders = [realpathSync(folder), dirname(realpathSync(modelPath))];
  if (!folders.some((inside) => contains(inside, real))) fail(entry, `lies in "${location}", a link out of the model's folder`, 'Put a copy of the file into the folder of the model');
  return real;
}

/** Throws unless `name` may be the name of a data file beside a model. */
export function assertDataName(name: string): void {
  if (name === '' || name !== basename(name) || name !== win32.basename(name) || name === '.' || name === '..' || name.includes('\0')) {
    throw new OnnxError('external-data', `"${name}" cannot be the name of a data file: it must lie beside the model. Give a file name without folders.`);
  }
}

/** Reads a number of bytes as external data writes it. */
export function parseByteCount(tensor: string, location: string, key: string, text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) fail({ tensor, location }, `has the ${key} "${text}" in "${location}"`, 'It must be a number of bytes: export the model again');
  return value;
}

function assertRelative(entry: ExternalEntry): string {
  const { location } = entry;
  if (location === '') fail(entry, 'is stored outside the model, but the model does not say in which file', 'Export the model again');
  const parts = location.split(/[\\/]/);
  if (location.includes('\0') || isAbsolute(location) || win32.isAbsolute(location) || /^[a-z]:/i.test(location) || parts.includes('..')) {
    fail(entry, `lies in "${location}", which is not inside the model's folder`, 'A model that reads files elsewhere is not safe to open: save it again with its data beside it');
  }
  return location;
}

function openFile(path: string, entry: ExternalEntry): FileSource {
  try {
    return heldFile(path);
  } catch (cause) {
    if (!(cause instanceof OnnxError)) throw cause;
    throw new OnnxError('external-data', `Tensor "${entry.tensor}" lies in "${entry.location}". ${cause.message}`, { cause });
  }
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function fail(entry: Pick<ExternalEntry, 'tensor' | 'location'>, what: string, remedy: string): never {
  throw new OnnxError('external-data', `Tensor "${entry.tensor}" ${what}. ${remedy}.`);
}
