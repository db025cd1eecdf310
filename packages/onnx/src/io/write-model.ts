import { INITIALIZERS_ALONE, type FunctionDef, type Model } from '../ir/model.ts';
import { FIELD } from '../wire/schema.ts';
import { Encoder } from '../wire/writer.ts';
import { INLINE, type Places } from './places.ts';
import { writeAttr } from './write-attr.ts';
import { writeEntry, writeMetadata } from './write-entry.ts';
import { writeGraph, writeInnerValues, writeNode, writeValueInfo, type GraphContext } from './write-graph.ts';

const MODEL = FIELD.ModelProto;
const FUNCTION = FIELD.FunctionProto;
const OPSET = FIELD.OperatorSetIdProto;

/** The ModelProto of a model, in an order of its own that never changes: same model, same bytes. */
export function encodeModel(model: Model, places: Places): Encoder {
  const out = new Encoder();
  const { info, notes } = model;
  const context: GraphContext = { initializersAreInputs: info.irVersion < INITIALIZERS_ALONE, places };
  out.int(MODEL.ir_version, info.irVersion);
  if (info.producerName !== '') out.string(MODEL.producer_name, info.producerName);
  if (info.producerVersion !== '') out.string(MODEL.producer_version, info.producerVersion);
  if (info.domain !== '') out.string(MODEL.domain, info.domain);
  if (BigInt(info.modelVersion) !== 0n) out.int(MODEL.model_version, info.modelVersion);
  if (notes?.docString) out.string(MODEL.doc_string, notes.docString);
  writeGraph(out, MODEL.graph, model.graph, context);
  writeOpsets(out, MODEL.opset_import, model.opsets);
  for (const [key, value] of model.metadata) writeEntry(out, MODEL.metadata_props, key, value);
  for (const f of model.functions.values()) writeFunction(out, f, { ...context, places: INLINE });
  if (notes?.extra) out.raw(notes.extra);
  return out;
}

function writeOpsets(out: Encoder, field: number, opsets: ReadonlyMap<string, number>): void {
  for (const [domain, version] of opsets) {
    out.message(field, () => {
      out.string(OPSET.domain, domain);
      out.int(OPSET.version, version);
    });
  }
}

function writeFunction(out: Encoder, f: FunctionDef, context: GraphContext): void {
  const { body, notes } = f;
  out.message(MODEL.functions, () => {
    out.string(FUNCTION.name, f.name);
    for (const value of body.inputs) out.string(FUNCTION.input, value.name);
    for (const value of body.outputs) out.string(FUNCTION.output, value.name);
    for (const name of f.attributes) out.string(FUNCTION.attribute, name);
    for (const node of body.ordered()) writeNode(out, FUNCTION.node, node, context);
    if (notes?.docString) out.string(FUNCTION.doc_string, notes.docString);
    writeOpsets(out, FUNCTION.opset_import, body.opsets);
    if (f.domain !== '') out.string(FUNCTION.domain, f.domain);
    for (const [name, a] of f.defaults) writeAttr(out, FUNCTION.attribute_proto, name, a, context);
    for (const value of new Set([...body.inputs, ...body.outputs])) if (value.declared) writeValueInfo(out, FUNCTION.value_info, value);
    writeInnerValues(out, FUNCTION.value_info, body);
    if (f.overload !== '') out.string(FUNCTION.overload, f.overload);
    writeMetadata(out, FUNCTION.metadata_props, notes);
    if (notes?.extra) out.raw(notes.extra);
  });
}
