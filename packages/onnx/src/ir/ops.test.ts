import { expect, test } from 'vitest';
import { attr } from './attr.ts';
import { Graph } from './graph.ts';
import { makeOps, type Call, type Ops } from './ops.ts';
import { int64s } from './values.ts';

class Term {
  readonly call: Call<Term> | undefined;
  constructor(call?: Call<Term>) {
    this.call = call;
  }
}

const [a, b, c] = [new Term(), new Term(), new Term()];

function recorder(): { op: Ops<Term>; calls: Call<Term>[] } {
  const calls: Call<Term>[] = [];
  const op = makeOps<Term>((call) => {
    calls.push(call);
    return Array.from({ length: call.outputs }, () => new Term(call));
  });
  return { op, calls };
}

test('a call carries inputs in order and attributes by name', () => {
  const { op, calls } = recorder();
  const y: Term = op.Gemm(a, b, c, { transB: 1, alpha: 0.5 });
  expect(y.call).toBe(calls[0]);
  expect(calls).toEqual([{ domain: '', opType: 'Gemm', inputs: [a, b, c], attrs: { transB: 1, alpha: 0.5 }, outputs: 1 }]);
});

test('optional inputs at the end may be left out before the attributes', () => {
  const { op, calls } = recorder();
  op.Gemm(a, b, { transB: 1 });
  op.Gemm(a, b, undefined, { transB: 1 });
  expect(calls[0]).toEqual(calls[1]);
  expect(calls[0]?.inputs).toEqual([a, b]);
});

test('an optional input in the middle stays a hole', () => {
  const { op, calls } = recorder();
  op.Clip(a, undefined, b);
  expect(calls[0]?.inputs).toEqual([a, undefined, b]);
});

test('a variadic input is a list, after the fixed ones', () => {
  const { op, calls } = recorder();
  op.Concat([a, b], { axis: 1 });
  op.outputs(1).Loop(undefined, a, [b, c], { body: new Graph('body') });
  expect(calls.map((call) => call.inputs)).toEqual([[a, b], [undefined, a, b, c]]);
});

test('attributes given as undefined are not given', () => {
  const { op, calls } = recorder();
  op.Softmax(a, { axis: undefined });
  expect(Object.keys(calls[0]!.attrs)).toEqual([]);
});

test('attributes of another node are taken as they are', () => {
  const { op, calls } = recorder();
  const attrs = new Map([['pads', attr.ints([1, 1, 1, 1])]]);
  op.Conv(a, b, Object.fromEntries(attrs));
  expect(calls[0]?.attrs['pads']).toBe(attrs.get('pads'));
});

test('an operator with several required outputs gives a tuple', () => {
  const { op, calls } = recorder();
  const [values, indices] = op.TopK(a, b);
  expect([values.call, indices.call]).toEqual([calls[0], calls[0]]);
  expect(calls[0]?.outputs).toBe(2);
});

test('outputs(n) gives n results, of any operator and domain', () => {
  const { op, calls } = recorder();
  const [x, y, z] = op.outputs(3).Split(a);
  expect([x, y, z].every((t) => t instanceof Term)).toBe(true);
  const both: readonly [Term, Term] = op.outputs(2).MaxPool(a, { kernel_shape: [2, 2] });
  expect(both.length).toBe(2);
  op.in('com.microsoft').outputs(4).SkipLayerNormalization(a, b, c);
  op.outputs(4).LSTM(a, b, c);
  expect(calls.map((call) => [call.domain, call.outputs])).toEqual([['', 3], ['', 2], ['com.microsoft', 4], ['', 4]]);
});

test('an operator with a list of outputs asks its attributes how many', () => {
  const { op, calls } = recorder();
  op.Split(a, { num_outputs: 3 });
  const body = new Graph('body');
  const x = body.addInitializer('x', int64s([1]));
  body.addOutput(x);
  body.addOutput(x);
  op.If(a, { then_branch: body, else_branch: attr.graph(body) });
  op.Loop(undefined, a, [], { body });
  expect(calls.map((call) => call.outputs)).toEqual([3, 2, 1]);
  expect(() => op.Split(a, b)).toThrow('op.outputs(2).Split');
});

test('other domains are reached by name, and ai.onnx is the empty one', () => {
  const { op, calls } = recorder();
  op.in('com.microsoft').FusedMatMul(a, b, { alpha: 2 });
  op.in('ai.onnx').Relu(a);
  op.call('org.example', 'Anything', [a, undefined], { x: attr.int(1) }, 2);
  expect(calls.map((call) => [call.domain, call.opType, call.inputs.length, call.outputs])).toEqual([['com.microsoft', 'FusedMatMul', 2, 1], ['', 'Relu', 1, 1], ['org.example', 'Anything', 1, 2]]);
});

test('the operators are no promise and nothing but operators', async () => {
  const { op } = recorder();
  expect(await Promise.resolve(op)).toBe(op);
});

test('a constant is a call too', () => {
  const { op, calls } = recorder();
  const tensor = int64s([1, 2]);
  op.constant(tensor);
  expect(calls[0]).toEqual({ domain: '', opType: 'Constant', inputs: [], attrs: { value: tensor }, outputs: 1 });
});

test('what does not exist does not compile', () => {
  const { op } = recorder();
  const wrong = (): void => {
    // @ts-expect-error the name is misspelt
    op.Matmul(a, b);
    // @ts-expect-error an input is missing
    op.MatMul(a);
    // @ts-expect-error a required attribute is missing
    op.Concat([a, b]);
    // @ts-expect-error no such attribute
    op.Gemm(a, b, { transC: 1 });
    // @ts-expect-error of another type
    op.Softmax(a, { axis: 'last' });
    // @ts-expect-error three of two
    const [, , third] = op.outputs(2).Split(a);
    // @ts-expect-error no operator of that domain
    op.in('com.microsoft').Conv(a, b);
    void third;
  };
  expect(wrong).toBeTypeOf('function');
});
