import type { ValueType } from '../ir/types.ts';
import type { Reader } from '../wire/reader.ts';
import { FIELD } from '../wire/schema.ts';
import type { ExternalFiles } from './external.ts';
import { Kept } from './kept.ts';
import { readAttr } from './read-attr.ts';
import { readEntry } from './read-entry.ts';
import { readSparse } from './read-sparse.ts';
import { readTensor } from './read-tensor.ts';
import { readType } from './read-type.ts';
import type { GraphRecord, NodeRecord, ValueRecord } from './records.ts';

const GRAPH = FIELD.GraphProto;
const NODE = FIELD.NodeProto;
const VALUE = FIELD.ValueInfoProto;
const ANNOTATION = FIELD.TensorAnnotation;

export const emptyGraph = (): GraphRecord => ({ name: '', nodes: [], inputs: [], outputs: [], values: [], initializers: [], sparse: [], quantization: new Map(), notes: undefined });

/** Reads the GraphProto at the current field. A field that stands twice adds to what was read before, as protobuf asks. */
export function readGraph(reader: Reader, files: ExternalFiles, graph: GraphRecord = emptyGraph()): GraphRecord {
  const kept = new Kept();
  const where = (): string => `an initializer of graph ${graph.name}`;
  reader.message(() => {
    while (reader.next()) {
      switch (reader.field) {
        case GRAPH.node:
          graph.nodes.push(readNode(reader, files));
          break;
        case GRAPH.name:
          graph.name = reader.string();
          break;
        case GRAPH.initializer:
          graph.initializers.push(readTensor(reader, files, where));
          break;
        case GRAPH.sparse_initializer:
          graph.sparse.push(readSparse(reader, files, where));
          break;
        case GRAPH.input:
          graph.inputs.push(readValue(reader));
          break;
        case GRAPH.output:
          graph.outputs.push(readValue(reader));
          break;
        case GRAPH.value_info:
          graph.values.push(readValue(reader));
          break;
        case GRAPH.quantization_annotation:
          readAnnotation(reader, graph.quantization);
          break;
        case GRAPH.doc_string:
          kept.docString(reader);
          break;
        case GRAPH.metadata_props:
          readEntry(reader, (key, value) => kept.metadata(key, value));
          break;
        default:
          kept.unknown(reader);
      }
    }
  });
  graph.notes = kept.notes();
  return graph;
}

/** Reads the NodeProto at the current field. */
export function readNode(reader: Reader, files: ExternalFiles): NodeRecord {
  const node: NodeRecord = { opType: '', domain: '', overload: '', name: '', inputs: [], outputs: [], attrs: [], nested: false, notes: undefined };
  let kept: Kept | undefined;
  const owner = (): string => `${node.opType} "${node.name || node.outputs[0] || ''}"`;
  reader.message(() => {
    while (reader.next()) {
      switch (reader.field) {
        case NODE.input:
          node.inputs.push(reader.string());
          break;
        case NODE.output:
          node.outputs.push(reader.string());
          break;
        case NODE.name:
          node.name = reader.string();
          break;
        case NODE.op_type:
          node.opType = reader.string();
          break;
        case NODE.attribute: {
          const entry = readAttr(reader, files, owner);
          if (entry[1].type === 'graph' || entry[1].type === 'graphs') node.nested = true;
          node.attrs.push(entry);
          break;
        }
        case NODE.domain:
          node.domain = reader.string();
          break;
        case NODE.overload:
          node.overload = reader.string();
          break;
        case NODE.doc_string:
          (kept ??= new Kept()).docString(reader);
          break;
        case NODE.metadata_props: {
          const into = (kept ??= new Kept());
          readEntry(reader, (key, value) => into.metadata(key, value));
          break;
        }
        default:
          (kept ??= new Kept()).unknown(reader);
      }
    }
  });
  node.notes = kept?.notes();
  return node;
}

/** Reads the ValueInfoProto at the current field. */
export function readValue(reader: Reader): ValueRecord {
  let name = '';
  let type: ValueType | undefined;
  let kept: Kept | undefined;
  reader.message(() => {
    while (reader.next()) {
      switch (reader.field) {
        case VALUE.name:
          name = reader.string();
          break;
        case VALUE.type: {
          const range = reader.rawRange();
          type = readType(reader);
          if (!type) (kept ??= new Kept()).unknownAt(reader, range);
          break;
        }
        case VALUE.doc_string:
          (kept ??= new Kept()).docString(reader);
          break;
        case VALUE.metadata_props: {
          const into = (kept ??= new Kept());
          readEntry(reader, (key, value) => into.metadata(key, value));
          break;
        }
        default:
          (kept ??= new Kept()).unknown(reader);
      }
    }
  });
  return { name, type, notes: kept?.notes() };
}

function readAnnotation(reader: Reader, into: Map<string, Map<string, string>>): void {
  let name = '';
  const roles = new Map<string, string>();
  reader.message(() => {
    while (reader.next()) {
      if (reader.field === ANNOTATION.tensor_name) name = reader.string();
      else if (reader.field === ANNOTATION.quant_parameter_tensor_names) readEntry(reader, (role, value) => roles.set(role, value));
    }
  });
  into.set(name, new Map([...(into.get(name) ?? []), ...roles]));
}
