/**
 * The messages of ONNX 1.23 (IR version 14, onnx.proto) as one table: message → field → number and kind.
 * It says what is known; readers keep every other field as bytes.
 */

/** How the value of a field is written. Enums are int32 whose meaning ONNX names elsewhere. */
export type ScalarKind = 'int64' | 'uint64' | 'int32' | 'enum' | 'float' | 'double' | 'string' | 'bytes';

/** One field of a message. `message` names the type of a nested message; `packed` is how ONNX writes the list. */
export interface Field {
  readonly number: number;
  readonly kind: ScalarKind | 'message';
  readonly message?: string;
  readonly repeated?: true;
  readonly packed?: true;
}

const one = <const N extends number>(number: N, kind: ScalarKind) => ({ number, kind }) as const;
const list = <const N extends number>(number: N, kind: ScalarKind) => ({ number, kind, repeated: true }) as const;
const packed = <const N extends number>(number: N, kind: ScalarKind) => ({ number, kind, repeated: true, packed: true }) as const;
const nested = <const N extends number>(number: N, message: string) => ({ number, kind: 'message', message }) as const;
const nestedList = <const N extends number>(number: N, message: string) => ({ number, kind: 'message', message, repeated: true }) as const;

export const SCHEMA = {
  ModelProto: {
    ir_version: one(1, 'int64'),
    producer_name: one(2, 'string'),
    producer_version: one(3, 'string'),
    domain: one(4, 'string'),
    model_version: one(5, 'int64'),
    doc_string: one(6, 'string'),
    graph: nested(7, 'GraphProto'),
    opset_import: nestedList(8, 'OperatorSetIdProto'),
    metadata_props: nestedList(14, 'StringStringEntryProto'),
    training_info: nestedList(20, 'TrainingInfoProto'),
    functions: nestedList(25, 'FunctionProto'),
    configuration: nestedList(26, 'DeviceConfigurationProto'),
  },
  GraphProto: {
    node: nestedList(1, 'NodeProto'),
    name: one(2, 'string'),
    initializer: nestedList(5, 'TensorProto'),
    doc_string: one(10, 'string'),
    input: nestedList(11, 'ValueInfoProto'),
    output: nestedList(12, 'ValueInfoProto'),
    value_info: nestedList(13, 'ValueInfoProto'),
    quantization_annotation: nestedList(14, 'TensorAnnotation'),
    sparse_initializer: nestedList(15, 'SparseTensorProto'),
    metadata_props: nestedList(16, 'StringStringEntryProto'),
  },
  NodeProto: {
    input: list(1, 'string'),
    output: list(2, 'string'),
    name: one(3, 'string'),
    op_type: one(4, 'string'),
    attribute: nestedList(5, 'AttributeProto'),
    doc_string: one(6, 'string'),
    domain: one(7, 'string'),
    overload: one(8, 'string'),
    metadata_props: nestedList(9, 'StringStringEntryProto'),
    device_configurations: nestedList(10, 'NodeDeviceConfigurationProto'),
  },
  AttributeProto: {
    name: one(1, 'string'),
    f: one(2, 'float'),
    i: one(3, 'int64'),
    s: one(4, 'bytes'),
    t: nested(5, 'TensorProto'),
    g: nested(6, 'GraphProto'),
    floats: list(7, 'float'),
    ints: list(8, 'int64'),
    strings: list(9, 'bytes'),
    tensors: nestedList(10, 'TensorProto'),
    graphs: nestedList(11, 'GraphProto'),
    doc_string: one(13, 'string'),
    tp: nested(14, 'TypeProto'),
    type_protos: nestedList(15, 'TypeProto'),
    type: one(20, 'enum'),
    ref_attr_name: one(21, 'string'),
    sparse_tensor: nested(22, 'SparseTensorProto'),
    sparse_tensors: nestedList(23, 'SparseTensorProto'),
  },
  TensorProto: {
    dims: list(1, 'int64'),
    data_type: one(2, 'int32'),
    segment: nested(3, 'TensorProto.Segment'),
    float_data: packed(4, 'float'),
    int32_data: packed(5, 'int32'),
    string_data: list(6, 'bytes'),
    int64_data: packed(7, 'int64'),
    name: one(8, 'string'),
    raw_data: one(9, 'bytes'),
    double_data: packed(10, 'double'),
    uint64_data: packed(11, 'uint64'),
    doc_string: one(12, 'string'),
    external_data: nestedList(13, 'StringStringEntryProto'),
    data_location: one(14, 'enum'),
    metadata_props: nestedList(16, 'StringStringEntryProto'),
  },
  'TensorProto.Segment': { begin: one(1, 'int64'), end: one(2, 'int64') },
  SparseTensorProto: { values: nested(1, 'TensorProto'), indices: nested(2, 'TensorProto'), dims: list(3, 'int64') },
  ValueInfoProto: {
    name: one(1, 'string'),
    type: nested(2, 'TypeProto'),
    doc_string: one(3, 'string'),
    metadata_props: nestedList(4, 'StringStringEntryProto'),
  },
  TypeProto: {
    tensor_type: nested(1, 'TypeProto.Tensor'),
    sequence_type: nested(4, 'TypeProto.Sequence'),
    map_type: nested(5, 'TypeProto.Map'),
    denotation: one(6, 'string'),
    opaque_type: nested(7, 'TypeProto.Opaque'),
    sparse_tensor_type: nested(8, 'TypeProto.SparseTensor'),
    optional_type: nested(9, 'TypeProto.Optional'),
  },
  'TypeProto.Tensor': { elem_type: one(1, 'int32'), shape: nested(2, 'TensorShapeProto') },
  'TypeProto.Sequence': { elem_type: nested(1, 'TypeProto') },
  'TypeProto.Map': { key_type: one(1, 'int32'), value_type: nested(2, 'TypeProto') },
  'TypeProto.Optional': { elem_type: nested(1, 'TypeProto') },
  'TypeProto.SparseTensor': { elem_type: one(1, 'int32'), shape: nested(2, 'TensorShapeProto') },
  'TypeProto.Opaque': { domain: one(1, 'string'), name: one(2, 'string') },
  TensorShapeProto: { dim: nestedList(1, 'TensorShapeProto.Dimension') },
  'TensorShapeProto.Dimension': { dim_value: one(1, 'int64'), dim_param: one(2, 'string'), denotation: one(3, 'string') },
  OperatorSetIdProto: { domain: one(1, 'string'), version: one(2, 'int64') },
  StringStringEntryProto: { key: one(1, 'string'), value: one(2, 'string') },
  TensorAnnotation: { tensor_name: one(1, 'string'), quant_parameter_tensor_names: nestedList(2, 'StringStringEntryProto') },
  TrainingInfoProto: {
    initialization: nested(1, 'GraphProto'),
    algorithm: nested(2, 'GraphProto'),
    initialization_binding: nestedList(3, 'StringStringEntryProto'),
    update_binding: nestedList(4, 'StringStringEntryProto'),
  },
  FunctionProto: {
    name: one(1, 'string'),
    input: list(4, 'string'),
    output: list(5, 'string'),
    attribute: list(6, 'string'),
    node: nestedList(7, 'NodeProto'),
    doc_string: one(8, 'string'),
    opset_import: nestedList(9, 'OperatorSetIdProto'),
    domain: one(10, 'string'),
    attribute_proto: nestedList(11, 'AttributeProto'),
    value_info: nestedList(12, 'ValueInfoProto'),
    overload: one(13, 'string'),
    metadata_props: nestedList(14, 'StringStringEntryProto'),
  },
  DeviceConfigurationProto: { name: one(1, 'string'), num_devices: one(2, 'int32'), device: list(3, 'string') },
  NodeDeviceConfigurationProto: {
    configuration_id: one(1, 'string'),
    sharding_spec: nestedList(2, 'ShardingSpecProto'),
    pipeline_stage: one(3, 'int32'),
  },
  ShardingSpecProto: {
    tensor_name: one(1, 'string'),
    device: list(2, 'int64'),
    index_to_device_group_map: nestedList(3, 'IntIntListEntryProto'),
    sharded_dim: nestedList(4, 'ShardedDimProto'),
  },
  IntIntListEntryProto: { key: one(1, 'int64'), value: list(2, 'int64') },
  ShardedDimProto: { axis: one(1, 'int64'), simple_sharding: nestedList(2, 'SimpleShardedDimProto') },
  SimpleShardedDimProto: { dim_value: one(1, 'int64'), dim_param: one(2, 'string'), num_shards: one(3, 'int64') },
} as const satisfies Record<string, Record<string, Field>>;

