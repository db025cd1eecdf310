import { expect, test } from 'vitest';
import type { Model } from '../ir/model.ts';
import { tensorType } from '../ir/types.ts';
import { int64s } from '../ir/values.ts';
import { floats, graphOf, modelProto, node, proto, type Fields } from '../testing/proto.ts';
import { modelFromBytes } from './read.ts';
import { modelBytes } from './write.ts';

const model = (graph: Fields, more?: Fields): Model => modelFromBytes(modelProto(graph, more));

/** Fields in the order of their numbers, so that the bytes must come back as they were. */
const same = (graph: Fields, more: Fields = {}): void => {
  const { ir_version = 10, opset_import = [{ domain: '', version: 21 }], producer_name, doc_string, ...rest } = more;
  const bytes = proto('ModelProto', { ir_version, producer_name, doc_string, graph, opset_import, ...rest });
  expect(Buffer.from(modelBytes(modelFromBytes(bytes))).toString('latin1')).toBe(Buffer.from(bytes).toString('latin1'));
};

const relu = node('Relu', ['x'], ['y']);

/** A field that no version of ONNX has: number 999, with the text "hello". */
const UNKNOWN = Uint8Array.of(0xba, 0x3e, 5, ...Buffer.from('hello'));

const plain = (nodes: readonly Fields[], more: Fields = {}): Fields => {
  const { initializer, doc_string, input = [floats('x', 'N', 4)], output = [floats('y', 'N', 4)], ...rest } = more;
  return { node: nodes, name: 'g', initializer, doc_string, input, output, ...rest };
};

test('a plain model comes back byte for byte', () => same(plain([relu])));

test('fields that no version of ONNX has come back, in every message', () => {
  same(
    plain([{ ...relu, attribute: [{ name: 'a', i: 1, type: 2, unknown: UNKNOWN }], unknown: UNKNOWN }], {
      initializer: [{ dims: [1], data_type: 1, name: 'w', raw_data: new Uint8Array(4), unknown: UNKNOWN }],
      input: [{ ...floats('x', 4), unknown: UNKNOWN }],
      unknown: UNKNOWN,
    }),
    { functions: [{ name: 'f', input: ['a'], output: ['b'], node: [node('Neg', ['a'], ['b'])], domain: 'local', unknown: UNKNOWN }], unknown: UNKNOWN },
  );
});

test('documentation and metadata come back, in every message', () => {
  const metadata_props = [{ key: 'k', value: 'v' }];
  same(
    plain([{ ...relu, name: 'n', doc_string: 'node', metadata_props }, node('Neg', ['x'], ['t'])].map(orderNode), {
      initializer: [{ dims: [1], data_type: 1, name: 'w', raw_data: new Uint8Array(4), doc_string: 'tensor', metadata_props }],
      doc_string: 'graph',
      input: [{ ...floats('x', 4), doc_string: 'input', metadata_props }],
      value_info: [{ ...floats('t', 4), doc_string: 'inner', metadata_props }, { ...floats('w', 1), doc_string: 'initializer' }],
      metadata_props,
    }),
    { doc_string: 'model', metadata_props },
  );
});

/** The order of NodeProto's field numbers. */
const orderNode = ({ input, output, name, op_type, attribute, doc_string, domain, metadata_props }: Fields): Fields => ({ input, output, name, op_type, attribute, doc_string, domain, metadata_props });

test('denotations come back with the types that have them', () => {
  const type: Fields = { tensor_type: { elem_type: 1, shape: { dim: [{ dim_param: 'N', denotation: 'DATA_BATCH' }] } }, denotation: 'IMAGE' };
  same(plain([relu], { input: [{ name: 'x', type }] }));
});

test('a denotation goes when the type does', () => {
  const type: Fields = { tensor_type: { elem_type: 1 }, denotation: 'IMAGE' };
  const read = model(plain([relu], { input: [{ name: 'x', type }] }));
  read.graph.inputs[0]!.type = tensorType('float32', [3]);
  expect(Buffer.from(modelBytes(read)).toString('latin1')).not.toContain('IMAGE');
});

