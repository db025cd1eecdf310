import type { Graph, Node, Value } from '../ir/graph.ts';
import { isSparse } from '../ir/tensor.ts';
import { FIELD } from '../wire/schema.ts';
import type { Encoder } from '../wire/writer.ts';
import { withoutField } from './extra.ts';
import { tensorNotes } from './kept.ts';
import type { Places } from './places.ts';
import { writeAttr } from './write-attr.ts';
import { writeEntry, writeMetadata } from './write-entry.ts';
import { writeSparse, writeTensor } from './write-tensor.ts';
import { writeType } from './write-type.ts';

const GRAPH = FIELD.GraphProto;
const NODE = FIELD.NodeProto;
const VALUE = FIELD.ValueInfoProto;
const ANNOTATION = FIELD.TensorAnnotation;

/** What is the same for all graphs of one file. */
export interface GraphContext {
  /** Every initializer is an input too, as the format wanted before IR version 4. */
  readonly initializersAreInputs: boolean;
  /** Which tensors lie beside the model, and where. */
  readonly places: Places;
}

/** Writes a GraphProto as a field, its nodes in an order in which everything is made before it is read. */
export function writeGraph(out: Encoder, field: number, graph: Graph, context: GraphContext): void {
  out.message(field, () => {
    for (const node of graph.ordered()) writeNode(out, GRAPH.node, node, context);
    if (graph.name !== '') out.string(GRAPH.name, graph.name);
    writeInitializers(out, graph, context);
    if (graph.notes?.docString) out.string(GRAPH.doc_string, graph.notes.docString);
    for (const value of graph.inputs) writeValueInfo(out, GRAPH.input, value);
    if (context.initializersAreInputs) for (const value of graph.initializers.values()) writeValueInfo(out, GRAPH.input, value);
    for (const value of graph.outputs) writeValueInfo(out, GRAPH.output, value);
    writeInnerValues(out, GRAPH.value_info, graph);
    if (!context.initializersAreInputs) for (const value of graph.initializers.values()) if (value.notes && !value.isOutput) writeValueInfo(out, GRAPH.value_info, value);
    writeQuantization(out, graph);
    for (const value of graph.initializers.values()) if (isSparse(value.constant)) writeSparse(out, GRAPH.sparse_initializer, value.constant, value.name);
    writeMetadata(out, GRAPH.metadata_props, graph.notes);
    if (graph.notes?.extra) out.raw(graph.notes.extra);
  });
}

/** Writes a NodeProto as a field. */
export function writeNode(out: Encoder, field: number, node: Node, context: GraphContext): void {
  out.message(field, () => {
    for (const value of node.inputs) out.string(NODE.input, value?.name ?? '');
    for (const value of node.outputs) out.string(NODE.output, value.name);
    if (node.name !== '') out.string(NODE.name, node.name);
    out.string(NODE.op_type, node.opType);
    for (const [name, a] of node.attrs) writeAttr(out, NODE.attribute, name, a, context);
    if (node.notes?.docString) out.string(NODE.doc_string, node.notes.docString);
    if (node.domain !== '') out.string(NODE.domain, node.domain);
    if (node.overload !== '') out.string(NODE.overload, node.overload);
    writeMetadata(out, NODE.metadata_props, node.notes);
    if (node.notes?.extra) out.raw(node.notes.extra);
  });
}

/** Writes what is declared about the values that nodes make and the graph keeps inside. */
export function writeInnerValues(out: Encoder, field: number, graph: Graph): void {
  const outputs = new Set(graph.outputs);
  for (const node of graph.nodes) for (const value of node.outputs) if (!outputs.has(value) && (value.declared || value.notes)) writeValueInfo(out, field, value);
}

/** Writes a ValueInfoProto as a field. */
export function writeValueInfo(out: Encoder, field: number, value: Value): void {
  out.message(field, () => {
    const { notes, declared: type } = value;
    out.string(VALUE.name, value.name);
    if (type) writeType(out, VALUE.type, type);
    if (notes?.docString) out.string(VALUE.doc_string, notes.docString);
    writeMetadata(out, VALUE.metadata_props, notes);
    if (notes?.extra) out.raw(type ? withoutField(notes.extra, VALUE.type) : notes.extra); // a type that could not be read has been replaced
  });
}

function writeInitializers(out: Encoder, graph: Graph, { places }: GraphContext): void {
  for (const value of graph.initializers.values()) {
    const tensor = value.constant;
    if (!isSparse(tensor)) writeTensor(out, GRAPH.initializer, tensor, value.name, tensorNotes(tensor)?.notes, places.get(tensor));
  }
  for (const value of graph.inputs) {
    const tensor = value.default;
    if (!tensor) continue;
    if (isSparse(tensor)) writeSparse(out, GRAPH.sparse_initializer, tensor, value.name);
    else writeTensor(out, GRAPH.initializer, tensor, value.name, tensorNotes(tensor)?.notes, places.get(tensor));
  }
}

/** Annotations of values that are gone are left out. */
function writeQuantization(out: Encoder, graph: Graph): void {
  for (const [name, roles] of graph.quantization) {
    if (!graph.value(name)) continue;
    out.message(GRAPH.quantization_annotation, () => {
      out.string(ANNOTATION.tensor_name, name);
      for (const [role, other] of roles) writeEntry(out, ANNOTATION.quant_parameter_tensor_names, role, other);
    });
  }
}
