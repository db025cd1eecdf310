import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { expandBeforeSpreading } from './spread.ts';

const left = (body: string, inputs = 'bool[B, 1, 1, T] m, float[B, H, S, T] x'): string[] => applied(`g (${inputs}) => (float[] y) <float low = {-9}> { ${body} }`, [expandBeforeSpreading]);

test('what is expanded to the shape of another input is spread over it', () => {
  expect(left('s = Shape(x)  e = Expand(m, s)  y = Where(e, low, x)')).toEqual(['y = Where(m, low, x)']);
  expect(left('s = Shape(x)  e = Expand(b, s)  y = Add(e, x)', 'float[T] b, float[S, T] x')).toEqual(['y = Add(b, x)']);
});

test('what alone has the shape of the result stays', () => {
  expect(left('s = Shape(x)  e = Expand(m, s)  y = Where(e, low, low)')).toHaveLength(3);
  expect(left('s = Shape(x)  e = Expand(b, s)  y = Add(e, c)', 'float[1, T] b, float[S, T] x, float[1, T] c')).toHaveLength(3);
  expect(left('e = Expand(b, s)  y = Add(e, x)', 'float[1, T] b, float[S, T] x, int64[K] s')).toHaveLength(2);
});
