import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { transposeFlattened } from './transpose-flattened.ts';

const left = (body: string, x = 'float[B, 2, S, 4]'): string[] =>
  applied(`<ir_version: 8, opset_import: ["" : 18]> g (${x} x) => (y) <int64[3] flat = {-1, 5, 4}, int64[4] back = {0, 2, 4, 5}, int64[4] swapped = {2, -1, 4, 5}, int64[3] mixed = {-1, 4, 5}> { ${body} }`, [transposeFlattened]);
const BODY = 'f = Reshape(x, flat)  t = Transpose <perm = [0, 2, 1]> (f)  y = Reshape(t, back)';
const KNOWN = 'float[3, 2, 5, 4]';

test('axes that are flattened around a Transpose and restored are left alone', () => {
  expect(left(BODY.replace('back', 'whole').replace('y =', 'whole = Constant <value_ints = [3, 2, 4, 5]> ()  y ='), KNOWN)).toContain('y = Transpose(x)');
});

test('look-alikes stay', () => {
  const stays = (body: string, x: string): void => expect(left(body, x).at(-1)).toMatch(/^y = Reshape/);
  stays(BODY.replace('back', 'swapped'), KNOWN); // the axes in front come back in another order
  stays(BODY.replace('flat)', 'mixed)'), KNOWN); // the last two are mixed
  stays(BODY.replace('[0, 2, 1]', '[1, 0, 2]').replace('back', 'flat'), KNOWN); // other axes are swapped
  stays(BODY, 'float[B, 2, S, 4]'); // sizes that are not known
});
