import { SCHEMA, type Field, type MessageName } from '../wire/schema.ts';
import { Encoder } from '../wire/writer.ts';

/** The fields of a message by their ONNX names. `unknown` is appended as it is. */
export interface Fields {
  readonly [field: string]: number | bigint | string | Uint8Array | Fields | readonly (number | bigint | string | Uint8Array | Fields)[] | undefined;
}

type One = number | bigint | string | Uint8Array | Fields;

/** The bytes of a message, written by the table alone: what a reader has to understand. `packed` false writes number lists one by one. */
export function proto(message: MessageName, fields: Fields, packed = true): Uint8Array {
  const out = new Encoder();
  write(out, message, fields, packed);
  return out.toBytes();
}

function write(out: Encoder, message: string, fields: Fields, packed: boolean): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (name === 'unknown') {
      out.raw(value as Uint8Array); // as said above
      continue;
    }
    const field = (SCHEMA as Record<string, Record<string, Field>>)[message]?.[name];
    if (!field) throw new Error(`${message} has no field "${name}"`);
    const list: readonly One[] = Array.isArray(value) ? value : [value as One]; // Array.isArray does not narrow readonly arrays
    if (field.packed && packed) writePacked(out, field, list as readonly number[]); // the kinds of packed fields are numbers
    else for (const item of list) writeOne(out, field, item, packed);
  }
}

function writePacked(out: Encoder, { number, kind }: Field, list: readonly number[]): void {
  if (kind === 'float') out.floats(number, list, true);
  else if (kind === 'double') out.doubles(number, list, true);
  else out.ints(number, list, true);
}

function writeOne(out: Encoder, { number, kind, message }: Field, value: One, packed: boolean): void {
  if (kind === 'message') out.message(number, () => (value instanceof Uint8Array ? out.raw(value) : write(out, message ?? '', value as Fields, packed)));
  else if (kind === 'string') out.string(number, String(value));
  else if (kind === 'bytes') out.bytes(number, typeof value === 'string' ? new TextEncoder().encode(value) : (value as Uint8Array));
  else if (kind === 'float') out.float(number, Number(value));
  else if (kind === 'double') out.double(number, Number(value));
  else out.int(number, value as number | bigint);
}

/** A ModelProto around a graph, of IR version 10 and opset 21 unless it says otherwise. */
export const modelProto = (graph: Fields, more: Fields = {}): Uint8Array => proto('ModelProto', { ir_version: 10, graph, opset_import: [{ domain: '', version: 21 }], ...more });

/** A ValueInfoProto of float32 with these dimensions. */
export const floats = (name: string, ...dims: readonly (number | string)[]): Fields => ({
  name,
  type: { tensor_type: { elem_type: 1, shape: { dim: dims.map((dim) => (typeof dim === 'number' ? { dim_value: dim } : { dim_param: dim })) } } },
});

/** A node with inputs and outputs; `more` has the rest. */
export const node = (opType: string, input: readonly string[], output: readonly string[], more: Fields = {}): Fields => ({ input, output, op_type: opType, ...more });

/** A graph around some nodes, from x to y, both float32. */
export const graphOf = (nodes: readonly Fields[], more: Fields = {}): Fields => ({ node: nodes, name: 'g', input: [floats('x', 'N', 4)], output: [floats('y', 'N', 4)], ...more });
