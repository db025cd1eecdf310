import { dtypeOf } from '../../dtype.ts';
import type { ValueType } from '../../types.ts';
import { joinTypes } from '../merge.ts';
import { tensor, unknowns, withDim, type Facts, type Rule, type Rules } from '../facts.ts';

const sequence = (of: ValueType | undefined): ValueType | undefined => of && { kind: 'sequence', of };
const elementOf = (t: ValueType | undefined): ValueType | undefined => (t?.kind === 'sequence' || t?.kind === 'optional' ? t.of : undefined);

/** What a sequence of these elements holds; the element type alone where their ranks differ. */
const together = (all: readonly (ValueType | undefined)[]): ValueType | undefined => all.reduce((a, b) => joinTypes(a, b));

const splitToSequence: Rule = (f) => {
  const dims = f.dims(0);
  const axis = dims && f.axis('axis', 0, dims.length);
  if (!dims || axis === undefined) return sequence(tensor(f.dtype(0), undefined));
  if (!f.has(1)) {
    const one = f.node.int('keepdims', 1) !== 0 ? withDim(dims, axis, 1) : dims.filter((_, i) => i !== axis);
    return sequence(tensor(f.dtype(0), one));
  }
  const size = f.rank(1) === 0 ? f.contents(1)?.[0] : new Set(f.numbers(1) ?? []).size === 1 ? f.numbers(1)?.[0] : undefined;
  const even = typeof size === 'number' && typeof dims[axis] === 'number' && dims[axis] % size === 0;
  return sequence(tensor(f.dtype(0), withDim(dims, axis, even ? size : null)));
};

const concatFromSequence: Rule = (f) => {
  const element = elementOf(f.type(0));
  if (element?.kind !== 'tensor') return undefined;
  const { dims, dtype } = element;
  const fresh = f.node.int('new_axis', 0) !== 0;
  if (!dims) return tensor(dtype, undefined);
  const axis = f.axis('axis', 0, dims.length + (fresh ? 1 : 0));
  if (axis === undefined) return tensor(dtype, unknowns(dims.length + (fresh ? 1 : 0)));
  return tensor(dtype, fresh ? [...dims.slice(0, axis), null, ...dims.slice(axis)] : withDim(dims, axis, null));
};

const emptySequence: Rule = (f) => sequence(tensor(dtypeOf(f.node.int('dtype', 1)), undefined));

const optional: Rule = (f) => {
  const type = f.node.attrs.get('type');
  const of = f.type(0) ?? (type?.type === 'type' ? type.value : undefined);
  return of && { kind: 'optional', of };
};

const inserted = (f: Facts): ValueType | undefined => {
  const of = elementOf(f.type(0));
  return sequence(joinTypes(of, f.type(1)) ?? of);
};

export const SEQUENCE: Rules = {
  SequenceConstruct: (f) => sequence(together(f.node.inputs.map((_, i) => f.type(i)))),
  SequenceEmpty: emptySequence,
  SequenceInsert: inserted,
  SequenceErase: (f) => f.type(0),
  SequenceAt: (f) => elementOf(f.type(0)),
  SequenceLength: () => tensor('int64', []),
  SplitToSequence: splitToSequence,
  ConcatFromSequence: concatFromSequence,
  Optional: optional,
  OptionalHasElement: () => tensor('bool', []),
  OptionalGetElement: (f) => (f.type(0)?.kind === 'optional' ? elementOf(f.type(0)) : f.type(0)),
};
