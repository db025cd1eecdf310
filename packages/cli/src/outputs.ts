import { distance, type Feed, type Feeds, type Model, type Runtime, type RuntimeSettings } from '@onnxpress/core';

/** How far one output of two models is apart, on the same inputs. */
export interface OutputDiff {
  readonly output: string;
  /** Why the two cannot be compared: another shape or type, or it is missing. */
  readonly problem?: string | undefined;
  /** The largest difference relative to the largest entry. */
  readonly relative?: number | undefined;
  readonly absolute?: number | undefined;
  /** Cosine of the two, flattened. */
  readonly cosine?: number | undefined;
}

/** Runs both models on the same inputs and compares every output. */
export async function compareOutputs(before: Model, after: Model, feeds: Feeds, runtime: Runtime, given: { readonly settings: RuntimeSettings; readonly signal: AbortSignal }): Promise<OutputDiff[]> {
  const was = await outputsOf(before);
  given.signal.throwIfAborted();
  const is = await outputsOf(after);
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].map((output) => compareOne(output, was[output], is[output]));

  async function outputsOf(model: Model): Promise<Feeds> {
    const session = await runtime.load(model, given.settings);
    try {
      return await session.run(Object.fromEntries(session.inputs.flatMap((name) => (feeds[name] ? [[name, feeds[name]]] : []))));
    } finally {
      await session.dispose();
    }
  }
}

/** Compares two results of one name. */
export function compareOne(output: string, a: Feed | undefined, b: Feed | undefined): OutputDiff {
  if (!a) return { output, problem: 'is new' };
  if (!b) return { output, problem: 'is gone' };
  const apart = distance(a, b);
  if (typeof apart === 'string') return { output, problem: apart };
  return { output, relative: apart, ...numbersOf(a, b) };
}

/** The largest difference and the cosine, of floats. */
function numbersOf(a: Feed, b: Feed): Pick<OutputDiff, 'absolute' | 'cosine'> {
  let [absolute, dot, aa, bb] = [0, 0, 0, 0];
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [Number(a.data[i]), Number(b.data[i])];
    absolute = Math.max(absolute, Math.abs(x - y));
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  const cosine = dot / Math.sqrt(aa * bb);
  return { absolute, cosine: Number.isFinite(cosine) ? cosine : undefined };
}
