import { createHash } from 'node:crypto';
import { equalTensors, hashTensor, isCommutative, isRandom, isSparse, schemaOf, type Attr, type Graph, type Node, type Tensor, type Value } from '@onnxpress/core';
import { constantsIn } from './constants.ts';
import type { Part, Work } from './part.ts';
import { Scoped } from './scoped.ts';

/**
 * Constants with the same type, shape and bytes become one, and so do nodes that do the same with the same inputs. 0.0 is not -0.0. Random operators, operators
 * without a schema (nobody knows what they do) and nodes with subgraphs stay as they are.
 */
export const merge: Part = {
  name: 'merge',
  run(work) {
    const { model } = work;
    for (const root of [model.graph, ...[...model.functions.values()].map((f) => f.body)]) {
      mergeConstants(root, work, undefined);
      mergeNodes(root, work, undefined, new Numbering());
    }
  },
};

type Constant = Value & { readonly constant: Tensor };

function mergeConstants(graph: Graph, work: Work, outer: Scoped<Alike> | undefined): void {
  const found = new Scoped(outer);
  for (const v of [...constantsIn(graph)]) {
    work.ctx.signal.throwIfAborted();
    if (v.isUnused || v.isOutput || isSparse(v.constant) || (v.producer && !work.mayChange(v.producer))) continue;
    const key = kindOf(v.constant);
    const twin = found.first(key, (alike) => alike.twinOf(v.constant));
    if (twin) {
      graph.replace(v, twin);
      work.ctx.count('merged');
    } else found.own(key, () => new Alike()).add(v);
  }
  for (const n of graph.nodes) for (const inner of n.graphs()) mergeConstants(inner, work, found);
}

const kindOf = ({ dtype, dims, byteLength }: Tensor): string => `${dtype} [${dims.join()}] ${byteLength}`;

/** Constants of one type, shape and size that all differ. Nothing of the first is read until there is a second; then as much as tells them apart. */
class Alike {
  readonly #byPrint = new Map<string, Constant[]>();
  #single: Constant | undefined;

  twinOf(t: Tensor): Constant | undefined {
    if (this.#single) return this.#single.constant === t ? this.#single : this.#spread().twinOf(t);
    return this.#byPrint.get(printOf(t))?.find((w) => equalTensors(w.constant, t));
  }

  add(v: Constant): void {
    if (!this.#single && this.#byPrint.size === 0) {
      this.#single = v;
      return;
    }
    this.#spread();
    const print = printOf(v.constant);
    const same = this.#byPrint.get(print);
    if (same) same.push(v);
    else this.#byPrint.set(print, [v]);
  }

  #spread(): this {
    const first = this.#single;
    this.#single = undefined;
    if (first) this.#byPrint.set(printOf(first.constant), [first]);
    return this;
  }
}

/** Bytes at each of some places of a tensor that tell most tensors apart. Smaller ones are read whole. */
const SAMPLE = 1024;
const PLACES = 4;
const prints = new WeakMap<Tensor, string>();

/** Equal for equal tensors of one type and shape, and hardly ever for others. */
function printOf(t: Tensor): string {
  const before = prints.get(t);
  if (before !== undefined) return before;
  const size = t.byteLength;
  const sampled = size > SAMPLE * PLACES;
  const bytes = new Uint8Array(sampled ? SAMPLE * PLACES : size);
  if (!sampled) t.read(bytes, 0);
  else for (let i = 0; i < PLACES; i++) t.read(bytes.subarray(i * SAMPLE, (i + 1) * SAMPLE), Math.floor(((size - SAMPLE) * i) / (PLACES - 1)));
  const print = createHash('sha256').update(bytes).digest('base64');
  prints.set(t, print);
  return print;
}

function mergeNodes(graph: Graph, work: Work, outer: Scoped<Node> | undefined, numbering: Numbering): void {
  const found = new Scoped(outer);
  for (const node of graph.nodes) {
    work.ctx.signal.throwIfAborted();
    for (const inner of node.graphs()) mergeNodes(inner, work, found, numbering);
    if (!work.mayChange(node)) continue;
    const key = keyOf(node, graph, work, numbering);
    if (key === undefined) continue;
    const twin = found.get(key);
    if (!twin) found.set(key, node);
    else if (mayStandIn(twin, node)) {
      node.outputs.forEach((v, i) => graph.replace(v, twin.outputs[i]!)); // as many: the key says so
      work.ctx.count('merged');
    }
  }
}

/** Whether no Identity would be needed to keep a public name. */
const mayStandIn = (twin: Node, node: Node): boolean => node.outputs.every((v, i) => !v.isOutput || (twin.graph === node.graph && !twin.outputs[i]!.isOutput));

/** Numbers values by object, not by name: names of sibling subgraphs may be equal. */
class Numbering {
  readonly #numbers = new Map<Value, number>();

  of(v: Value): number {
    const number = this.#numbers.get(v) ?? this.#numbers.size;
    this.#numbers.set(v, number);
    return number;
  }
}

/** Equal for nodes that do the same; undefined for one that must stay apart. */
function keyOf(node: Node, graph: Graph, { model }: Work, numbering: Numbering): string | undefined {
  const { domain, opType } = node;
  if (node.is('Constant') || isRandom(opType, domain) || node.graphs().length > 0 || (opType.endsWith('Dropout') && node.inputs.length > 2)) return undefined;
  if ([...model.functions.values()].some((f) => f.domain === domain && f.name === opType)) return undefined;
  if (!schemaOf(domain, opType, graph.opsets.get(domain) ?? 0) || node.outputs.every((v) => v.isUnused)) return undefined;
  const inputs = node.inputs.map((v) => (v ? numbering.of(v) : -1));
  if (isCommutative(domain, opType, inputs.length) && !node.attrs.has('broadcast')) inputs.sort((a, b) => a - b);
  const attrs = [...node.attrs].map(([name, a]) => `${name}=${textOf(a)}`).sort();
  return JSON.stringify([domain, opType, node.overload, inputs, attrs, node.outputs.map((v) => v.name !== '')]);
}

/** An attribute to the bit. */
function textOf(a: Attr): string {
  switch (a.type) {
    case 'ref':
      return `ref ${a.to} ${a.of}`;
    case 'tensor':
    case 'sparse':
      return `${a.type} ${hashTensor(a.value)}`;
    case 'tensors':
    case 'sparses':
      return `${a.type} ${a.value.map(hashTensor).join()}`;
    case 'graph':
    case 'graphs':
      return `${a.type}`; // not reached: nodes with subgraphs have no key
    default:
      return `${a.type} ${JSON.stringify(a.value, (_, x: unknown) => exact(x))}`;
  }
}

/** JSON has no -0, NaN, infinities, bigints or bytes. */
function exact(x: unknown): unknown {
  if (typeof x === 'bigint') return `${x}n`;
  if (x instanceof Uint8Array) return `bytes ${Buffer.from(x).toString('hex')}`;
  return typeof x === 'number' && (Object.is(x, -0) || !Number.isFinite(x)) ? `number ${Object.is(x, -0) ? '-0' : x}` : x;
}
