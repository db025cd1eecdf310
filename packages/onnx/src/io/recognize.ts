import { OnnxError } from '../error.ts';
import type { ByteSource } from '../wire/source.ts';

const HEAD = 512;

/** What a file is when it is no ONNX model, by its first bytes. */
const OTHERS: readonly { readonly what: string; readonly remedy: string; readonly at?: number; readonly starts: string }[] = [
  { starts: 'version https://git-lfs', what: 'a Git LFS pointer, not a model', remedy: 'run git lfs pull' },
  { starts: 'ORTM', at: 4, what: 'a model in the ORT format', remedy: 'use the ONNX file it was made from' },
  { starts: 'TFL3', at: 4, what: 'a TensorFlow Lite model', remedy: 'export it to ONNX first, for example with tf2onnx' },
  { starts: 'GGUF', what: 'a GGUF model', remedy: 'export the original model to ONNX first' },
  { starts: '{"', at: 8, what: 'a safetensors file, which has weights but no graph', remedy: 'export the model to ONNX first, for example with optimum' },
  { starts: '\x89HDF', what: 'an HDF5 file', remedy: 'export the model to ONNX first' },
  { starts: 'PK\x03\x04', what: 'a zip archive (PyTorch models are such)', remedy: 'unpack it, or export the model to ONNX first' },
  { starts: '\x1f\x8b', what: 'a gzip archive', remedy: 'unpack it first' },
  { starts: '\x80\x02', what: 'a Python pickle', remedy: 'export the model to ONNX first' },
];

/** Throws `not-onnx`, saying what the bytes are instead, where their beginning shows that they are no ONNX model. */
export function assertRecognized(source: ByteSource): void {
  if (source.size === 0) refuse(source, 'is empty', 'Copy, download or export it again');
  const head = Buffer.alloc(Math.min(HEAD, source.size));
  source.read(head, 0);
  const text = head.toString('latin1');
  for (const { starts, at = 0, what, remedy } of OTHERS) if (text.startsWith(starts, at)) refuse(source, `is ${what}`, `To get the model, ${remedy}`);
  if (isText(text)) refuse(source, `is a text file, not a model; it begins with ${JSON.stringify(head.toString('utf8').trimStart().slice(0, 40))}`, 'Check the path, or whether a download gave an error page');
}

/** No model is without bytes that text does not have: the first tag of its first field is one. */
const isText = (head: string): boolean => [...head].every((c) => c >= ' ' || c === '\n' || c === '\r' || c === '\t' || c === '\f');

function refuse(source: ByteSource, what: string, remedy: string): never {
  throw new OnnxError('not-onnx', `${quoted(source)} ${what}. ${remedy}.`);
}

/** A path is quoted in messages; "the bytes in memory" is not. */
export const quoted = (source: ByteSource): string => ('path' in source ? `"${source.name}"` : source.name);
