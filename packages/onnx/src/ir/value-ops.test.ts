import { expect, test } from 'vitest';
import { attr } from './attr.ts';
import { Graph, Value, type Node } from './graph.ts';
import type { Ops } from './ops.ts';
import { MOVED } from './moved.ts';
import { operatorsOf, versionsOf } from './schema.ts';
import type { DType } from './dtype.ts';
import { tensorType, type Dim } from './types.ts';
import { importDomainOf, valueOps } from './value-ops.ts';
import { bigintsOf, float32sOf, int64s, scalar, tensorOf } from './values.ts';

function site(opset: number): { graph: Graph; placed: Node[]; op: Ops<Value>; input(name: string, dims?: readonly Dim[], dtype?: DType): Value } {
  const graph = new Graph('g', new Map([['', opset]]));
  const placed: Node[] = [];
  return { graph, placed, op: valueOps(graph, (node) => placed.push(node)), input: (name, dims, dtype = 'float32') => graph.addInput(new Value(name, { type: tensorType(dtype, dims) })) };
}

const attrsOf = (node: Node | undefined): unknown => Object.fromEntries([...(node?.attrs ?? [])].map(([name, a]) => [name, a.type === 'ref' ? a : a.value]));

test('plain values become attributes of the type that the schema says', () => {
  const { placed, op, input } = site(17);
  op.Gemm(input('a'), input('b'), { transB: 1, alpha: 1 });
  expect([...placed[0]!.attrs]).toEqual([['transB', attr.int(1)], ['alpha', attr.float(1)]]);
});

test('building leaves the graph alone', () => {
  const { graph, placed, op, input } = site(17);
  const x = input('x');
  const before = graph.revision;
  op.Relu(op.Add(x, op.constant(scalar('float32', 1))));
  expect(graph.revision).toBe(before);
  expect(x.useCount).toBe(0);
  expect(placed.map((n) => n.opType)).toEqual(['Constant', 'Add', 'Relu']);
});

test('placed nodes can be added in order', () => {
  const graph = new Graph('g', new Map([['', 17]]));
  const x = graph.addInput(new Value('x', { type: tensorType('float32', [2]) }));
  const op = valueOps(graph, (node) => void graph.add(node));
  graph.addOutput(op.Unsqueeze(op.Relu(x), op.constant(int64s([0]))));
  expect([...graph.nodes].map((n) => n.opType)).toEqual(['Relu', 'Constant', 'Unsqueeze']);
});

test('a constant knows its type', () => {
  const { op } = site(17);
  const c = op.constant(int64s([1, 2]));
  expect(c.type).toEqual(tensorType('int64', [2]));
  expect(bigintsOf(c.constant!)).toEqual(BigInt64Array.of(1n, 2n));
});

test('an operator that is too new says which opset has it', () => {
  const { op, input } = site(17);
  expect(() => op.Gelu(input('x'))).toThrow('Gelu needs opset 20, the model has 17');
});

test('an operator that does not exist is named, and one that is written otherwise is proposed', () => {
  const { op, input } = site(17);
  expect(() => op.call('', 'Matmul', [input('x')])).toThrow('There is no operator "Matmul" in ai.onnx. Did you mean "MatMul"?');
});

test('a deprecated operator is refused', () => {
  const { op, input } = site(17);
  expect(() => op.Upsample(input('x'), op.constant(tensorOf('float32', [1], [2])))).toThrow('deprecated since opset 10');
});

test('an unknown attribute, a missing input and a wrong kind are refused', () => {
  const { op, input } = site(17);
  const x = input('x');
  expect(() => op.call('', 'Relu', [x], { slope: attr.int(1) })).toThrow('Relu has no attribute "slope". There are: none.');
  expect(() => op.call('', 'MatMul', [x])).toThrow('needs input "B"');
  expect(() => op.call('', 'Concat', [x])).toThrow('needs attribute "axis"');
  expect(() => op.call('', 'Softmax', [x], { axis: 0.5 })).toThrow('Attribute "axis" of Softmax is int, and 0.5 is not');
  expect(() => op.call('', 'Relu', [x, x])).toThrow('1 inputs at most');
});

test('a constant input becomes the attribute it was before', () => {
  const { placed, op, input } = site(11);
  op.Squeeze(input('x'), op.constant(int64s([0, 2])));
  expect(attrsOf(placed.at(-1))).toEqual({ axes: [0, 2] });
  expect(placed.at(-1)?.inputs.length).toBe(1);
});

test('an input that is not constant cannot become an attribute', () => {
  const { op, input } = site(11);
  expect(() => op.Squeeze(input('x'), input('axes', [1], 'int64'))).toThrow('has no input "axes", only a fixed value for it, and "axes" is not constant');
});

test('an attribute becomes the constant input it is now', () => {
  const { placed, op, input } = site(18);
  op.call('', 'ReduceMean', [input('x')], { axes: [-1], keepdims: 0 });
  expect(placed.map((n) => n.opType)).toEqual(['Constant', 'ReduceMean']);
  expect(bigintsOf(placed[1]!.inputs[1]!.constant!)).toEqual(BigInt64Array.of(-1n));
  expect(attrsOf(placed[1])).toEqual({ keepdims: 0 });
});

