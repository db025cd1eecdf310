import { inferTypes, parseModel } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { shown } from '../testing/applied.ts';
import { foldConstants } from './fold-constants.ts';
import { workOn } from './part.ts';

const FILLED = 'g (float[N, 20] x) => (float[N, 20] y) <int64[2] s = {20, 20}> { w = ConstantOfShape <value = float[1] {0.5}> (s)  y = MatMul(x, w) }';

async function left(text: string, extra: number, exclude: readonly string[] = []): Promise<{ nodes: string[]; said: string[] }> {
  const model = parseModel(text);
  inferTypes(model);
  const said: string[] = [];
  await foldConstants(model, extra).run(workOn(model, exclude.map((name) => `op:${name}`), testPassContext({ said })));
  return { nodes: shown(model), said };
}

test('integers and floats that are the same in every run are computed, the floats by the runtime', async () => {
  const { nodes } = await left('g (float[N] x) => (float[N] y, int64[N] z) <float[2] c = {1, 4}, int64 one = {1}> { a = Sqrt(c)  d = ReduceSum(a)  y = Sub(x, d)  i = Add(one, one)  j = Cast <to = 7> (x)  z = Mul(j, i) }', 0);
  expect(nodes).toEqual(['y = Sub(x, d)', 'j = Cast(x)', 'z = Mul(j, i)']);
});

test('a weight that would make the file larger than it may be stays computed, and the reason is told', async () => {
  const { nodes, said } = await left(FILLED, 0);
  expect(nodes).toEqual(['w = ConstantOfShape(s)', 'y = MatMul(x, w)']);
  expect(said.join()).toContain('ConstantOfShape "w" is not folded: the model would grow by 1584 bytes');
});

test('it becomes a constant where it may', async () => {
  expect((await left(FILLED, 2000)).nodes).toEqual(['y = MatMul(x, w)']);
});

test('an excluded node stays computed', async () => {
  expect((await left(FILLED, 2000, ['ConstantOfShape'])).nodes).toHaveLength(2);
});
