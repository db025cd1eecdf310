import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Model } from '../ir/model.ts';
import { isFileTensor, isSparse } from '../ir/tensor.ts';
import { tensorType } from '../ir/types.ts';
import { validate } from '../ir/validate.ts';
import { numbersOf } from '../ir/values.ts';
import { failure } from '../testing/failure.ts';
import { folderWith } from '../testing/files.ts';
import { floats, graphOf, modelProto, node, proto, type Fields } from '../testing/proto.ts';
import { parseModel } from '../text/parse.ts';
import { modelFromBytes, openModel } from './read.ts';

const read = (graph: Fields, more?: Fields): Model => modelFromBytes(modelProto(graph, more));

const bytesOf = (...numbers: readonly number[]): Uint8Array => new Uint8Array(new Float32Array(numbers).buffer);

test('the head of the file is in info, metadata and notes', () => {
  const model = read(graphOf([node('Relu', ['x'], ['y'])]), {
    ir_version: 8, producer_name: 'exporter', producer_version: '2.1', domain: 'ai.example', model_version: 3, doc_string: 'about it',
    metadata_props: [{ key: 'author', value: 'somebody' }],
  });
  expect(model.info).toEqual({ irVersion: 8, producerName: 'exporter', producerVersion: '2.1', domain: 'ai.example', modelVersion: 3 });
  expect([...model.metadata]).toEqual([['author', 'somebody']]);
  expect(model.notes).toEqual({ docString: 'about it' });
  expect(model.revision).toBe(0);
});

test('a version beyond 2^53 stays exact', () => {
  expect(read(graphOf([node('Relu', ['x'], ['y'])]), { model_version: 2n ** 60n + 1n }).info.modelVersion).toBe(2n ** 60n + 1n);
});

test('a node may stand before the one it reads', () => {
  const model = read(graphOf([node('Neg', ['a'], ['y']), node('Relu', ['x'], ['a'])]));
  expect([...model.graph.nodes].map((n) => n.opType)).toEqual(['Relu', 'Neg']);
  expect(validate(model)).toEqual([]);
});

test('nodes in a valid order stay in it', () => {
  const model = read(graphOf([node('Relu', ['x'], ['b']), node('Neg', ['x'], ['a']), node('Add', ['a', 'b'], ['y'])]));
  expect([...model.graph.nodes].map((n) => n.opType)).toEqual(['Relu', 'Neg', 'Add']);
});

test('a subgraph may read what is made later in the file', () => {
  const branch = (name: string): Fields => ({ name, node: [node('Identity', ['late'], [name])], output: [{ name }] });
  const choice = node('If', ['c'], ['y'], { attribute: [{ name: 'then_branch', g: branch('p'), type: 5 }, { name: 'else_branch', g: branch('q'), type: 5 }] });
  const model = read(graphOf([choice, node('Relu', ['x'], ['late'])], { input: [floats('x', 4), { name: 'c', type: { tensor_type: { elem_type: 9 } } }] }));
  expect([...model.graph.nodes].map((n) => n.opType)).toEqual(['Relu', 'If']);
  expect(model.graph.value('late')?.useCount).toBe(2);
  expect(validate(model)).toEqual([]);
});

test('a cycle is refused by the names of its nodes', () => {
  const error = failure(() => read(graphOf([node('Neg', ['b'], ['a'], { name: 'first' }), node('Relu', ['a'], ['b'], { name: 'second' }), node('Add', ['a', 'x'], ['y'])])));
  expect(error.code).toBe('invalid-graph');
  expect(error.message).toMatch(/cycle.*"(first|second)".*"(first|second)"/);
});

test('a value that nothing makes is refused with its reader', () => {
  const error = failure(() => read(graphOf([node('Add', ['x', 'ghost'], ['y'], { name: 'sum' })])));
  expect(error.code).toBe('invalid-graph');
  expect(error.message).toContain('Add "sum" reads "ghost"');
});

test('a value that nothing makes is refused in a subgraph and in a function too', () => {
  const body: Fields = { name: 'b', node: [node('Neg', ['ghost'], ['p'])], output: [{ name: 'p' }] };
  expect(failure(() => read(graphOf([node('If', ['x'], ['y'], { attribute: [{ name: 'then_branch', g: body, type: 5 }] })]))).message).toContain('"ghost"');
  const f: Fields = { name: 'f', domain: 'local', input: ['a'], output: ['b'], node: [node('Neg', ['ghost'], ['b'])] };
  expect(failure(() => read(graphOf([node('Relu', ['x'], ['y'])]), { functions: [f] })).message).toContain('"ghost"');
});

test('an output that nothing makes is refused', () => {
  expect(failure(() => read(graphOf([node('Relu', ['x'], ['z'])]))).message).toContain('gives out "y", which nothing makes');
});