test('ReduceSum took its axes as an input five opsets before the others', () => {
  for (const [opset, sum, mean] of [[12, 1, 1], [13, 2, 1], [17, 2, 1], [18, 2, 2]] as const) {
    const { op, input } = site(opset);
    const [x, axes] = [input('x'), op.constant(int64s([0]))];
    expect([op.ReduceSum(x, axes), op.ReduceMean(x, axes)].map((v) => v.producer!.inputs.length), `opset ${opset}`).toEqual([sum, mean]);
  }
});

test('an attribute and an input at once are refused', () => {
  const { op, input } = site(13);
  expect(() => op.call('', 'Squeeze', [input('x'), op.constant(int64s([0]))], { axes: [0] })).toThrow('as an attribute and as an input');
});

test('Clip bounds take the type of what is clipped', () => {
  const { placed, op, input } = site(13);
  op.call('', 'Clip', [input('x', [2], 'float16')], { max: 6 });
  expect(placed[1]!.inputs.map((v) => v?.type)).toEqual([tensorType('float16', [2]), undefined, tensorType('float16', [])]);
  const old = site(6);
  old.op.Clip(old.input('x'), undefined, old.op.constant(scalar('float32', 6)));
  expect(attrsOf(old.placed.at(-1))).toEqual({ max: 6 });
});

test('Slice, Pad and TopK are written for old opsets', () => {
  const { placed, op, input } = site(9);
  const x = input('x', [4, 4]);
  op.Slice(x, op.constant(int64s([0])), op.constant(int64s([2])), op.constant(int64s([1])), op.constant(int64s([1])));
  op.Pad(x, op.constant(int64s([0, 1, 0, 1])), op.constant(scalar('float32', 2)));
  op.TopK(x, op.constant(int64s([3])));
  expect(placed.filter((n) => n.opType !== 'Constant').map((n) => [n.opType, n.inputs.length, attrsOf(n)])).toEqual([
    ['Slice', 1, { starts: [0], ends: [2], axes: [1] }],
    ['Pad', 1, { pads: [0, 1, 0, 1], value: 2 }],
    ['TopK', 1, { k: 3 }],
  ]);
  expect(() => op.Slice(x, op.constant(int64s([0])), op.constant(int64s([2])), undefined, op.constant(int64s([2])))).toThrow('steps of 1 only');
});

test('Split is written for every opset', () => {
  const sizes = (opset: number): unknown => {
    const { placed, op, input } = site(opset);
    op.outputs(3).Split(input('x', [2, 7]), { axis: 1, num_outputs: 3 });
    const node = placed.at(-1)!;
    const split = node.inputs[1]?.constant;
    return [node.inputs.length, attrsOf(node), split && [...bigintsOf(split)]];
  };
  expect(sizes(18)).toEqual([1, { axis: 1, num_outputs: 3 }, undefined]);
  expect(sizes(13)).toEqual([2, { axis: 1 }, [3n, 3n, 1n]]);
  expect(sizes(11)).toEqual([1, { axis: 1, split: [3, 3, 1] }, undefined]);
});

test('a Split that leaves nothing for its last part is refused', () => {
  const { op, input } = site(13);
  expect(() => op.Split(input('x', [5]), { num_outputs: 4 })).toThrow('cannot make 4 parts of 5');
});

test('from opset 18 a Split without sizes says its number of outputs', () => {
  const { placed, op, input } = site(18);
  op.outputs(2).Split(input('x'));
  expect(attrsOf(placed[0])).toEqual({ num_outputs: 2 });
});

test('Gemm without a bias gets a zero one before opset 11', () => {
  const { placed, op, input } = site(10);
  op.Gemm(input('a', [2, 2], 'float64'), input('b', [2, 2], 'float64'));
  expect(placed.at(-1)?.inputs[2]?.type).toEqual(tensorType('float64', [1]));
});

test('Softmax keeps its meaning before opset 13, or is refused', () => {
  const { placed, op, input } = site(11);
  const x = input('x', [2, 3, 4]);
  op.Softmax(x);
  op.Softmax(x, { axis: 2 });
  expect(placed.map(attrsOf)).toEqual([{ axis: -1 }, { axis: 2 }]);
  expect(() => op.Softmax(x, { axis: 1 })).toThrow('raise the model\'s opset to 13');
  const old = site(9);
  old.op.Softmax(old.input('x', [2, 3, 4]));
  expect(attrsOf(old.placed[0])).toEqual({ axis: 2 });
  expect(() => old.op.Softmax(old.input('y'))).toThrow('rank of "y" is not known');
});

test('attributes that a version lacks go when they say what it does anyway', () => {
  const { placed, op, input } = site(13);
  op.Reshape(input('x'), op.constant(int64s([-1])), { allowzero: 0 });
  expect(attrsOf(placed.at(-1))).toEqual({});
  expect(() => op.Reshape(input('y'), op.constant(int64s([-1])), { allowzero: 1 })).toThrow('Reshape of opset 13 has no attribute "allowzero": it came with opset 14.');
});

