import { OnnxError } from '../error.ts';
import type { Model } from '../ir/model.ts';
import { Reader } from '../wire/reader.ts';
import { memorySource, type ByteSource } from '../wire/source.ts';
import { buildModel } from './build.ts';
import { externalFilesOf, noExternalFiles, type ExternalFiles } from './external.ts';
import { heldFile } from './held-file.ts';
import { companionsOf } from './locate.ts';
import { readModelProto } from './read-model.ts';
import { assertRecognized, quoted } from './recognize.ts';

/** Before this version of the format a model need not say which operator sets it uses: it is the first one. */
const OPSETS_REQUIRED = 3;

/**
 * Opens the model in a file. Its structure is read; weights stay where they are, in the file and in the files beside it, which
 * stay open while their tensors are in use. Files that belong to the model, such as tokenizer.json, are in `model.files`.
 *
 * The nodes come in the file's order where that is a valid one, and whoever makes a value before its readers where it is not.
 * Types for values that do not exist are dropped. Of external data, offset, length and place are checked, the checksum is not.
 *
 * Throws `not-onnx`, `truncated`, `malformed`, `too-deep`, `too-large`, `external-data`, `invalid-graph`, `unsupported` or `io`.
 */
export function openModel(path: string): Model {
  const source = heldFile(path);
  const model = readModel(source, externalFilesOf(source.path));
  for (const [name, file] of companionsOf(source.path)) model.files.set(name, file);
  model.origin = source.path;
  return model.settle();
}

/** The same for bytes in memory, which are shared, not copied. External data has no place there. */
export const modelFromBytes = (bytes: Uint8Array, name?: string): Model => readModel(memorySource(bytes, name));

/** The same for any source of bytes. `files` opens what lies beside the model. */
export function readModel(source: ByteSource, files: ExternalFiles = noExternalFiles): Model {
  assertRecognized(source);
  const record = readModelProto(new Reader(source), files);
  const { graph, info, opsets } = record;
  const version = info.irVersion ?? 0;
  if (!graph || version <= 0) throw new OnnxError('not-onnx', `${quoted(source)} is not an ONNX model, or its beginning only: it has no ${graph ? 'version' : 'graph'}. Check the path, or copy or download it again.`);
  if (opsets.length === 0) {
    if (version >= OPSETS_REQUIRED) throw new OnnxError('truncated', `${quoted(source)} does not say which operator sets it uses. It is incomplete: copy, download or export it again.`);
    opsets.push({ domain: '', version: 1 });
  }
  return buildModel({ ...record, graph });
}