test.each([
  ['two nodes', graphOf([node('Relu', ['x'], ['y']), node('Neg', ['x'], ['y'])])],
  ['a node and an input', graphOf([node('Relu', ['x'], ['x']), node('Neg', ['x'], ['y'])])],
  ['two inputs', graphOf([node('Relu', ['x'], ['y'])], { input: [floats('x', 4), floats('x', 4)] })],
  ['two initializers', graphOf([node('Relu', ['x'], ['y'])], { initializer: [{ name: 'w', data_type: 1, float_data: [1] }, { name: 'w', data_type: 1, float_data: [2] }] })],
])('one name for %s is refused', (_, graph) => {
  expect(failure(() => read(graph)).code).toBe('invalid-graph');
});

test('an attribute that stands twice is refused', () => {
  const twice = node('LeakyRelu', ['x'], ['y'], { attribute: [{ name: 'alpha', f: 1, type: 1 }, { name: 'alpha', f: 2, type: 1 }] });
  expect(failure(() => read(graphOf([twice]))).code).toBe('invalid-graph');
});

test('before IR version 4 an initializer that is listed as an input is a constant', () => {
  const graph = graphOf([node('Add', ['x', 'w'], ['y'])], { input: [floats('x', 4), floats('w', 4)], initializer: [{ name: 'w', dims: [4], data_type: 1, float_data: [1, 2, 3, 4] }] });
  const { graph: old } = read(graph, { ir_version: 3 });
  expect(old.inputs.map((v) => v.name)).toEqual(['x']);
  expect(numbersOf(old.initializers.get('w')!.constant)).toEqual(new Float64Array([1, 2, 3, 4]));
});

test('from IR version 4 on it is a default that the caller may override', () => {
  const graph = graphOf([node('Add', ['x', 'w'], ['y'])], { input: [floats('x', 4), floats('w', 4)], initializer: [{ name: 'w', dims: [4], data_type: 1, float_data: [1, 2, 3, 4] }] });
  const { graph: now } = read(graph, { ir_version: 4 });
  expect(now.inputs.map((v) => v.name)).toEqual(['x', 'w']);
  expect(now.value('w')?.constant).toBeUndefined();
  expect(numbersOf(now.value('w')!.default!)).toEqual(new Float64Array([1, 2, 3, 4]));
});

test('weights stay in the file until they are read', () => {
  const raw = bytesOf(1, 2, 3, 4);
  const bytes = modelProto(graphOf([node('Add', ['x', 'w'], ['y'])], { initializer: [{ name: 'w', dims: [4], data_type: 1, raw_data: raw }] }));
  const path = join(folderWith({ 'm.onnx': bytes }), 'm.onnx');
  const tensor = openModel(path).graph.initializers.get('w')!.constant;
  if (!isFileTensor(tensor)) throw new Error('The tensor is not in the file.');
  expect(tensor.file).toBe(path);
  expect(Buffer.from(bytes).subarray(tensor.offset, tensor.offset + 16)).toEqual(Buffer.from(raw));
  expect(tensor.bytes()).toEqual(raw);
});

test('a sparse initializer gives its dense form', () => {
  const sparse: Fields = { values: { name: 'w', dims: [2], data_type: 1, float_data: [5, 7] }, indices: { dims: [2], data_type: 7, int64_data: [1, 3] }, dims: [4] };
  const tensor = read(graphOf([node('Add', ['x', 'w'], ['y'])], { sparse_initializer: [sparse] })).graph.initializers.get('w')!.constant;
  expect(isSparse(tensor)).toBe(true);
  expect(numbersOf(tensor)).toEqual(new Float64Array([0, 5, 0, 7]));
});

test('a function has its body, its opsets, and defaults', () => {
  const f: Fields = {
    name: 'scale', domain: 'local', overload: 'v2', input: ['a'], output: ['b'], attribute: ['by'], attribute_proto: [{ name: 'alpha', f: 0.5, type: 1 }],
    node: [node('LeakyRelu', ['a'], ['t'], { attribute: [{ name: 'alpha', ref_attr_name: 'alpha', type: 1 }] }), node('Neg', ['t'], ['b'])],
    opset_import: [{ domain: '', version: 18 }], value_info: [floats('t', 4)],
  };
  const model = read(graphOf([node('scale', ['x'], ['y'], { domain: 'local', overload: 'v2' })]), { functions: [f], opset_import: [{ domain: '', version: 21 }, { domain: 'local', version: 1 }] });
  const made = model.functions.get('local::scale::v2')!;
  expect([...made.body.opsets]).toEqual([['', 18]]);
  expect(made.attributes).toEqual(['by']);
  expect([...made.defaults]).toEqual([['alpha', { type: 'float', value: 0.5 }]]);
  expect([...made.body.nodes][0]!.attrs.get('alpha')).toEqual({ type: 'ref', to: 'alpha', of: 'float' });
  expect(made.body.value('t')?.dims).toEqual([4]);
});

test('ai.onnx is the domain without a name', () => {
  const model = read(graphOf([node('Relu', ['x'], ['y'], { domain: 'ai.onnx' })]), { opset_import: [{ domain: 'ai.onnx', version: 19 }] });
  expect([...model.opsets]).toEqual([['', 19]]);
  expect([...model.graph.nodes][0]!.is('Relu')).toBe(true);
});

