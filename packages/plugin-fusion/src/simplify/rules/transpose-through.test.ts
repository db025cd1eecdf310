import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { transposeThrough } from './transpose-through.ts';

const left = (body: string, { outputs = 'float[N, C, H] y', inputs = 'float[N, C, H] x, float[N, C, H] z' } = {}): string[] =>
  applied(`g (${inputs}) => (${outputs}) <float two = {2}, float[1] one = {1}, float[3] row = {1, 2, 3}> { ${body} }`, [transposeThrough]);
const THERE = 'a = Transpose <perm = [0, 2, 1]> (x)';
const BACK = 'Transpose <perm = [0, 2, 1]>';

test('transposes around elementwise operators go', () => {
  expect(left(`${THERE}  b = Relu(a)  c = Mul(b, two)  y = ${BACK} (c)`)).toEqual([expect.stringMatching(/ = Relu\(x\)$/), expect.stringMatching(/^y = Mul\(\w+, two\)$/)]);
  expect(left(`${THERE}  b = Transpose <perm = [0, 2, 1]> (z)  c = Add(a, b)  d = Sub(one, c)  y = ${BACK} (d)`)).toHaveLength(2);
});

test('the back way may be another permutation than the way there', () => {
  expect(left('a = Transpose <perm = [1, 2, 0]> (x)  b = Relu(a)  y = Transpose <perm = [2, 0, 1]> (b)')).toEqual(['y = Relu(x)']);
});

test('transposes that do not undo each other, or in front of something else, stay', () => {
  const stays = (body: string, more?: Parameters<typeof left>[1]): void => expect(left(body, more).filter((line) => line.includes('Transpose')).length).toBeGreaterThan(1);
  stays('a = Transpose <perm = [1, 2, 0]> (x)  b = Relu(a)  y = Transpose <perm = [1, 2, 0]> (b)', { outputs: 'float[H, N, C] y' });
  stays(`${THERE}  b = Relu(a)  y = ${BACK} (b)  w = Neg(b)`, { outputs: 'float[N, C, H] y, float[N, H, C] w' }); // read twice
  stays(`${THERE}  b = Softmax <axis = 1> (a)  y = ${BACK} (b)`); // along an axis
  stays(`a = Transpose <perm = [0, 2, 1]> (x)  b = Add(a, row)  y = ${BACK} (b)`, { inputs: 'float[N, 3, H] x', outputs: 'float[N, 3, H] y' }); // a number per element of an axis
  stays(`${THERE}  b = Relu(a)  y = ${BACK} (b)`, { outputs: 'float[N, C, H] y, float[N, H, C] b' }); // a public value
});
