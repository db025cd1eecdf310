import { readdirSync, readFileSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { OnnxError } from '../error.ts';
import type { ModelFile } from '../ir/model.ts';

/** Files that belong to a model when they lie beside it. */
const COMPANIONS = [
  'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'config.json', 'sentence_bert_config.json', 'modules.json',
  '1_Pooling/config.json', 'vocab.txt', 'vocab.json', 'merges.txt', 'generation_config.json', 'preprocessor_config.json',
] as const;

/**
 * The path of the model that a user means: the file itself, or in a folder model.onnx or onnx/model.onnx, or else the only
 * .onnx file of the folder. Throws `io` where there is none, and where there are several, which it lists.
 */
export function locateModel(pathOrFolder: string): string {
  const path = resolve(pathOrFolder);
  const stat = statOf(path);
  if (!stat) throw new OnnxError('io', `There is no "${path}". Check the path of the model.`);
  if (!stat.isDirectory()) return path;
  const usual = [join(path, 'model.onnx'), join(path, 'onnx', 'model.onnx')].filter(isFile);
  const found = usual.length > 0 ? usual : [...modelsIn(path), ...modelsIn(join(path, 'onnx'))];
  const [only, ...others] = found;
  if (only === undefined) throw new OnnxError('io', `The folder "${path}" has no model: neither model.onnx nor onnx/model.onnx. Name the model's file.`);
  if (others.length > 0) throw new OnnxError('io', `The folder "${path}" has several models: ${found.map((f) => `"${f}"`).join(', ')}. Name the one you mean.`);
  return only;
}

/** The files that belong to the model at `path`: beside it, or one folder up where it lies in a folder called onnx. Nothing is read yet. */
export function companionsOf(path: string): Map<string, ModelFile> {
  const folder = dirname(resolve(path));
  const folders = basename(folder) === 'onnx' ? [folder, dirname(folder)] : [folder];
  const files = new Map<string, ModelFile>();
  for (const name of COMPANIONS) {
    for (const from of folders) {
      const file = join(from, name);
      const stat = statOf(file);
      if (!stat?.isFile()) continue;
      files.set(name, { size: stat.size, bytes: () => readCompanion(file) });
      break;
    }
  }
  return files;
}

function readCompanion(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new OnnxError('io', `"${file}" cannot be read: ${cause instanceof Error ? cause.message : String(cause)}. It was there when the model was opened.`, { cause });
  }
}

const statOf = (path: string): Stats | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a folder that may not be searched holds nothing for us
  }
};

const isFile = (path: string): boolean => statOf(path)?.isFile() ?? false;

function modelsIn(folder: string): string[] {
  if (!statOf(folder)?.isDirectory()) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .sort()
    .map((name) => join(folder, name))
    .filter(isFile);
}
