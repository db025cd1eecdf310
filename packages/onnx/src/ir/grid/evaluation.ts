import type { Node } from '../graph.ts';
import { broadcastDims, countOfDims, type Grid } from './grid.ts';

/**
 * What elements are. One reading computes with exact integers and folds constants; another computes with sizes of which some have only a
 * name, or are not known at all. `undefined` from any function: this reading cannot say, and the whole node is left alone.
 */
export interface Arithmetic<T> {
  /** The element that is this integer. */
  integer(value: number): T;
  /** The integer that an element is, where it is one and known. Booleans are 0 and 1. */
  number(value: T): number | undefined;
  /** The same where it marks an end: beyond 2^53 it is ±Infinity. */
  end(value: T): number | undefined;
  add(a: T, b: T): T | undefined;
  sub(a: T, b: T): T | undefined;
  mul(a: T, b: T): T | undefined;
  /** Rounds towards zero, as ONNX's Div of integers. */
  div(a: T, b: T): T | undefined;
  /** `sign` of the divisor, or of the dividend where `fmod`. */
  mod(a: T, b: T, fmod: boolean): T | undefined;
  min(a: T, b: T): T | undefined;
  max(a: T, b: T): T | undefined;
  equal(a: T, b: T): T | undefined;
  less(a: T, b: T): T | undefined;
  lessOrEqual(a: T, b: T): T | undefined;
  /** Where the condition is not known: whatever holds for both. */
  choose(condition: T, a: T, b: T): T | undefined;
}

/** A node with the elements of its inputs. A missing optional input is undefined. */
export interface Evaluation<T> {
  readonly node: Node;
  readonly opset: number;
  readonly inputs: readonly (Grid<T> | undefined)[];
  readonly math: Arithmetic<T>;
  /** No result may have more elements. */
  readonly most: number;
}

/** The elements of a node's outputs; undefined where the inputs do not suffice. */
export type Evaluator = <T>(e: Evaluation<T>) => (Grid<T> | undefined)[] | undefined;

/** The numbers of an input, where all are known. */
export function numbers<T>(e: Evaluation<T>, index: number): number[] | undefined {
  const found = e.inputs[index]?.values.map((v) => e.math.number(v));
  return found?.every((v) => v !== undefined) ? found : undefined;
}

export function numberGrid<T>(e: Evaluation<T>, index: number): Grid<number> | undefined {
  const values = numbers(e, index);
  return values && { dims: e.inputs[index]!.dims, values };
}

/** The ends of a range, which may be the largest integer there is. */
export function ends<T>(e: Evaluation<T>, index: number, attribute: string): readonly number[] | undefined {
  if (!e.node.inputs[index]) return endsOf(e.node, attribute);
  const found = e.inputs[index]?.values.map((v) => e.math.end(v));
  return found?.every((v) => v !== undefined) ? found : undefined;
}

/** Integers of an attribute that mark ends: beyond 2^53 they are ±Infinity. */
export function endsOf(node: Node, attribute: string): readonly number[] | undefined {
  const a = node.attrs.get(attribute);
  return a?.type === 'ints' ? a.value.map((v) => (typeof v === 'number' ? v : v > 0n ? Infinity : -Infinity)) : undefined;
}

/** What newer opsets take as input `index` and older ones as an attribute. */
export const setting = <T>(e: Evaluation<T>, index: number, attribute: string): readonly number[] | undefined => (e.node.inputs[index] ? numbers(e, index) : e.node.ints(attribute));

export const one = <T>(g: Grid<T> | undefined): (Grid<T> | undefined)[] | undefined => g && [g];

/** A grid of results of which none is undefined. */
export function complete<T>(g: Grid<T | undefined> | undefined): Grid<T> | undefined {
  return g?.values.every((v) => v !== undefined) ? (g as Grid<T>) : undefined; // checked for every element
}

/** Whether what the grids broadcast to is not too large. */
export function fits<T>(e: Evaluation<T>, all: readonly Grid<T>[]): boolean {
  const dims = broadcastDims(all.map((g) => g.dims));
  return dims !== undefined && countOfDims(dims) <= e.most;
}