test('a copy of a model has them too', () => {
  const type: Fields = { tensor_type: { elem_type: 1 }, denotation: 'IMAGE' };
  const read = model(plain([relu], { initializer: [{ dims: [1], data_type: 1, name: 'w', raw_data: new Uint8Array(4), doc_string: 'tensor' }], input: [{ name: 'x', type, doc_string: 'input' }] }));
  expect(modelBytes(read.clone())).toEqual(modelBytes(read));
});

test('a type of elements that ONNX does not have comes back', () => {
  same(plain([relu], { value_info: [] as Fields[], input: [floats('x', 4), { name: 'z', type: { tensor_type: { elem_type: 99, shape: {} } } }] }));
});

test('a type that could not be read gives way to one that is declared', () => {
  const read = model(plain([relu], { input: [floats('x', 4), { name: 'z', type: { tensor_type: { elem_type: 99, shape: { dim: [{ dim_value: 7 }] } } } }] }));
  read.graph.value('z')!.type = tensorType('int64', [2]);
  expect(modelFromBytes(modelBytes(read)).graph.value('z')?.type).toEqual(tensorType('int64', [2]));
});

test('types of every kind come back', () => {
  const tensor = (code: number): Fields => ({ tensor_type: { elem_type: code } });
  const types: readonly Fields[] = [
    { tensor_type: { elem_type: 7, shape: { dim: [{ dim_value: 2 }, { dim_param: 'n' }, {}, { dim_value: -1 }, { dim_value: 0 }] } } },
    { sparse_tensor_type: { elem_type: 1, shape: {} } },
    { sequence_type: { elem_type: tensor(8) } },
    { optional_type: { elem_type: { sequence_type: { elem_type: tensor(1) } } } },
    { map_type: { key_type: 7, value_type: tensor(11) } },
    { opaque_type: { domain: 'd', name: 'n' } },
  ];
  same(plain([relu], { input: [floats('x', 4), ...types.map((type, i) => ({ name: `i${i}`, type }))] }));
});

test('attributes of every kind come back', () => {
  const tensor: Fields = { dims: [1], data_type: 1, name: 't', raw_data: new Uint8Array(4) };
  const sparse: Fields = { values: tensor, indices: { dims: [1], data_type: 7, raw_data: new Uint8Array(8) }, dims: [3] };
  const graph: Fields = { node: [node('Neg', ['x'], ['p'])], name: 'inner', output: [{ name: 'p' }] };
  const other: Fields = { node: [node('Neg', ['x'], ['q'])], name: 'other', output: [{ name: 'q' }] };
  const third: Fields = { node: [node('Neg', ['x'], ['r'])], name: 'third', output: [{ name: 'r' }] };
  const type: Fields = { tensor_type: { elem_type: 1 } };
  same(plain([{
    ...node('Any', ['x'], ['y']),
    attribute: [
      { name: 'f', f: 0.1, type: 1 }, { name: 'i', i: -1, type: 2 }, { name: 'large', i: -(2n ** 63n), type: 2 }, { name: 's', s: 'text', type: 3 },
      { name: 'bytes', s: new Uint8Array([255]), type: 3 }, { name: 't', t: tensor, type: 4 }, { name: 'g', g: graph, type: 5 }, { name: 'floats', floats: [1, 2], type: 6 },
      { name: 'ints', ints: [1, -2, 2n ** 62n], type: 7 }, { name: 'strings', strings: ['a', new Uint8Array([254])], type: 8 }, { name: 'tensors', tensors: [tensor, tensor], type: 9 },
      { name: 'graphs', graphs: [other, third], type: 10 }, { name: 'sparse', sparse_tensor: sparse, type: 11 }, { name: 'tp', tp: type, type: 13 },
      { name: 'types', type_protos: [type, type], type: 14 }, { name: 'none', type: 7 }, { name: 'doc', i: 1, type: 2, unknown: Uint8Array.of(0x6a, 1, 0x41) },
    ],
    domain: 'd',
  }].map(orderAttributes)), { opset_import: [{ domain: '', version: 21 }, { domain: 'd', version: 1 }] });
});

