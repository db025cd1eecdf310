import { describe, OnnxError, type Model } from '@onnxpress/onnx';
import type { Feeds, Runtime, RuntimeSettings, SessionOptions } from '../services/tokens.ts';
import { distance } from './distance.ts';

/** A rule that fired, and the node at which it did. */
export interface Firing {
  readonly rule: string;
  readonly at: string;
}

/** Runs the step again, letting only the first `most` rules fire. */
export type Rerun = (most: number) => Promise<{ readonly model: Model; readonly fired: readonly Firing[] }>;

/**
 * The first rule to fire after which the result differs, by bisection: what rules do depends on nothing but the model. Undefined where no rule is to blame:
 * none fired, or the result differs without any.
 */
export async function culpritOf(rerun: Rerun, differs: (model: Model) => Promise<boolean>): Promise<Firing | undefined> {
  const isWrong = async (most: number): Promise<boolean> => differs((await rerun(most)).model);
  const { fired } = await rerun(Infinity);
  if (fired.length === 0 || (await isWrong(0))) return undefined;
  let [right, wrong] = [0, fired.length];
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1;
    if (await isWrong(middle)) wrong = middle;
    else right = middle;
  }
  return fired[wrong - 1];
}

/** So many values at once: all of a large model would not fit in memory. */
const AT_ONCE = 32;

/** The first value, in the order in which the model before computes, that both models have by name and that differs by more than `tolerance`; in words. */
export async function firstDifference(before: Model, after: Model, { feeds, optimize, tolerance, runtime, settings }: { readonly feeds: Feeds; readonly optimize: NonNullable<SessionOptions['optimize']>; readonly tolerance: number; readonly runtime: Runtime; readonly settings: RuntimeSettings }): Promise<string | undefined> {
  const shared = before.graph.ordered().flatMap((n) => n.outputs).filter((v) => v.name !== '' && after.graph.value(v.name)?.producer);
  for (let i = 0; i < shared.length; i += AT_ONCE) {
    const values = shared.slice(i, i + AT_ONCE);
    const names = values.map((v) => v.name);
    const [was, is] = [await given(before, names), await given(after, names)];
    if (!was || !is) return undefined;
    const first = values.find((v) => {
      const apart = distance(was[v.name]!, is[v.name]!); // both were asked for
      return typeof apart === 'string' || apart > tolerance;
    });
    if (first) return `"${first.name}", which ${describe(first.producer!)} gave, is the first value to differ`; // an output of a node, as chosen
  }
  return undefined;

  async function given(model: Model, names: readonly string[]): Promise<Feeds | undefined> {
    try {
      const session = await runtime.load(model, { ...settings, optimize, extraOutputs: names });
      try {
        return await session.run(feeds, names);
      } finally {
        await session.dispose();
      }
    } catch (e) {
      if (e instanceof OnnxError) return undefined; // a value that the runtime cannot give out
      throw e;
    }
  }
}
