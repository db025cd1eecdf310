import type { Measured, Unit } from '@onnxpress/core';
import { mean } from '../statistics.ts';

/** Gathers what an evaluator measures, both models side by side. */
export class Sheet {
  readonly #original = { metrics: {} as Record<string, number>, perExample: {} as Record<string, readonly number[]> };
  readonly #result = { metrics: {} as Record<string, number>, perExample: {} as Record<string, readonly number[]> };
  readonly #units: Record<string, Unit> = {};
  readonly #remarks: string[] = [];

  /** One number for each model. */
  value(metric: string, original: number, result: number, unit: Unit): this {
    this.#original.metrics[metric] = original;
    this.#result.metrics[metric] = result;
    this.#units[metric] = unit;
    return this;
  }

  /** Numbers for each example in the same order, summed up in one: their mean, unless said otherwise. */
  examples(metric: string, original: readonly number[], result: readonly number[], unit: Unit = 'score', sum: (values: readonly number[]) => number = mean): this {
    this.#original.perExample[metric] = original;
    this.#result.perExample[metric] = result;
    return this.value(metric, sum(original), sum(result), unit);
  }

  /** How far the result agrees with the original, which agrees with itself: 1. */
  agreement(metric: string, values: readonly number[]): this {
    return this.examples(metric, values.map(() => 1), values);
  }

  remark(sentence: string): this {
    this.#remarks.push(sentence);
    return this;
  }

  measured(): Measured {
    return { original: this.#original, result: this.#result, units: this.#units, remarks: this.#remarks };
  }
}