const orderAttributes = (n: Fields): Fields => ({ input: n.input, output: n.output, op_type: n.op_type, attribute: n.attribute, domain: n.domain });

test('functions come back with overloads, defaults and references', () => {
  const f = (overload: string): Fields => ({
    name: 'f', input: ['a'], output: ['b'], attribute: ['must'],
    node: [{ ...node('Elu', ['a'], ['t']), attribute: [{ name: 'alpha', type: 1, ref_attr_name: 'alpha' }] }, node('Neg', ['t'], ['b'])],
    doc_string: 'doc', opset_import: [{ domain: '', version: 18 }], domain: 'local', attribute_proto: [{ name: 'alpha', f: 2, type: 1 }], value_info: [floats('t', 4)], overload,
  });
  same(plain([relu]), { opset_import: [{ domain: '', version: 21 }, { domain: 'local', version: 1 }], functions: [f('one'), f('two')] });
});

test('quantization annotations and sparse initializers come back', () => {
  same(plain([relu], {
    initializer: [{ dims: [1], data_type: 1, name: 's', raw_data: new Uint8Array(4) }],
    quantization_annotation: [{ tensor_name: 'x', quant_parameter_tensor_names: [{ key: 'SCALE_TENSOR', value: 's' }] }],
    sparse_initializer: [{ values: { dims: [1], data_type: 1, name: 'w', raw_data: new Uint8Array(4) }, indices: { dims: [1], data_type: 7, raw_data: new Uint8Array(8) }, dims: [3] }],
  }));
});

test('training information and devices come back as they are', () => {
  same(plain([{ ...relu, device_configurations: [{ configuration_id: 'two', pipeline_stage: 1 }] }]), {
    training_info: [{ algorithm: { name: 'a' }, update_binding: [{ key: 'w', value: 'v' }] }],
    configuration: [{ name: 'two', num_devices: 2, device: ['a', 'b'] }],
  });
});

test('a default that a caller may override stays an input', () => {
  same(plain([node('Add', ['x', 'w'], ['y'])], { initializer: [{ dims: [1], data_type: 1, name: 'w', raw_data: new Uint8Array(4), doc_string: 'default' }], input: [floats('x', 4), { ...floats('w', 1), doc_string: 'may be given' }] }));
});

test('IR version 3 has its initializers among the inputs, new ones too', () => {
  const old = plain([node('Add', ['x', 'w'], ['y'])], { initializer: [{ dims: [1], data_type: 1, name: 'w', raw_data: new Uint8Array(4) }], input: [floats('x', 4), floats('w', 1)] });
  same(old, { ir_version: 3 });
  const read = model(old, { ir_version: 3 });
  read.graph.addInitializer('more', int64s([1, 2]));
  const again = modelFromBytes(modelBytes(read));
  expect([...again.graph.initializers.keys()]).toEqual(['w', 'more']);
  again.info.irVersion = 8; // now initializers stand alone
  expect(modelFromBytes(modelBytes(again)).graph.inputs.map((v) => v.name)).toEqual(['x']);
});

test('inputs and outputs that are left out keep their places', () => same(plain([node('Any', ['x', '', 'x', ''], ['', 'y', ''])])));

test('names of any characters come back', () => {
  same({ node: [node('Relu', ['ключ'], ['出力 😀'])], name: 'g', input: [floats('ключ', 4)], output: [floats('出力 😀', 4)] }, { producer_name: 'ü' });
});

test('what is read twice is the same twice', () => {
  const bytes = modelProto(graphOf([relu]));
  expect(modelBytes(modelFromBytes(bytes))).toEqual(modelBytes(modelFromBytes(bytes)));
});
