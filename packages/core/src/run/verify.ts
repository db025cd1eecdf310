import { OnnxError, type Model } from '@onnxpress/onnx';
import type { Numerics } from '../plugin/kinds.ts';
import type { Feed, Feeds, Runtime, RuntimeSettings } from '../services/tokens.ts';
import { weightBytes } from './facts.ts';
import { randomFeeds } from './feeds.ts';
import { seeded } from './random.ts';

export type VerifyMode = 'auto' | 'always' | 'off';

/** Under `auto` a larger model is not run twice: loading it would take longer than most steps. */
const AUTO_LIMIT_BYTES = 1e9;

/**
 * How far two float results of the same computation may be apart, relative to the largest entry of the tensor. Another order of float32 additions
 * moves a sum of some thousand products by a few 1e-6; transformers of a dozen layers were seen at 2e-5. A real mistake is far above.
 */
export const ROUNDING_TOLERANCE = 1e-4;

/** Sizes tried, so that a result which lost a symbolic dimension fails. */
const CASES: readonly { readonly leading: number; readonly rest: number }[] = [{ leading: 1, rest: 8 }, { leading: 2, rest: 11 }];

export interface Verified {
  readonly equal: boolean;
  /** For the report: what was compared, or why nothing was. */
  readonly finding: string;
}

/** Runs both models on the same random inputs and compares every output within what `numerics` allows. */
export async function verify(before: Model, after: Model, numerics: Numerics, mode: VerifyMode, runtime: Runtime, settings: RuntimeSettings): Promise<Verified> {
  const skip = (why: string): Verified => ({ equal: true, finding: `not compared: ${why}` });
  if (mode === 'off') return skip('verify is off');
  if (numerics === 'lossy') return skip('the pass changes numbers on purpose');
  if (mode === 'auto' && weightBytes(before) > AUTO_LIMIT_BYTES) return skip(`weights above ${AUTO_LIMIT_BYTES / 1e9} GB; "verify: always" compares all the same`);
  // The runtime's own fusions depend on the graph's shape and move numbers by rounding; without them an exact pass is exact.
  const options = { ...settings, optimize: numerics === 'exact' ? 'none' : 'all' } as const;
  let was: Feeds[];
  try {
    was = await outputs(before, options);
  } catch (e) {
    return skip(`the model before the step does not run on random inputs (${e instanceof OnnxError ? e.message : String(e)})`);
  }
  const is = await outputs(after, options);
  let worst = 0;
  for (const [i, old] of was.entries()) {
    for (const [name, a] of Object.entries(old)) {
      const b = is[i]?.[name];
      if (!b) return { equal: false, finding: `output "${name}" is gone` };
      const apart = distance(a, b);
      if (typeof apart === 'string') return { equal: false, finding: `output "${name}" ${apart}` };
      worst = Math.max(worst, apart);
      if (apart > (numerics === 'exact' ? 0 : ROUNDING_TOLERANCE)) return { equal: false, finding: `output "${name}" differs by ${apart.toExponential(1)} of its largest entry` };
    }
  }
  return { equal: true, finding: worst === 0 ? 'outputs are bit-equal' : `outputs agree to ${worst.toExponential(1)}` };

  async function outputs(model: Model, how: typeof options): Promise<Feeds[]> {
    const session = await runtime.load(model, how);
    try {
      const all: Feeds[] = [];
      for (const [i, { leading, rest }] of CASES.entries()) all.push(await session.run(randomFeeds(before, { random: seeded('verify', i), dims: sizes(before, leading, rest) })));
      return all;
    } finally {
      await session.dispose();
    }
  }
}

/** A size for every symbolic dimension of the inputs: `leading` for names that stand first, `rest` for the others. */
function sizes(model: Model, leading: number, rest: number): Record<string, number> {
  const dims: Record<string, number> = {};
  for (const v of model.graph.inputs) (v.dims ?? []).forEach((d, i) => typeof d === 'string' && (dims[d] ??= i === 0 ? leading : rest));
  return dims;
}

/** The largest difference, relative to the largest entry of `a`; a sentence where they cannot be compared. */
export function distance(a: Feed, b: Feed): number | string {
  if (a.dtype !== b.dtype) return `was ${a.dtype} and is ${b.dtype}`;
  if (a.dims.join() !== b.dims.join()) return `was [${a.dims.join(', ')}] and is [${b.dims.join(', ')}]`;
  let largest = 0;
  let apart = 0;
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [a.data[i]!, b.data[i]!];
    if (x === y || (x !== x && y !== y)) {
      if (typeof x === 'number' && Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
      continue;
    }
    if (typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x) || !Number.isFinite(y)) return `was ${x} and is ${y} at element ${i}`;
    largest = Math.max(largest, Math.abs(x));
    apart = Math.max(apart, Math.abs(x - y));
  }
  return apart === 0 ? 0 : apart / (largest || Number.MIN_VALUE);
}
