import type { DType } from '../dtype.ts';
import type { Node } from '../graph.ts';
import { axisOf } from '../grid/grid.ts';
import { numbersOf } from '../values.ts';
import { tensorType, type Dim, type TensorType, type ValueType } from '../types.ts';
import { knownContents } from './contents.ts';
import type { Sizes } from './dims.ts';

export type Dims = readonly Dim[] | undefined;

/** What is known of the inputs of one node: what a rule may look at. */
export class Facts {
  readonly node: Node;
  /** Of the node's domain. */
  readonly opset: number;
  readonly sizes: Sizes;

  constructor(node: Node, opset: number, sizes: Sizes) {
    this.node = node;
    this.opset = opset;
    this.sizes = sizes;
  }

  has(index: number): boolean {
    return this.node.inputs[index] !== undefined;
  }

  type(index: number): ValueType | undefined {
    return this.node.inputs[index]?.type;
  }

  dtype(index: number): DType | undefined {
    return dtypeIn(this.type(index));
  }

  /** The dimensions of a tensor; null where nothing is known of one. */
  dims(index: number): Dims {
    return this.node.inputs[index]?.dims?.map((d) => this.sizes.known(d));
  }

  rank(index: number): number | undefined {
    return this.dims(index)?.length;
  }

  /** One dimension, counted from the end where negative; null where it is not known. */
  dim(index: number, axis: number): Dim {
    return this.dims(index)?.at(axis) ?? null;
  }

  /** The integers of an input as far as they are known. */
  contents(index: number): readonly Dim[] | undefined {
    const v = this.node.inputs[index];
    return v && knownContents(v)?.values;
  }

  /** The integers of an input, where all are known numbers. */
  numbers(index: number): readonly number[] | undefined {
    const found = this.contents(index);
    return found?.every((v) => typeof v === 'number') ? found : undefined;
  }

  /** The numbers of a small constant input, fractions included. */
  constants(index: number): readonly number[] | undefined {
    const constant = this.node.inputs[index]?.constant;
    if (!constant || constant.dims.reduce((a, b) => a * b, 1) > 64 || constant.dtype === 'string' || constant.dtype.startsWith('complex')) return undefined;
    return [...numbersOf(constant)];
  }

  /** Integers that newer opsets take as an input and older ones as an attribute. */
  setting(name: string, index: number): readonly number[] | undefined {
    return this.has(index) ? this.numbers(index) : this.node.ints(name);
  }

  /** A shape that an input holds: its contents, or as many unknowns as it has elements. A name among them is a size; a negative number is none. */
  shape(index: number): Dims {
    const contents = this.contents(index);
    if (contents) return contents.map((d) => this.sizes.known(d));
    const length = this.length(index);
    return length === undefined ? undefined : unknowns(length);
  }

  /** How many integers the input holds, from its own shape. */
  length(index: number): number | undefined {
    const dims = this.dims(index);
    const [only] = dims ?? [];
    return dims?.length === 1 && typeof only === 'number' ? only : undefined;
  }

  /** An attribute that is an axis, counted from the front. Undefined where there is none such. */
  axis(name: string, fallback: number, rank: number): number | undefined {
    return axisOf(this.node.int(name, fallback), rank);
  }

  /** What several shapes broadcast to; undefined unless all ranks are known. */
  broadcast(...shapes: readonly Dims[]): Dims {
    if (!shapes.every((s) => s !== undefined)) return undefined;
    const rank = Math.max(0, ...shapes.map((s) => s.length));
    return Array.from({ length: rank }, (_, i) => shapes.map((s) => s[s.length - rank + i] ?? this.#outside(s, rank, i)).reduce<Dim>((a, b) => this.sizes.broadcast(a, b), 1));
  }

  #outside(s: readonly Dim[], rank: number, i: number): Dim {
    return i < rank - s.length ? 1 : null;
  }
}

/** The element type of a tensor, or of the tensors in a sequence or optional. */
export function dtypeIn(t: ValueType | undefined): DType | undefined {
  if (!t || t.kind === 'opaque' || t.kind === 'map') return undefined;
  return 'of' in t ? dtypeIn(t.of) : t.dtype;
}

/** A tensor type, where the element type is known. */
export const tensor = (dtype: DType | undefined, dims: Dims): TensorType | undefined => dtype && tensorType(dtype, dims?.map((d) => (typeof d === 'number' && d < 0 ? null : d)));

/** The types of a node's outputs, in their order; one alone, or undefined where nothing is known. */
export type Rule = (f: Facts) => ValueType | undefined | readonly (ValueType | undefined)[];

export type Rules = Readonly<Record<string, Rule>>;

/** One rule for many operators. */
export const each = (names: string, rule: Rule): Rules => Object.fromEntries(names.trim().split(/\s+/).map((name) => [name, rule]));

/** Gives what input 0 is. */
export const same: Rule = (f) => f.type(0);

/** Gives a tensor of that element type in the shape of input 0. */
export const sameShape =
  (dtype: DType): Rule =>
  (f) => tensor(dtype, f.dims(0));

/** The type of input 0 with other dimensions. */
export const moved = (f: Facts, dims: Dims): ValueType | undefined => tensor(f.dtype(0), dims);

/** `dims` with one replaced. */
export const withDim = (dims: readonly Dim[], axis: number, to: Dim): Dim[] => dims.map((d, i) => (i === axis ? to : d));

export const unknowns = (count: number): null[] => Array.from({ length: count }, () => null);
