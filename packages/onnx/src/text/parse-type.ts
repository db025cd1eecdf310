import { OnnxError } from '../error.ts';
import { dtypeOfText, DTYPES, textOf, type DType } from '../ir/dtype.ts';
import { tensorType, type Dim, type ValueType } from '../ir/types.ts';
import type { Scanner } from './scanner.ts';

/** Types nest no deeper in anything that computes. */
const DEEPEST = 64;

/**
 * A type: `float[N, 3]`, `float[]` of unknown rank, `float` a scalar, `seq(…)`, `map(int64, …)`, `optional(…)`, `sparse_tensor(float[3])`,
 * `opaque(domain, name)`.
 */
export function parseType(s: Scanner, depth = 0): ValueType {
  if (depth > DEEPEST) throw new OnnxError('too-deep', `A type is nested more than ${DEEPEST} deep. No operator takes such a value.`);
  const start = s.at;
  const word = s.word();
  const dtype = dtypeOfText(word);
  if (dtype) return tensorType(dtype, parseShape(s));
  switch (word) {
    case 'seq':
    case 'optional':
      return inParentheses(s, () => ({ kind: word === 'seq' ? 'sequence' : 'optional', of: parseType(s, depth + 1) }));
    case 'map':
      return inParentheses(s, () => {
        const key = elementType(s);
        s.expect(',');
        return { kind: 'map', key, of: parseType(s, depth + 1) };
      });
    case 'sparse_tensor':
      return inParentheses(s, () => ({ kind: 'sparse', dtype: elementType(s), dims: parseShape(s) }));
    case 'opaque':
      return inParentheses(s, () => opaque(s));
    default:
      s.fail('a type, as float[N, 3] or seq(string)', start);
  }
}

function elementType(s: Scanner): DType {
  const start = s.at;
  return dtypeOfText(s.word()) ?? s.fail(`an element type (${DTYPES.map(textOf).join(', ')})`, start);
}

/** What stands in brackets; nothing in them is an unknown rank, and no brackets are a scalar. */
function parseShape(s: Scanner): readonly Dim[] | undefined {
  if (!s.takes('[')) return [];
  if (s.takes(']')) return undefined;
  const dims = s.list(() => parseDim(s));
  s.expect(']', '"," or ');
  return dims;
}

function parseDim(s: Scanner): Dim {
  if (s.takes('?')) return null;
  return s.optionalName() ?? s.integer('a size, a name, or ?');
}

function opaque(s: Scanner): ValueType {
  const first = s.peek() === ')' ? '' : qualified(s);
  return s.takes(',') ? { kind: 'opaque', domain: first, name: s.name('the name of an opaque type') } : { kind: 'opaque', domain: '', name: first };
}

function qualified(s: Scanner): string {
  const parts = [s.name('a name')];
  while (s.takes('.')) parts.push(s.name('a name'));
  return parts.join('.');
}

function inParentheses(s: Scanner, read: () => ValueType): ValueType {
  s.expect('(');
  const type = read();
  s.expect(')');
  return type;
}
