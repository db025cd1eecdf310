import { inferTypes, nodeRule, parseModel, rewrite, type Node } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { shown } from '../testing/applied.ts';
import { neutralOperand } from './rules/arithmetic.ts';
import { affineIntoWeights } from './rules/linear.ts';
import { transposeToSame } from './rules/transpose.ts';
import { sparing } from './sparing.ts';

function left(text: string, excluded: (node: Node) => boolean): string[] {
  const model = parseModel(text);
  inferTypes(model);
  const rules = [neutralOperand, affineIntoWeights, transposeToSame].map((r) => sparing(r, { model, mayChange: (n) => !excluded(n), excludes: true }));
  rewrite(model, rules);
  return shown(model);
}

test('an excluded node is not rewritten, its neighbours are', () => {
  const text = 'g (float[N] x) => (float[N] y) <float one = {1}> { a = Mul(x, one)  b = Div(a, one)  y = Relu(b) }';
  expect(left(text, (n) => n.is('Mul'))).toEqual(['a = Mul(x, one)', 'y = Relu(a)']);
});

test('an excluded node is not fused into what reads it', () => {
  const text = 'g (float[N, 1, 5] x) => (float[N, 2, 5] y) <float[2, 1, 1] w = {1, 2}, float s = {8}> { a = Conv(x, w)  y = Mul(a, s) }';
  expect(left(text, (n) => n.is('Conv'))).toEqual(['a = Conv(x, w)', 'y = Mul(a, s)']);
  expect(left(text, () => false)).toHaveLength(1);
});

test('an attribute of the caller is not taken for its default', () => {
  const text = `<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[N] x) => (float[N] y) { y = local.f <p = [0]> (x) }
    <domain: "local", opset_import: ["" : 17]> f <p> (a) => (b) { b = Transpose <perm: ints = @p> (a) }`;
  expect(left(text, () => false)).toEqual(['y = f(x)', 'f:', '  b = Transpose(a)']);
});

test('other rules see the same nodes as without it', () => {
  const seen: string[] = [];
  const rule = nodeRule('watch', { apply: (node) => (seen.push(node.opType), 'no') });
  const model = parseModel('g (float[N] x) => (float[N] y) { a = Neg(x)  y = Relu(a) }');
  rewrite(model, [sparing(rule, { model, mayChange: () => true, excludes: false })]);
  expect(seen).toEqual(['Neg', 'Relu']);
});
