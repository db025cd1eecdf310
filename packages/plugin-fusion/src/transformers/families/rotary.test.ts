import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { rotaryEmbeddings } from './rotary.ts';

const left = (body: string, { angles = 'float[B, S, 2]', constants = '' } = {}): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 18]> f (float[B, 3, S, 4] x, ${angles} a) => (float[B, 3, S, 4] y) <int64[1] one = {1}, int64[1] two = {2}, int64[2] odd = {1, 3}${constants}> { ${body} }`, rotaryEmbeddings('onnxruntime'));
const TABLES = 'd = Concat <axis = -1> (a, a)  c0 = Cos(d)  s0 = Sin(d)  c = Unsqueeze(c0, one)  s = Unsqueeze(s0, one)';
const TURN = 'm = Mul(x, c)  l, r = Split <axis = 3, num_outputs = 2> (x)  n = Neg(r)  h = Concat <axis = -1> (n, l)  k = Mul(h, s)  y = Add(m, k)';
const turns = (lines: readonly string[]): boolean => lines.at(-1)!.startsWith('y = RotaryEmbedding(x, ');

test('halves that are turned against each other are a rotary embedding, by a table with a row per token', () => {
  const nodes = left(`${TABLES}  ${TURN}`);
  expect(turns(nodes)).toBe(true);
  expect(nodes.map((line) => line.split(' = ')[1]!.split('(')[0])).toEqual(['Shape', 'Gather', 'ReduceProd', 'Range', 'Reshape', 'Cos', 'Reshape', 'Sin', 'Reshape', 'RotaryEmbedding']);
});

test('angles that all batches share begin at row 0', () => {
  expect(turns(left(`${TABLES}  ${TURN}`, { angles: 'float[1, S, 2]' }))).toBe(true);
});

test('look-alikes stay', () => {
  expect(turns(left(`${TABLES}  ${TURN.replace('Neg(r)', 'Neg(l)').replace('(n, l)', '(n, r)')}`))).toBe(false); // the other half
  expect(turns(left(`${TABLES}  ${TURN.replace('(n, l)', '(l, n)')}`))).toBe(false);
  expect(turns(left(`${TABLES}  ${TURN.replace('Split <axis = 3, num_outputs = 2> (x)', 'Split <axis = 3> (x, odd)')}`))).toBe(false); // parts of other sizes
  expect(turns(left(`${TABLES.replace('s0 = Sin(d)', 's0 = Cos(d)')}  ${TURN}`))).toBe(false);
  expect(turns(left(`${TABLES.replaceAll(', one)', ', two)')}  ${TURN}`, { angles: 'float[B, 3, 2]' }))).toBe(false); // an angle per head
  expect(turns(left(`${TABLES}  ${TURN}`, { angles: 'float[C, S, 2]' }))).toBe(false); // of another batch
});

test('the operator of ONNX takes the angles of each token', () => {
  const standard = (opset: number): string[] => applied(`<ir_version: 11, opset_import: ["" : ${opset}]> f (float[B, 3, S, 4] x, float[B, S, 2] a) => (float[B, 3, S, 4] y) <int64[1] one = {1}> { ${TABLES}  ${TURN} }`, rotaryEmbeddings('onnx'));
  expect(standard(23)).toEqual(['cos = Cos(a)', 'sin = Sin(a)', 'y = RotaryEmbedding(x, cos, sin)']);
  expect(standard(22).at(-1)).toBe('y = Add(m, k)');
});
