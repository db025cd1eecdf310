import type { Model } from '@onnxpress/onnx';
import { asRunError } from '../diagnostics/failure.ts';
import type { Measured } from '../plugin/kinds.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { Clock } from '../services/tokens.ts';
import { contextOf, type ContextParts } from './context.ts';
import type { RunEvent } from './events.ts';
import { placed } from './placed.ts';
import type { Evaluation } from './plan.ts';
import type { Store } from './store.ts';

interface StoredMeasurement {
  readonly measured: Measured;
  readonly ms: number;
  readonly at: number;
}

/** Measures both models, or takes what is known of exactly these two. */
export async function evaluate(evaluation: Evaluation, recipe: Recipe, models: { readonly original: Model; readonly result: Model }, parts: ContextParts, store: Store): Promise<Omit<Extract<RunEvent, { type: 'measured' }>, 'variant'>> {
  const { call, evaluator, key, cached } = evaluation;
  const base = { type: 'measured', use: call.use, as: call.as } as const;
  const known = cached ? await store.get(key) : undefined;
  if (known) return { ...base, ...(known.value as StoredMeasurement), cached: true }; // written below under this very key
  const clock = parts.services.get(Clock);
  const [started, at] = [clock.ticks(), clock.now()];
  const measured = await measure();
  const value: StoredMeasurement = { measured, ms: clock.ticks() - started, at };
  await store.put({ key, kind: 'measured', label: call.use, value, blobs: [] });
  return { ...base, ...value, cached: false };

  async function measure(): Promise<Measured> {
    try {
      const found = await placed(recipe, call, () => evaluator.measure(models, call.with as never, contextOf(parts))); // checked against the evaluator's own schema
      parts.signal.throwIfAborted();
      return found;
    } catch (e) {
      throw asRunError(e, { use: call.use });
    }
  }
}
