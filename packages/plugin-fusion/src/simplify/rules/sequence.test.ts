import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { partOfSequence } from './sequence.ts';

const C = 'int64 two = {2}, int64[2] sizes = {1, 3}, int64 zero = {0}, int64 one = {1}, int64 last = {-1}';
const left = (body: string, { inputs = 'float[N, 4] x', outputs = 'float[] y, float[] z' } = {}): string[] => applied(`g (${inputs}) => (${outputs}) <${C}> { ${body} }`, [partOfSequence]);

test('parts of a split tensor need no sequence', () => {
  const nodes = left('s = SplitToSequence <axis = 1> (x, two)  y = SequenceAt(s, zero)  z = SequenceAt(s, last)');
  expect(nodes).toEqual([expect.stringMatching(/^y, \w* = Split\(x, \w+\)$/), expect.stringMatching(/^\w*, z = Split\(x, \w+\)$/)]);
  expect(left('s = SplitToSequence <axis = 1> (x, sizes)  y = SequenceAt(s, zero)  z = SequenceAt(s, one)', { inputs: 'float[N, K] x' })[0]).toMatch(/^y, \w* = Split\(x, \w+\)$/);
});

test('parts without the axis are elements', () => {
  expect(left('s = SplitToSequence <axis = 1, keepdims = 0> (x)  y = SequenceAt(s, one)  z = Relu(x)')).toEqual(['y = Gather(x, constant)', 'z = Relu(x)']);
});

test('sequences of unknown parts, and those read as a whole, stay', () => {
  const stays = (body: string, more?: Parameters<typeof left>[1]): void => expect(left(body, more).some((line) => line.includes('SplitToSequence'))).toBe(true);
  stays('s = SplitToSequence <axis = 1> (x, two)  y = SequenceAt(s, zero)  z = SequenceAt(s, one)', { inputs: 'float[N, K] x' });
  stays('s = SplitToSequence <axis = 1> (x, two)  y = SequenceAt(s, i)  z = Relu(x)', { inputs: 'float[N, 4] x, int64 i' });
  stays('s = SplitToSequence <axis = 1> (x, two)  y = SequenceAt(s, zero)  z = SequenceLength(s)', { outputs: 'float[] y, int64 z' });
});
