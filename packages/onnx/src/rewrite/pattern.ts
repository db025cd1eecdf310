import { OnnxError } from '../error.ts';
import type { AttrInput } from '../ir/attr-input.ts';
import type { Attr } from '../ir/attr.ts';
import type { DType } from '../ir/dtype.ts';
import type { Constant, Value } from '../ir/graph.ts';
import type { DomainOps } from '../ir/ops.gen.ts';
import { makeOps, type Ops } from '../ir/ops.ts';

/** What a value must be. Where the model does not tell, the value does not fit. */
export interface Demand {
  readonly rank?: number;
  readonly dtype?: DType | readonly DType[];
  /** Sizes by position; null is any size. */
  readonly dims?: readonly (number | null)[];
}

export interface ConstantDemand extends Demand {
  /** One element, whatever the rank: this number, as near as the element type can tell, or with `true` any. */
  readonly scalar?: number | true;
  /** All elements in order, as near as the element type can tell. */
  readonly value?: readonly number[];
}

/** A place for a value. T is what `where` and `build` find there. */
export class ValueHole<T extends Value | undefined = Value | undefined> {
  readonly wants: 'value' | 'constant';
  readonly demand: ConstantDemand;
  readonly optional: boolean;
  declare readonly yields: T;

  constructor(wants: 'value' | 'constant', demand: ConstantDemand, optional: boolean) {
    this.wants = wants;
    this.demand = demand;
    this.optional = optional;
  }
}

/** A place for all further inputs of a node. */
export class ListHole {
  readonly demand: Demand;
  declare readonly yields: readonly Value[];

  constructor(demand: Demand) {
    this.demand = demand;
  }
}

/** A place for an attribute. In `match` it passes for a T, so that it stands where the attribute would. */
export class AttributeHole<T = unknown> {
  readonly type: 'int' | 'ints' | 'float' | 'string' | 'any';
  /** What stands for an attribute that is neither given nor has a default; undefined: it must be there. */
  readonly absent: { readonly absent: T } | undefined;
  declare readonly yields: T;

  constructor(type: AttributeHole['type'], absent: { readonly absent: T } | undefined) {
    this.type = type;
    this.absent = absent;
  }

  /** A hole is no number yet, whatever its type in `match` says. */
  [Symbol.toPrimitive](): never {
    throw new OnnxError('bad-edit', 'An attribute that a rule declares has no value in `match`. Compute with it in `where` or `build`.');
  }
}

export type Hole = ValueHole | ListHole | AttributeHole;

/** A call of one of several operators, with patterns as inputs. Stands for one node, however often its outputs occur. */
export class CallPattern {
  /** As `operatorKey` gives them. */
  readonly operators: ReadonlySet<string>;
  readonly inputs: readonly (Pattern | undefined)[];
  readonly attrs: ReadonlyMap<string, AttrInput | AttributeHole>;
  /** Those of the attributes that are holes. */
  readonly holes: readonly (readonly [string, AttributeHole])[];
  /** How many outputs the pattern speaks of. */
  readonly outputs: number;
  /** Whether attributes that are not mentioned may be anything, rather than absent or as by default. */
  readonly anyAttributes: boolean;

  constructor(operators: Iterable<string>, inputs: readonly (Pattern | undefined)[], attrs: Readonly<Record<string, AttrInput>>, outputs: number, anyAttributes = false) {
    this.operators = new Set(operators);
    this.inputs = inputs;
    this.attrs = new Map(Object.entries(attrs));
    this.holes = [...this.attrs].flatMap(([name, a]) => (a instanceof AttributeHole ? [[name, a] as const] : []));
    this.outputs = outputs;
    this.anyAttributes = anyAttributes;
  }
}

/** One output of a call. */
export class OutputPattern {
  readonly call: CallPattern;
  readonly index: number;

  constructor(call: CallPattern, index: number) {
    this.call = call;
    this.index = index;
  }
}

export class OneOf {
  readonly choices: readonly Pattern[];

  constructor(choices: readonly Pattern[]) {
    this.choices = choices;
  }
}

export class Named {
  readonly hole: ValueHole;
  readonly pattern: Pattern;

  constructor(hole: ValueHole, pattern: Pattern) {
    this.hole = hole;
    this.pattern = pattern;
  }
}

export class Kept {
  readonly pattern: Pattern;

