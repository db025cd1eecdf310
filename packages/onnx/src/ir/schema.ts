import type { AttrKind } from './attr.ts';
import { LATEST_OPSETS, OPERATORS, TYPE_SETS, TYPES } from './schemas.gen.ts';

/** One input or output of an operator. */
export interface ParameterSchema {
  readonly name: string;
  /** A type variable (a key of `constraints`) or one type, as "tensor(int64)". */
  readonly type: string;
  readonly option: 'required' | 'optional' | 'variadic';
  /** Of a variadic one: how many at least, 0 otherwise. */
  readonly minArity: number;
  /** Of a variadic one: each may be of another type. */
  readonly heterogeneous: boolean;
}

export interface AttributeSchema {
  readonly name: string;
  readonly type: AttrKind;
  readonly required: boolean;
  /** Of what `type` says; floats as written in the ONNX schemas, to be rounded to float32. */
  readonly default?: number | string | readonly number[] | readonly string[];
}

/** One version of an operator: what it takes and gives. */
export interface OperatorSchema {
  /** '' is ai.onnx. */
  readonly domain: string;
  readonly opType: string;
  /** The opset that brought this version. */
  readonly since: number;
  /** The standard wants nobody to use it from `since` on. */
  readonly deprecated: boolean;
  readonly experimental: boolean;
  readonly inputs: readonly ParameterSchema[];
  readonly outputs: readonly ParameterSchema[];
  /** Places that must be there, names in them or not. */
  readonly minInputs: number;
  /** Infinity where the last one is variadic. */
  readonly maxInputs: number;
  readonly minOutputs: number;
  readonly maxOutputs: number;
  readonly attributes: ReadonlyMap<string, AttributeSchema>;
  /** Type variable → the types it may stand for, as ONNX writes them: "tensor(float)", "seq(tensor(string))". */
  readonly constraints: ReadonlyMap<string, ReadonlySet<string>>;
  /** The standard defines it by a body of other operators, fixed or made from its attributes and types. */
  readonly hasFunctionBody: boolean;
  /** The reference implementation infers types and shapes for it. */
  readonly hasInference: boolean;
  /** Values of shapes flow through it in the reference implementation's inference. */
  readonly hasDataPropagation: boolean;
}

/** Every domain with schemas, '' for ai.onnx. */
export const knownDomains: readonly string[] = Object.keys(LATEST_OPSETS);

/** The newest opset of a domain that the schemas cover; undefined for an unknown domain. */
export const latestOpset = (domain: string): number | undefined => LATEST_OPSETS[standard(domain)];

/** The version of an operator in force at an opset. undefined: there is none, or none yet. Costs a few microseconds, and a table lookup after the first time. */
export function schemaOf(domain: string, opType: string, opset: number): OperatorSchema | undefined {
  return versionsOf(domain, opType).findLast((s) => s.since <= opset);
}

/** Every version of an operator, oldest first; empty where there is no such operator. */
export function versionsOf(domain: string, opType: string): readonly OperatorSchema[] {
  const key = `${standard(domain)}|${opType}`;
  const before = parsed.get(key);
  if (before) return before;
  const versions = (rows().get(key) ?? []).map(parse);
  if (versions.length) parsed.set(key, versions);
  return versions;
}