test('inputs that a version lacks are refused with the opset that has them', () => {
  const { op, input } = site(13);
  expect(() => op.Pad(input('x'), input('p', [2], 'int64'), undefined, input('axes', [1], 'int64'))).toThrow('Pad of opset 13 has no input "axes": it came with opset 18.');
});

test('Dropout before opset 12 has a fixed ratio and no training mode', () => {
  const { placed, op, input } = site(11);
  op.Dropout(input('x'), op.constant(scalar('float32', 0.25)), op.constant(tensorOf('bool', [], [0])));
  expect(attrsOf(placed.at(-1))).toEqual({ ratio: 0.25 });
  expect(() => op.Dropout(input('y'), undefined, op.constant(tensorOf('bool', [], [1])))).toThrow('no training mode');
});

test('Resize of opset 11 has every input, and of opset 10 only scales', () => {
  const at11 = site(11);
  at11.op.Resize(at11.input('x'), undefined, undefined, at11.op.constant(int64s([1, 1, 8, 8])));
  expect(at11.placed.at(-1)?.inputs.map((v) => v?.dims)).toEqual([undefined, [0], [0], [4]]);
  const at10 = site(10);
  const scales = at10.op.constant(tensorOf('float32', [2], [1, 2]));
  at10.op.Resize(at10.input('x'), undefined, scales, { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' });
  expect(at10.placed.at(-1)?.inputs[1]).toBe(scales);
  expect(() => at10.op.Resize(at10.input('y'), undefined, scales)).toThrow('always has coordinate_transformation_mode = "asymmetric"');
});

test('a Constant of plain numbers becomes a tensor before opset 12', () => {
  const { op } = site(11);
  const c = op.Constant({ value_floats: [0.5, 2] });
  expect(attrsOf(c.producer)).toHaveProperty('value');
  expect(float32sOf(c.constant!)).toEqual(Float32Array.of(0.5, 2));
});

test('broadcasting is spelled out before opset 7', () => {
  const { placed, op, input } = site(6);
  op.Add(input('x', [2, 3]), input('bias', [3]));
  op.Add(input('y', [2, 3]), input('z', [2, 3]));
  expect(placed.map(attrsOf)).toEqual([{ broadcast: 1 }, {}]);
  expect(() => op.Add(input('b', [3]), input('w', [2, 3]))).toThrow('Swap the inputs');
});

test('every parameter that moved between attributes and inputs is known', () => {
  const moved = operatorsOf('').flatMap((opType) => {
    const versions = versionsOf('', opType);
    const newest = versions.at(-1)!;
    const gone = new Set(versions.flatMap((v) => [...v.attributes.keys()]).filter((name) => !newest.attributes.has(name)));
    return newest.inputs.filter((p) => gone.has(p.name) || gone.has(p.name.toLowerCase())).map((p) => `${opType}.${p.name.toLowerCase()}`);
  });
  const handled = Object.entries(MOVED).flatMap(([opType, list]) => list.map((m) => `${opType}.${m.attr}`));
  expect(handled.filter((name) => name !== 'Pad.value').sort()).toEqual(moved.sort()); // Pad's value is called constant_value as an input
});

test('an operator of a domain without schemas is built as it is written', () => {
  const { placed, op, input } = site(17);
  const [x, y] = op.call('org.example', 'Blur', [input('x')], { radius: attr.float(2), mode: 'box' }, 2);
  expect([x, y]).toEqual(placed[0]?.outputs);
  expect([...placed[0]!.attrs]).toEqual([['radius', attr.float(2)], ['mode', attr.string('box')]]);
  expect(() => op.call('org.example', 'Blur', [], { radius: 2 })).toThrow('attr.int');
});

test('the domain of an installed node can be imported', () => {
  const { graph, op, input } = site(17);
  const y = op.in('com.microsoft').FusedMatMul(input('a'), input('b'));
  expect(graph.opsets.has('com.microsoft')).toBe(false);
  importDomainOf(y.producer!, graph);
  expect(graph.opsets.get('com.microsoft')).toBe(1);
});

test('a Loop has places for its count and condition even when both are left out', () => {
  const { graph, placed, op } = site(17);
  const body = new Graph('body', graph.opsets);
  body.addOutput(body.addInitializer('go', tensorOf('bool', [], [0])));
  body.addOutput(body.outputs[0]!);
  op.Loop(undefined, undefined, [], { body });
  expect(placed[0]?.inputs).toEqual([undefined, undefined]);
  expect(() => op.Concat([], { axis: 0 })).toThrow('needs 1 inputs, not 0');
});

test('a graph without an opset of ai.onnx cannot say what to build', () => {
  const op = valueOps(new Graph('body'), () => undefined);
  expect(() => op.constant(int64s([1]))).toThrow('says no opset of ai.onnx');
});
