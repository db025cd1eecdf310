import { expect, test } from 'vitest';
import { after } from '../testing/applied.ts';
import { loopOnce } from './loop-once.ts';

const C = 'int64 one = {1}, int64 two = {2}, bool yes = {1}, bool no = {0}';
const BODY = 'b (int64 i, bool c, float[2] v) => (bool d, float[2] r, float[2] o) { d = Identity(c)  r = Neg(v)  o = Add(v, x) }';
const left = (count: string, condition: string, inputs = ''): Promise<string[]> => after(`<ir_version: 8, opset_import: ["" : 17]> g (float[2] x${inputs}) => (float[2] y, float[K, 2] z) <${C}> { y, z = Loop (${count}, ${condition}, x) <body = ${BODY}> }`, loopOnce);

test('a body that runs once stands in place of the loop', async () => {
  for (const condition of ['yes', '']) expect(await left('one', condition)).toEqual(expect.arrayContaining(['y = Neg(x)', 'o = Add(x, x)', expect.stringMatching(/^z = Unsqueeze\(o, \w+\)$/)]));
});

test('a loop that runs more often, or perhaps not at all, stays', async () => {
  expect((await left('two', 'yes'))[0]).toMatch(/Loop/);
  expect((await left('one', 'no'))[0]).toMatch(/Loop/);
  expect((await left('one', 'k', ', bool k'))[0]).toMatch(/Loop/);
  expect((await left('n', 'yes', ', int64 n'))[0]).toMatch(/Loop/);
});