/** The operators of a domain, in alphabetic order. */
export function operatorsOf(domain: string): readonly string[] {
  const prefix = `${standard(domain)}|`;
  return [...rows().keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

const COMMUTATIVE: ReadonlySet<string> = new Set(['Add', 'Mul', 'And', 'Or', 'Xor', 'Equal', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor', 'Max', 'Min']);
const COMMUTATIVE_IN_PAIRS: ReadonlySet<string> = new Set(['Sum', 'Mean']);

/**
 * Whether the inputs may change places and every bit of the result stays, NaN payloads and the sign of a zero aside. A Sum of three
 * rounds differently in another order, so Sum and Mean are commutative with two inputs only. Before opset 7, an operator with the
 * attribute `broadcast` is not commutative; that is for the caller to look at.
 */
export function isCommutative(domain: string, opType: string, inputs = 2): boolean {
  return standard(domain) === '' && (COMMUTATIVE.has(opType) || (inputs <= 2 && COMMUTATIVE_IN_PAIRS.has(opType)));
}

const RANDOM: ReadonlySet<string> = new Set(['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'Bernoulli', 'Multinomial', 'com.microsoft.Sampling']);

/** Whether two runs may differ because the operator draws random numbers, always. Dropout in training mode draws too and is not among them. */
export function isRandom(opType: string, domain = ''): boolean {
  return RANDOM.has(standard(domain) ? `${domain}.${opType}` : opType);
}

const standard = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

const parsed = new Map<string, readonly OperatorSchema[]>();
let index: Map<string, string[]> | undefined;
let sets: readonly ReadonlySet<string>[] | undefined;

/** "domain|operator" → its rows of the table, oldest version first. */
function rows(): Map<string, string[]> {
  if (index) return index;
  index = new Map();
  for (const row of OPERATORS.trim().split('\n')) {
    const key = row.slice(0, row.indexOf('|', row.indexOf('|') + 1));
    const versions = index.get(key);
    if (versions) versions.push(row);
    else index.set(key, [row]);
  }
  return index;
}

function typeSet(at: number): ReadonlySet<string> {
  if (!sets) {
    const types = TYPES.split(';');
    sets = TYPE_SETS.split(';').map((set) => new Set(set.split(' ').map((i) => types[Number(i)]!)));
  }
  return sets[at]!;
}

function parse(row: string): OperatorSchema {
  const [domain = '', opType = '', since = '', flags = '', ins = '', outs = '', constraints = '', attributes = ''] = row.split('|');
  const inputs = parameters(ins);
  const outputs = parameters(outs);
  return {
    domain,
    opType,
    since: Number(since),
    deprecated: flags.includes('d'),
    experimental: flags.includes('e'),
    inputs,
    outputs,
    minInputs: fewest(inputs),
    maxInputs: most(inputs),
    minOutputs: fewest(outputs),
    maxOutputs: most(outputs),
    attributes: new Map(Object.entries(JSON.parse(attributes || '{}') as Record<string, AttributeRow>).map(([name, a]) => [name, attribute(name, a)])),
    constraints: new Map(constraints.split(' ').filter(Boolean).map((c) => [c.slice(0, c.indexOf('=')), typeSet(Number(c.slice(c.indexOf('=') + 1)))])),
    hasFunctionBody: flags.includes('f'),
    hasInference: flags.includes('i'),
    hasDataPropagation: flags.includes('p'),
  };
}

/** "A:T B?:T rest*1~:V": ? is optional, * and a number variadic with that many at least, ~ of different types. */
function parameters(text: string): ParameterSchema[] {
  return text.split(' ').filter(Boolean).map((word) => {
    const [, name = '', mark = '', arity = '0', mixed = '', type = ''] = /^(\w+)(\?|\*(\d+)(~?))?:(.+)$/.exec(word) ?? [];
    return { name, type, option: mark === '' ? 'required' : mark === '?' ? 'optional' : 'variadic', minArity: Number(arity), heterogeneous: mixed !== '' };
  });
}

const fewest = (list: readonly ParameterSchema[]): number => {
  const last = list.at(-1);
  if (last?.option === 'variadic') return list.length - 1 + last.minArity; // places before it count even where they may be left empty
  return list.findLastIndex((p) => p.option === 'required') + 1;
};
const most = (list: readonly ParameterSchema[]): number => (list.at(-1)?.option === 'variadic' ? Infinity : list.length);

type AttributeRow = string | [kind: string, value: NonNullable<AttributeSchema['default']>];

function attribute(name: string, row: AttributeRow): AttributeSchema {
  const [kind, value] = typeof row === 'string' ? [row, undefined] : row;
  const required = kind.endsWith('!');
  const type = (required ? kind.slice(0, -1) : kind) as AttrKind; // the generator writes nothing else
  return { name, type, required, ...(value === undefined ? {} : { default: value }) };
}
