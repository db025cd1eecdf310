import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { constantChain } from './constant-chain.ts';

const left = (body: string, { inputs = 'float[N, 2] x', outputs = 'float[N, 2] y' } = {}): string[] =>
  applied(`g (${inputs}) => (${outputs}) <float a = {4}, float b = {0.5}, float[2] r = {1, 2}, float[2, 1] k = {1, 2}, float huge = {1e30}, float tiny = {1e-30}> { ${body} }`, [constantChain]);

test('two factors become one, and so do two summands', () => {
  expect(left('p = Mul(x, a)  y = Mul(b, p)')).toEqual(['y = Mul(x, constant)']);
  expect(left('p = Div(x, r)  y = Mul(p, a)')).toEqual(['y = Mul(x, constant)']);
  expect(left('p = Add(x, r)  y = Sub(p, r)')).toEqual(['y = Add(x, constant)']);
});

test('what differs in kind, shape or readers stays', () => {
  expect(left('p = Mul(x, a)  y = Add(p, b)')).toHaveLength(2);
  expect(left('p = Mul(x, r)  y = Mul(p, k)')).toHaveLength(2);
  expect(left('p = Mul(x, a)  y = Div(b, p)')).toHaveLength(2);
  expect(left('p = Mul(x, a)  y = Mul(p, b)  z = Relu(p)', { outputs: 'float[N, 2] y, float[N, 2] z' })).toHaveLength(3);
  expect(left('p = Mul(x, huge)  y = Mul(p, tiny)')).toHaveLength(2);
});
