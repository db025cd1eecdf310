import { inferTypes, isFloat, ROUNDING_TOLERANCE, type Feeds, type Model, type Runtime, type RuntimeSettings, type Value } from '@onnxpress/core';
import { compareOne, type OutputDiff } from './outputs.ts';

/** How far one value inside of two models is apart. */
export interface LayerDiff extends OutputDiff {
  /** The operators that make it: the same word twice where both have the same. */
  readonly before: string;
  readonly after: string;
}

export interface LayersDiff {
  /** Every value of that name in both models, in the order of computation of the first. */
  readonly layers: readonly LayerDiff[];
  /** Where the difference begins: the first that is apart by more than rounding, or the first that is apart at all. */
  readonly begins: LayerDiff | undefined;
}

/** Values given out by one run: their memory is held at once. */
const AT_ONCE = 64;

/** Runs both models on the same inputs, without the runtime's own optimizations, and compares every float value that has one name in both. */
export async function compareLayers(before: Model, after: Model, feeds: Feeds, runtime: Runtime, given: { readonly settings: RuntimeSettings; readonly signal: AbortSignal }): Promise<LayersDiff> {
  const pairs = common(before, after);
  const names = pairs.map(([v]) => v.name);
  const options = { ...given.settings, optimize: 'none' as const, extraOutputs: names };
  const was = await runtime.load(before, options);
  try {
    const is = await runtime.load(after, options);
    try {
      const layers: LayerDiff[] = [];
      for (let i = 0; i < names.length; i += AT_ONCE) {
        given.signal.throwIfAborted();
        const here = names.slice(i, i + AT_ONCE);
        const [a, b] = [await was.run(only(feeds, was.inputs), here), await is.run(only(feeds, is.inputs), here)];
        for (const [v, w] of pairs.slice(i, i + AT_ONCE)) layers.push({ ...compareOne(v.name, a[v.name], b[v.name]), before: madeBy(v), after: madeBy(w) });
      }
      return { layers, begins: layers.find((l) => l.problem !== undefined || l.relative! > ROUNDING_TOLERANCE) ?? layers.find((l) => l.relative !== 0) };
    } finally {
      await is.dispose();
    }
  } finally {
    await was.dispose();
  }
}

/** What nodes make in both main graphs under one name. */
function common(before: Model, after: Model): (readonly [Value, Value])[] {
  for (const m of [before, after]) inferTypes(m);
  return before.graph.ordered().flatMap((n) => n.outputs).flatMap((v) => {
    const w = v.name === '' ? undefined : after.graph.value(v.name);
    return w?.producer && isComparable(v) && isComparable(w) ? [[v, w] as const] : [];
  });
}

const isComparable = (v: Value): boolean => v.type?.kind === 'tensor' && isFloat(v.type.dtype) && !v.isConstant();
const only = (feeds: Feeds, names: readonly string[]): Feeds => Object.fromEntries(names.flatMap((name) => (feeds[name] ? [[name, feeds[name]]] : [])));
const madeBy = (v: Value): string => v.producer?.opType ?? '';