test('two versions of one operator set are refused', () => {
  expect(failure(() => read(graphOf([node('Relu', ['x'], ['y'])]), { opset_import: [{ version: 19 }, { domain: 'ai.onnx', version: 20 }] })).message).toMatch(/version 19 and version 20/);
});

test('a node keeps the place of an input that it leaves out', () => {
  const [clip] = read(graphOf([node('Clip', ['x', '', 'hi'], ['y'])], { initializer: [{ name: 'hi', data_type: 1, float_data: [6] }] })).graph.nodes;
  expect(clip!.inputs.map((v) => v?.name)).toEqual(['x', undefined, 'hi']);
});

test('types of every kind are read', () => {
  const tensor = (code: number): Fields => ({ tensor_type: { elem_type: code } });
  const types: readonly Fields[] = [
    { tensor_type: { elem_type: 7, shape: { dim: [{ dim_value: 2 }, { dim_param: 'n' }, {}, { dim_value: -1 }] } } },
    { sparse_tensor_type: { elem_type: 1, shape: {} } },
    { sequence_type: { elem_type: tensor(8) } },
    { optional_type: { elem_type: { sequence_type: { elem_type: tensor(1) } } } },
    { map_type: { key_type: 7, value_type: tensor(11) } },
    { opaque_type: { domain: 'd', name: 'n' } },
    { tensor_type: { elem_type: 0 } },
  ];
  const model = read(graphOf([node('Relu', ['x'], ['y'])], { input: [floats('x', 4), ...types.map((type, i) => ({ name: `i${i}`, type }))] }));
  expect(model.graph.inputs.slice(1).map((v) => v.type)).toEqual([
    { kind: 'tensor', dtype: 'int64', dims: [2, 'n', null, null] },
    { kind: 'sparse', dtype: 'float32', dims: [] },
    { kind: 'sequence', of: { kind: 'tensor', dtype: 'string', dims: undefined } },
    { kind: 'optional', of: { kind: 'sequence', of: { kind: 'tensor', dtype: 'float32', dims: undefined } } },
    { kind: 'map', key: 'int64', of: { kind: 'tensor', dtype: 'float64', dims: undefined } },
    { kind: 'opaque', domain: 'd', name: 'n' },
    undefined,
  ]);
});

test('attributes of every kind are read', () => {
  const attribute: Fields[] = [
    { name: 'int', i: -3, type: 2 }, { name: 'large', i: 2n ** 62n, type: 2 }, { name: 'float', f: 0.5, type: 1 }, { name: 'string', s: 'hé', type: 3 },
    { name: 'bytes', s: new Uint8Array([255, 0]), type: 3 }, { name: 'ints', ints: [1, -2], type: 7 }, { name: 'floats', floats: [1.5], type: 6 },
    { name: 'strings', strings: ['a', 'b'], type: 8 }, { name: 'none', type: 7 }, { name: 'untyped', i: 4 }, { name: 'type', tp: { tensor_type: { elem_type: 1 } }, type: 13 },
    { name: 'zero', type: 2 },
  ];
  const [made] = read(graphOf([node('Any', ['x'], ['y'], { domain: 'd', attribute })])).graph.nodes;
  expect(Object.fromEntries(made!.attrs)).toEqual({
    int: { type: 'int', value: -3 }, large: { type: 'int', value: 2n ** 62n }, float: { type: 'float', value: 0.5 }, string: { type: 'string', value: 'hé' },
    bytes: { type: 'string', value: new Uint8Array([255, 0]) }, ints: { type: 'ints', value: [1, -2] }, floats: { type: 'floats', value: [1.5] },
    strings: { type: 'strings', value: ['a', 'b'] }, none: { type: 'ints', value: [] }, untyped: { type: 'int', value: 4 },
    type: { type: 'type', value: { kind: 'tensor', dtype: 'float32', dims: undefined } }, zero: { type: 'int', value: 0 },
  });
});

test('a file without a graph, without a version or without operator sets is no model', () => {
  expect(failure(() => modelFromBytes(proto('ModelProto', { ir_version: 8 }))).code).toBe('not-onnx');
  expect(failure(() => modelFromBytes(proto('ModelProto', { graph: graphOf([node('Relu', ['x'], ['y'])]) }))).code).toBe('not-onnx');
  expect(failure(() => modelFromBytes(proto('ModelProto', { ir_version: 8, graph: graphOf([node('Relu', ['x'], ['y'])]) }))).code).toBe('truncated');
});

test('IR versions 1 and 2 use the first operator set without saying so', () => {
  expect([...modelFromBytes(proto('ModelProto', { ir_version: 2, graph: graphOf([node('Relu', ['x'], ['y'])]) })).opsets]).toEqual([['', 1]]);
});

test('an input that is given out is what the input says', () => {
  const model = parseModel('<ir_version: 10, opset_import: ["" : 21]> g (float[N] x) => (float[M] x) { }');
  expect(model.graph.outputs[0]!.declared).toEqual(tensorType('float32', ['N']));
});

test('types of values that do not exist are dropped', () => {
  const model = read(graphOf([node('Relu', ['x'], ['y'])], { value_info: [floats('gone', 4)] }));
  expect(model.graph.value('gone')).toBeUndefined();
});