export type MessageName = keyof typeof SCHEMA;

type Numbers = { readonly [M in MessageName]: { readonly [F in keyof (typeof SCHEMA)[M]]: (typeof SCHEMA)[M][F] extends { readonly number: infer N } ? N : never } };

/** Field numbers by name, for reading and writing: `case FIELD.NodeProto.op_type:`. */
export const FIELD = Object.fromEntries(
  Object.entries(SCHEMA).map(([message, fields]) => [message, Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.number]))]),
) as unknown as Numbers; // fromEntries forgets the keys; they are those of SCHEMA

const BY_NUMBER = new Map<string, ReadonlyMap<number, Field & { readonly name: string }>>(
  Object.entries(SCHEMA).map(([message, fields]) => [message, new Map(Object.entries(fields).map(([name, field]: [string, Field]) => [field.number, { ...field, name }]))]),
);

/** What a field number means in a message; undefined for one this version of ONNX does not have. */
export const fieldOf = (message: string, number: number): (Field & { readonly name: string }) | undefined => BY_NUMBER.get(message)?.get(number);

/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPE = {
  undefined: 0, float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8, tensors: 9, graphs: 10,
  sparse_tensor: 11, sparse_tensors: 12, type_proto: 13, type_protos: 14,
} as const;

/** TensorProto.DataLocation. */
export const DATA_LOCATION = { default: 0, external: 1 } as const;
