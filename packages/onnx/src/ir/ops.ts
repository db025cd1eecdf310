import { OnnxError } from '../error.ts';
import { isAttr, type AttrInput } from './attr-input.ts';
import { DEFAULT_OUTPUTS, type AiOnnxOps, type DomainOps, type Results } from './ops.gen.ts';
import { Graph } from './graph.ts';
import type { Tensor } from './tensor.ts';

/** One call of an operator, as written. An input is in the place where the operator's newest version has it. */
export interface Call<V> {
  /** '' is ai.onnx. */
  readonly domain: string;
  readonly opType: string;
  /** undefined is an optional input left out; none at the end. */
  readonly inputs: readonly (V | undefined)[];
  /** Given attributes; those given as undefined are not here. */
  readonly attrs: Readonly<Record<string, AttrInput>>;
  /** How many outputs are wanted. */
  readonly outputs: number;
}

/** What a call means: over patterns it describes, over values it builds. Gives as many results as the call wants outputs. */
export type Emit<V> = (call: Call<V>) => readonly V[];

type Exactly<V, N extends number, T extends readonly V[] = readonly []> = number extends N ? readonly V[] : T['length'] extends N ? T : Exactly<V, N, readonly [...T, V]>;

/** What calls give that ask for N outputs. */
interface Counted<V, N extends number> extends Results {
  readonly one: Exactly<V, N>;
  readonly two: Exactly<V, N>;
  readonly three: Exactly<V, N>;
  readonly list: Exactly<V, N>;
}

/** The operators of one domain. */
export type OpsOf<V, D extends keyof DomainOps<V>> = DomainOps<V>[D] & {
  /** The same operators, giving that many outputs. */
  outputs<const N extends number>(count: N): DomainOps<V, Counted<V, N>>[D];
};

/**
 * The operators as typed calls over any V: `op.Gemm(a, b, c, { transB: 1 })`, in the signatures of their newest versions.
 * Inputs come in order, an optional one may be undefined or, at the end, left out; a variadic input is a list: `op.Concat([a, b], { axis: 1 })`.
 * The attributes are a plain object at the end. A call gives the operator's required outputs: one V, or a tuple.
 */
export interface Ops<V> extends AiOnnxOps<V> {
  /** The operators of another domain: `op.in('com.microsoft').FusedMatMul(a, b)`. */
  in<D extends keyof DomainOps<V>>(domain: D): OpsOf<V, D>;
  /** The same operators, giving that many outputs, optional and variadic ones included: `op.outputs(2).Split(x)`. */
  outputs<const N extends number>(count: N): AiOnnxOps<V, Counted<V, N>>;
  /** Any operator, of any domain, unchecked. Where no schema is known, numbers come with their type: `attr.int(1)`. */
  call(domain: string, opType: string, inputs: readonly (V | undefined)[], attributes?: Readonly<Record<string, AttrInput>>, outputs?: number): readonly V[];
  /** A constant. */
  constant(tensor: Tensor): V;
}

/** The operators, each call handed to `emit`. V must be made by a class: a plain object is attributes and an array is a variadic input. */
export function makeOps<V extends object>(emit: Emit<V>): Ops<V> {
  return opsOf(emit, '', undefined) as Ops<V>; // the proxy answers to every name that the interface has
}

type Argument<V> = V | undefined | readonly V[] | Readonly<Record<string, AttrInput | undefined>>;

function opsOf<V extends object>(emit: Emit<V>, domain: string, count: number | undefined): object {
  const known = new Map<string, unknown>([
    ['in', (other: string) => opsOf(emit, other === 'ai.onnx' ? '' : other, count)],
    ['outputs', (n: number) => opsOf(emit, domain, n)],
    ['call', (of: string, opType: string, inputs: readonly (V | undefined)[], attrs = {}, outputs = 1) => emit({ domain: of === 'ai.onnx' ? '' : of, opType, inputs: trimmed(inputs), attrs, outputs })],
    ['constant', (tensor: Tensor) => emit({ domain: '', opType: 'Constant', inputs: [], attrs: { value: tensor }, outputs: 1 })[0]],
  ]);
  return new Proxy(
    {},
    {
      get: (_, opType) => {
        if (typeof opType === 'symbol' || !/^[A-Z]|^(in|outputs|call|constant)$/.test(opType)) return undefined; // "then" above all: this is no promise
        const before = known.get(opType);
        if (before) return before;
        const call = (...given: readonly Argument<V>[]): V | readonly V[] => {
          const { inputs, attrs } = sorted(given);
          const usual = DEFAULT_OUTPUTS[domain ? `${domain}.${opType}` : opType] ?? 1;
          const outputs = count ?? (usual || listLength(opType, attrs));
          const results = emit({ domain, opType, inputs, attrs, outputs });
          return count === undefined && usual === 1 ? results[0]! : results; // emit gives as many as were asked for
        };
        known.set(opType, call);
        return call;
      },
    },
  );
}

function sorted<V extends object>(given: readonly Argument<V>[]): { inputs: (V | undefined)[]; attrs: Record<string, AttrInput> } {
  const inputs: (V | undefined)[] = [];
  const attrs: Record<string, AttrInput> = {};
  for (const x of given) {
    if (Array.isArray(x)) inputs.push(...(x as readonly V[])); // an array is a variadic input
    else if (isPlain(x)) Object.assign(attrs, Object.fromEntries(Object.entries(x).filter(([, a]) => a !== undefined)));
    else inputs.push(x as V | undefined); // nothing else is left
  }
  return { inputs: trimmed(inputs), attrs };
}

function trimmed<V>(inputs: readonly (V | undefined)[]): (V | undefined)[] {
  return inputs.slice(0, inputs.findLastIndex((v) => v !== undefined) + 1);
}

const isPlain = (x: unknown): x is Readonly<Record<string, AttrInput | undefined>> => typeof x === 'object' && x !== null && Object.getPrototypeOf(x) === Object.prototype;

/** How many outputs an operator with a list of them has, where its attributes tell. */
function listLength(opType: string, attrs: Readonly<Record<string, AttrInput>>): number {
  const parts = Number(attrs['num_outputs']);
  if (parts > 0) return parts;
  const body = graphOf(attrs['then_branch'] ?? attrs['body']);
  if (body) return body.outputs.length - (opType === 'Loop' ? 1 : 0); // the first result of a Loop's body is whether to go on
  throw new OnnxError('bad-edit', `Nothing says how many outputs ${opType} has. Say it: op.outputs(2).${opType}(…).`);
}

function graphOf(x: AttrInput | undefined): Graph | undefined {
  if (x instanceof Graph) return x;
  return x !== undefined && isAttr(x) && x.type === 'graph' ? x.value : undefined;
}
