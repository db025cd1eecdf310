import { expect, test } from 'vitest';
import { applied } from '../../testing/applied.ts';
import { castLike, castOfCast, castToSame } from './cast.ts';

const left = (text: string): string[] => applied(text, [castToSame, castOfCast, castLike]);
const [FLOAT, INT8, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE] = [1, 3, 6, 7, 8, 9, 10, 11];
const chain = (from: string, between: number, to: number, result: string): string[] => left(`g (${from}[N] x) => (${result}[N] y) { a = Cast <to = ${between}> (x)  b = Cast <to = ${to}> (a)  y = Identity(b) }`);

test('a cast to the type that is there goes', () => {
  expect(left(`g (float[N] x, float[M] z) => (float[N] y) { a = Cast <to = ${FLOAT}> (x)  b = CastLike(a, z)  y = Relu(b) }`)).toEqual(['y = Relu(x)']);
});

test('CastLike to a known type is a Cast that reads its data alone', () => {
  expect(left('g (int64[N] x, float[M] z) => (float[N] y) { a = CastLike(x, z)  y = Relu(a) }')).toEqual(['a = Cast(x)', 'y = Relu(a)']);
});

test('there and back through a wider type is nothing', () => {
  expect(chain('float16', FLOAT, FLOAT16, 'float16')).toEqual(['y = Identity(x)']);
  expect(chain('int32', INT64, INT32, 'int32')).toEqual(['y = Identity(x)']);
  expect(chain('bool', FLOAT, BOOL, 'bool')).toEqual(['y = Identity(x)']);
});

test('a wider type on the way to another one is left out', () => {
  expect(chain('int32', INT64, DOUBLE, 'double')).toEqual(['b = Cast(x)', 'y = Identity(b)']);
  expect(chain('uint8', INT32, FLOAT, 'float')).toEqual(['b = Cast(x)', 'y = Identity(b)']);
});

test('a type on the way that cannot hold everything rounds or wraps, and stays', () => {
  expect(chain('float', FLOAT16, FLOAT, 'float')).toHaveLength(3);
  expect(chain('int64', INT32, INT64, 'int64')).toHaveLength(3);
  expect(chain('float', INT32, FLOAT, 'float')).toHaveLength(3);
  expect(chain('int32', FLOAT, INT32, 'int32')).toHaveLength(3);
  expect(chain('int8', BOOL, INT8, 'int8')).toHaveLength(3);
  expect(chain('bfloat16', FLOAT16, FLOAT, 'float')).toHaveLength(3);
});

test('a number becomes another text than the same number in a wider type', () => {
  expect(chain('float16', FLOAT, STRING, 'string')).toHaveLength(3);
});

test('the first cast stays where others read it', () => {
  expect(left(`g (int32[N] x) => (float[N] y, int64[N] z) { a = Cast <to = ${INT64}> (x)  y = Cast <to = ${FLOAT}> (a)  z = Neg(a) }`)).toEqual(['a = Cast(x)', 'y = Cast(x)', 'z = Neg(a)']);
});
