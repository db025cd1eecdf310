import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { modelFromBytes, stringsOf, type Feed, type Feeds, type Tensor } from '@onnxpress/core';
import { brokenArray, emptyData, namelessTensors } from '../../problems.ts';
import { onlyInput, type Examples } from '../examples.ts';
import { arrayOf } from './typed.ts';

/** Numbers in names count as numbers: input_10 comes after input_9, on every system. */
const natural = new Intl.Collator('en', { numeric: true });
const expected = 'tensors input_0.pb, input_1.pb … of one example, or folders of such';

/** ONNX's own test data: a .pb file, a folder of input_*.pb, or a folder of such folders. Each folder is an example; outputs are left alone. */
export async function protoExamples(path: string): Promise<Examples> {
  const groups = groupsOf(path);
  if (groups.length === 0) throw emptyData(path, expected);
  const hash = createHash('sha256');
  for (const files of groups) for (const file of files) hash.update(`${basename(file)} ${statSync(file).size}\n`).update(readFileSync(file));
  return {
    sha256: hash.digest('hex'),
    count: groups.length,
    async *feeds() {
      for (const files of groups) yield feedsOf(path, files);
    },
  };
}

function groupsOf(path: string): readonly (readonly string[])[] {
  if (!statSync(path).isDirectory()) return [[path]];
  const inputs = inputsIn(path);
  if (inputs.length > 0) return [inputs];
  const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort(natural.compare);
  return folders.map((name) => inputsIn(join(path, name))).filter((files) => files.length > 0);
}

const inputsIn = (folder: string): string[] => readdirSync(folder).filter((name) => /^input_\d+\.pb$/.test(name) && existsSync(join(folder, name))).sort(natural.compare).map((name) => join(folder, name));

function feedsOf(path: string, files: readonly string[]): Feeds {
  const tensors = files.map((file) => tensorOf(file));
  if (tensors.length > 1 && (tensors.some(({ name }) => name === onlyInput) || new Set(tensors.map(({ name }) => name)).size < tensors.length)) throw namelessTensors(path);
  return Object.fromEntries(tensors.map(({ name, feed }) => [name, feed]));
}

/** A file that holds a TensorProto. It is read as the one initializer of a model that consists of nothing else. */
function tensorOf(file: string): { readonly name: string; readonly feed: Feed } {
  const nameless = '(nameless)';
  try {
    // Of a field that comes twice the last one counts: the tensor's own name, where it has one.
    const tensor = Buffer.concat([field(8, Buffer.from(nameless)), readFileSync(file)]);
    const graph = Buffer.concat([field(2, Buffer.from('g')), field(5, tensor)]);
    const model = modelFromBytes(Buffer.concat([irVersion, field(8, opset), field(7, graph)]));
    const [constant] = model.graph.initializers.values();
    const { name } = constant!; // it was put there above
    return { name: name === nameless ? onlyInput : name, feed: feedOf(constant!.constant!) };
  } catch (cause) {
    throw brokenArray(file, `is no tensor of ONNX (${cause instanceof Error ? cause.message : String(cause)})`, 'Write it again: onnx.numpy_helper.from_array(array, name).SerializeToString().');
  }
}

/** Fields of ONNX's messages in protobuf's form: IR version 8, opset 17, and whatever has a length. */
const irVersion = Buffer.from([1 << 3, 8]);
const opset = Buffer.from([2 << 3, 17]);

function field(number: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  for (let left = bytes.length; ; left = Math.floor(left / 128)) {
    if (left < 128) {
      length.push(left);
      return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
    }
    length.push((left % 128) | 128);
  }
}

function feedOf(tensor: Tensor): Feed {
  const { dtype, dims } = tensor;
  if (dtype === 'string') return { dtype, dims, data: stringsOf(tensor) };
  return { dtype, dims, data: arrayOf(dtype, new Uint8Array(tensor.bytes())) };
}
