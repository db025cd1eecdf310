import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OnnxError } from '../error.ts';
import { BYTES_LIMIT } from '../ir/tensor.ts';
import { failure } from '../testing/failure.ts';
import { floats, graphOf, modelProto, node, proto, type Fields } from '../testing/proto.ts';
import { Encoder } from '../wire/writer.ts';
import { modelFromBytes } from './read.ts';
import { modelBytes } from './write.ts';

const inner = (name: string): Fields => ({ node: [node('Add', ['x', 'w'], [name])], name, output: [floats(name, 4)] });

/** A model with something of everything. */
const WHOLE = modelProto(
  graphOf(
    [
      node('Relu', ['x'], ['r'], { name: 'first', doc_string: 'doc' }),
      node('If', ['c'], ['i'], { attribute: [{ name: 'then_branch', g: inner('p'), type: 5 }, { name: 'else_branch', g: inner('q'), type: 5 }] }),
      node('Constant', [], ['k'], { attribute: [{ name: 'value', t: { dims: [3], data_type: 7, int64_data: [1, 300, -5] }, type: 4 }] }),
      node('f', ['r', 'i'], ['y'], { domain: 'local', attribute: [{ name: 'ints', ints: [1, 2, 3], type: 7 }, { name: 'text', s: 'hello', type: 3 }] }),
    ],
    {
      input: [floats('x', 'N', 4), { name: 'c', type: { tensor_type: { elem_type: 9 } } }],
      initializer: [{ dims: [4], data_type: 1, name: 'w', raw_data: new Uint8Array(16) }, { dims: [2], data_type: 8, name: 's', string_data: ['ab', 'cde'] }],
      sparse_initializer: [{ values: { dims: [1], data_type: 1, name: 'z', float_data: [1] }, indices: { dims: [1], data_type: 7, int64_data: [2] }, dims: [4] }],
      value_info: [floats('r', 'N', 4)],
    },
  ),
  {
    metadata_props: [{ key: 'k', value: 'v' }],
    functions: [{ name: 'f', domain: 'local', input: ['a', 'b'], output: ['o'], node: [node('Add', ['a', 'b'], ['o'])], opset_import: [{ domain: '', version: 21 }] }],
  },
);

/** Reads the model and all its numbers, and writes it. Anything but an OnnxError fails the test. */
function survive(bytes: Uint8Array): OnnxError | undefined {
  try {
    const model = modelFromBytes(bytes);
    for (const value of model.graph.initializers.values()) if (value.constant.byteLength <= BYTES_LIMIT / 1024) value.constant.bytes();
    modelBytes(model);
    return undefined;
  } catch (error) {
    if (error instanceof OnnxError) return error;
    throw error;
  }
}

test('the whole model is read', () => {
  expect(survive(WHOLE)).toBeUndefined();
});

test('a model that ends too early is refused, wherever it ends', () => {
  const places = Array.from({ length: 200 }, (_, i) => Math.floor((i * WHOLE.length) / 200));
  const through = places.filter((place) => survive(WHOLE.subarray(0, place)) === undefined);
  expect(through.length).toBeLessThanOrEqual(1); // the file may end between two fields behind the operator sets, and nobody can know
  for (const place of places) expect(survive(WHOLE.subarray(0, place))?.message ?? '').not.toContain('undefined');
});

test('a model that ends within its graph says that it is incomplete', () => {
  expect(survive(WHOLE.subarray(0, 300))?.code).toBe('truncated');
});

test('bytes that are changed anywhere are read or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(WHOLE.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = WHOLE.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      survive(bytes);
    }),
    { numRuns: 1500, seed: 7 },
  );
});

test('parts that are cut out or doubled are read or refused', () => {
  fc.assert(
    fc.property(fc.nat(WHOLE.length), fc.nat(60), fc.boolean(), (at, length, twice) => {
      survive(Buffer.concat([WHOLE.subarray(0, twice ? at + length : at), WHOLE.subarray(twice ? at : at + length)]));
    }),
    { numRuns: 800, seed: 8 },
  );
});

test('random bytes are no model', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
      expect(survive(bytes)).toBeInstanceOf(OnnxError);
    }),
    { numRuns: 500, seed: 9 },
  );
});

test('a shape that asks for more memory than there is costs none', () => {
  const shapes: readonly Fields[] = [
    { dims: [2n ** 50n], data_type: 1, raw_data: new Uint8Array(4) },
    { dims: [2n ** 40n, 2n ** 40n], data_type: 1, float_data: [1] },
    { dims: [2 ** 30], data_type: 7, int64_data: [1] },
    { dims: [2 ** 30], data_type: 8, string_data: ['a'] },
  ];
  for (const shape of shapes) {
    const before = process.memoryUsage().arrayBuffers;
    expect(failure(() => modelFromBytes(modelProto(graphOf([node('Relu', ['x'], ['y'])], { initializer: [{ name: 'w', ...shape }] })))).message).toContain('"w"');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24); // windows over the source, not tensors
  }
});

test('a sparse tensor with an absurd shape costs nothing until it is read', () => {
  const sparse: Fields = { values: { name: 'w', dims: [1], data_type: 1, float_data: [5] }, indices: { dims: [1], data_type: 7, int64_data: [2n ** 40n] }, dims: [2n ** 45n] };
  const tensor = modelFromBytes(modelProto(graphOf([node('Relu', ['x'], ['y'])], { sparse_initializer: [sparse] }))).graph.initializers.get('w')!.constant;
  expect(failure(() => tensor.bytes()).code).toBe('too-large');
});

test('graphs within graphs beyond reason are refused', () => {
  const out = new Encoder();
  const nest = (depth: number): void => {
    if (depth > 0) out.message(1, () => out.message(5, () => out.message(6, () => nest(depth - 1)))); // node, attribute, graph
  };
  out.int(1, 10);
  out.message(7, () => nest(60));
  expect(failure(() => modelFromBytes(out.toBytes())).code).toBe('too-deep');
});

test('types within types beyond reason are refused', () => {
  let type: Fields | Uint8Array = proto('TypeProto', { tensor_type: { elem_type: 1 } });
  for (let i = 0; i < 120; i++) type = proto('TypeProto', { sequence_type: { elem_type: type } });
  expect(failure(() => modelFromBytes(modelProto(graphOf([node('Relu', ['x'], ['y'])], { value_info: [{ name: 'y', type }] })))).code).toBe('too-deep');
});

test('a chain of many nodes in reverse order is put in order', () => {
  const count = 20_000;
  const chain = Array.from({ length: count }, (_, i) => node('Relu', [i === 0 ? 'x' : `v${i - 1}`], [i === count - 1 ? 'y' : `v${i}`])).reverse();
  expect(modelFromBytes(modelProto(graphOf(chain))).graph.nodeCount).toBe(count);
});

test('many unknown fields take as long as they are', () => {
  const unknown = new Uint8Array(3 * 200_000).fill(0).map((_, i) => [0xb8, 0x3e, 1][i % 3]!); // field 999, a varint
  const bytes = modelProto(graphOf([node('Relu', ['x'], ['y'])], { unknown }));
  expect(modelFromBytes(bytes).graph.notes?.extra?.length).toBe(unknown.length);
});
