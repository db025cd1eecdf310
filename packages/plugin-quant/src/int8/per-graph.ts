import type { Graph, Value } from '@onnxpress/core';

/** What is made once for a value in each graph: what a branch makes is not there for the graph around it, nor for the other branch. */
export class PerGraph<T> {
  readonly #known = new Map<Graph, Map<Value | string, T>>();

  get(graph: Graph, key: Value | string, make: () => T): T {
    const known = this.#known.get(graph) ?? new Map<Value | string, T>();
    this.#known.set(graph, known);
    if (known.has(key)) return known.get(key)!; // asked for just now
    const made = make();
    known.set(key, made);
    return made;
  }
}
