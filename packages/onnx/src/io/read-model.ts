import type { Reader } from '../wire/reader.ts';
import { FIELD } from '../wire/schema.ts';
import type { ExternalFiles } from './external.ts';
import { Kept } from './kept.ts';
import { readAttr } from './read-attr.ts';
import { readEntry } from './read-entry.ts';
import { emptyGraph, readGraph, readNode, readValue } from './read-graph.ts';
import type { FunctionRecord, ModelRecord, OpsetRecord } from './records.ts';

const MODEL = FIELD.ModelProto;
const FUNCTION = FIELD.FunctionProto;
const OPSET = FIELD.OperatorSetIdProto;

/** Reads a whole ModelProto. Training information is kept as it is. */
export function readModelProto(reader: Reader, files: ExternalFiles): ModelRecord {
  const model: ModelRecord = { info: { irVersion: 0, producerName: '', producerVersion: '', domain: '', modelVersion: 0 }, graph: undefined, opsets: [], functions: [], metadata: new Map(), notes: undefined };
  const { info } = model;
  const kept = new Kept();
  while (reader.next()) {
    switch (reader.field) {
      case MODEL.ir_version:
        info.irVersion = reader.int();
        break;
      case MODEL.producer_name:
        info.producerName = reader.string();
        break;
      case MODEL.producer_version:
        info.producerVersion = reader.string();
        break;
      case MODEL.domain:
        info.domain = reader.string();
        break;
      case MODEL.model_version: {
        const version = reader.bigint();
        info.modelVersion = Number.isSafeInteger(Number(version)) ? Number(version) : version;
        break;
      }
      case MODEL.doc_string:
        kept.docString(reader);
        break;
      case MODEL.graph:
        model.graph = readGraph(reader, files, model.graph ?? emptyGraph());
        break;
      case MODEL.opset_import:
        model.opsets.push(readOpset(reader));
        break;
      case MODEL.metadata_props:
        readEntry(reader, (key, value) => model.metadata.set(key, value));
        break;
      case MODEL.functions:
        model.functions.push(readFunction(reader, files));
        break;
      default:
        kept.unknown(reader);
    }
  }
  model.notes = kept.notes();
  return model;
}

function readOpset(reader: Reader): OpsetRecord {
  let domain = '';
  let version = 0;
  reader.message(() => {
    while (reader.next()) {
      if (reader.field === OPSET.domain) domain = reader.string();
      else if (reader.field === OPSET.version) version = reader.int();
    }
  });
  return { domain, version };
}

function readFunction(reader: Reader, files: ExternalFiles): FunctionRecord {
  const f: FunctionRecord = { name: '', domain: '', overload: '', inputs: [], outputs: [], attributes: [], defaults: [], nodes: [], values: [], opsets: [], notes: undefined };
  const kept = new Kept();
  reader.message(() => {
    while (reader.next()) {
      switch (reader.field) {
        case FUNCTION.name:
          f.name = reader.string();
          break;
        case FUNCTION.domain:
          f.domain = reader.string();
          break;
        case FUNCTION.overload:
          f.overload = reader.string();
          break;
        case FUNCTION.input:
          f.inputs.push(reader.string());
          break;
        case FUNCTION.output:
          f.outputs.push(reader.string());
          break;
        case FUNCTION.attribute:
          f.attributes.push(reader.string());
          break;
        case FUNCTION.attribute_proto:
          f.defaults.push(readAttr(reader, files, () => `function "${f.name}"`));
          break;
        case FUNCTION.node:
          f.nodes.push(readNode(reader, files));
          break;
        case FUNCTION.value_info:
          f.values.push(readValue(reader));
          break;
        case FUNCTION.opset_import:
          f.opsets.push(readOpset(reader));
          break;
        case FUNCTION.doc_string:
          kept.docString(reader);
          break;
        case FUNCTION.metadata_props:
          readEntry(reader, (key, value) => kept.metadata(key, value));
          break;
        default:
          kept.unknown(reader);
      }
    }
  });
  f.notes = kept.notes();
  return f;
}
