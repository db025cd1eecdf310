import { assertValid, Clock, describeType, parseModel, printModel, Runtime, verify, type Model } from '@onnxpress/core';
import { testPassContext, testServices } from '@onnxpress/core/testing';
import { describe, expect, test } from 'vitest';
import { onnxruntime } from '../onnxruntime/onnxruntime.ts';
import { simplify } from '../simplify/simplify.ts';
import { transformers } from '../transformers/transformers.ts';
import { CONTROL_FLOW } from './control-flow.ts';
import { NAMES_AND_TYPES } from './names-and-types.ts';
import type { Nasty } from './nasty.ts';
import { NUMBERS } from './numbers.ts';
import { OPERATORS } from './operators.ts';
import { SHAPES } from './shapes.ts';
import { WINDOWS } from './windows.ts';

/** Graphs on which optimizers are known to crash, to break the model, or to compute something else. */
const CORPUS: Readonly<Record<string, Nasty>> = { numbers: NUMBERS, shapes: SHAPES, 'branches, loops and functions': CONTROL_FLOW, 'names and types': NAMES_AND_TYPES, 'convolutions and products': WINDOWS, operators: OPERATORS };

/** onnxruntime-node has no kernel for these on a processor, so that nothing can be compared but names and types. */
const NOT_RUN: readonly string[] = [];

const services = testServices();
const signature = ({ graph }: Model): string[] => [...graph.inputs, ...graph.outputs].map((v) => `${v.name}: ${describeType(v.declared)}`);

async function compared(before: Model, after: Model): Promise<string> {
  const { verdict, finding } = await verify({ before, after, numerics: 'rounding', mode: 'always', runtime: services.get(Runtime), settings: { provider: 'cpu', threads: 1 }, clock: services.get(Clock) });
  return verdict === 'equal' ? verdict : `${verdict}: ${finding}`;
}

const STEPS: readonly ((model: Model) => void | Promise<void>)[] = [
  (model) => simplify.run(model, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext()),
  (model) => transformers.run(model, { target: 'onnxruntime', prefer: 'fewest', opset: 'auto', exclude: [] }, testPassContext()),
  (model) => onnxruntime.run(model, { exclude: [] }, testPassContext()),
];

for (const [theme, graphs] of Object.entries(CORPUS)) {
  describe(theme, () => {
    for (const [name, text] of Object.entries(graphs)) {
      test(`${name}: the same outputs under the same names`, async () => {
        const before = parseModel(text);
        assertValid(before);
        const after = before.clone();
        for (const [i, step] of STEPS.entries()) {
          const was = after.revision;
          await step(after);
          assertValid(after);
          expect(signature(after)).toEqual(signature(before));
          if (i > 0 && after.revision === was) continue;
          const found = await compared(before, after);
          expect(found.startsWith('not compared') && NOT_RUN.includes(name) ? 'equal' : found, printModel(after)).toBe('equal');
        }
      });
    }
  });
}

test('there are more than eighty', () => {
  expect(Object.values(CORPUS).flatMap((graphs) => Object.keys(graphs)).length).toBeGreaterThan(80);
});