  constructor(pattern: Pattern) {
    this.pattern = pattern;
  }
}

/** What a value may look like. Made by the functions below and by calls of operators; classes, so that a plain object is always a bag of attributes. */
export type Pattern = ValueHole | ListHole | OutputPattern | OneOf | Named | Kept;

/** Any value that is as demanded; one hole in two places is the same value twice. One that nobody asks for later can stand in the pattern without a name. */
export const value = (demand: Demand = {}): ValueHole<Value> => new ValueHole<Value>('value', demand, false);

/** A value whose numbers are known. */
export const constant = (demand: ConstantDemand = {}): ValueHole<Constant> => new ValueHole<Constant>('constant', demand, false);

/** An input that may be missing; what is there must be as demanded. Also a value that only some forms of the pattern have. */
export const optional = <T extends Value | undefined>(hole: ValueHole<T>): ValueHole<T | undefined> => new ValueHole<T | undefined>(hole.wants, hole.demand, true);

/** All further inputs, none included: the last one in a list, `op.Concat([first, rest], { axis })`. */
export const values = (demand: Demand = {}): ListHole => new ListHole(demand);

/**
 * Attributes that a match captures. One that the node does not give has the operator's default at the model's opset, or else what `absent` says;
 * without either the node does not fit. `any` captures the attribute as it is, to be handed on.
 */
export const attribute = {
  int: hole<number>('int'),
  ints: hole<readonly number[]>('ints'),
  float: hole<number>('float'),
  string: hole<string>('string'),
  any: (): AttributeHole<Attr | undefined> => new AttributeHole<Attr | undefined>('any', { absent: undefined }),
} as const;

interface AttributeHoles<T> {
  (): AttributeHole<T>;
  <A extends T | undefined>(or: { readonly absent: A }): AttributeHole<T | A>;
}

function hole<T>(type: AttributeHole['type']): AttributeHoles<T> {
  return <A extends T | undefined>(or?: { readonly absent: A }): AttributeHole<T | A> => new AttributeHole<T | A>(type, or);
}

/** The first of these that fits; the others are tried where the rest of the rule does not go with it. */
export const oneOf = (...choices: readonly Pattern[]): Pattern => new OneOf(choices);

/** The pattern, and its value for `where` and `build` under the variable's name. */
export const named = (hole: ValueHole<Value> | ValueHole<Constant> | ValueHole, pattern: Pattern): Pattern => new Named(hole, pattern);

/** The pattern, whose value may also be read outside the match: its node stays then. */
export const kept = (pattern: Pattern): Pattern => new Kept(pattern);

/** An operator with its domain: "Relu", "com.microsoft.Gelu". */
export type OperatorName = { [D in keyof DomainOps<object>]: D extends 'ai.onnx' ? keyof DomainOps<object>[D] & string : `${D}.${keyof DomainOps<object>[D] & string}` }[keyof DomainOps<object>] | `${string}.${string}`;

/** The name under which rules are filed: "Relu", "com.microsoft.Gelu". */
export const operatorKey = (domain: string, opType: string): string => (domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`);

/** One of several operators over the same inputs. */
export const anyOf = (operators: readonly OperatorName[], inputs: readonly (Pattern | undefined)[], attrs: Readonly<Record<string, AttrInput>> = {}): Pattern =>
  new OutputPattern(new CallPattern(operators, inputs, attrs, 1), 0);

/** The call, whatever further attributes the node has. Without this they must be absent or as by default: a rule that does not look at transB must not meet it. */
export function anyAttributes(pattern: Pattern): Pattern {
  if (!(pattern instanceof OutputPattern)) throw new OnnxError('bad-edit', 'anyAttributes takes the call of an operator: anyAttributes(op.Conv(x, w)).');
  const { operators, inputs, attrs, outputs } = pattern.call;
  return new OutputPattern(new CallPattern(operators, inputs, Object.fromEntries(attrs) as Record<string, AttrInput>, outputs, true), pattern.index); // a hole passes for an attribute, as in `match`
}

/** The operators over patterns: each call describes a node. */
export const patternOps: Ops<Pattern> = makeOps<Pattern>(({ domain, opType, inputs, attrs, outputs }) => {
  const call = new CallPattern([operatorKey(domain, opType)], inputs, attrs, outputs);
  return Array.from({ length: outputs }, (_, index) => new OutputPattern(call, index));
});
