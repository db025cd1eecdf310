import { expect, test } from 'vitest';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { RecipeError } from '../diagnostics/errors.ts';
import { Clock } from '../services/tokens.ts';
import { Services } from '../services/services.ts';
import { defineEvaluator, definePass, definePlugin } from './define.ts';
import type { Pass, Plugin } from './kinds.ts';
import { Registry, registered } from './registry.ts';

const pass = (name: string, more: object = {}): Pass => ({ ...definePass({ name, summary: 'Does nothing.', numerics: 'exact', run: () => undefined }), ...more });
const size = defineEvaluator({ name: 'acme/a', summary: 'Measures.', metrics: () => [], measure: async () => ({ original: { metrics: {} }, result: { metrics: {} } }) });
const origin = (packageName = 'onnxpress-plugin-acme'): { packageName: string; version: string } => ({ packageName, version: '1.2.3' });
const messages = (problems: readonly Diagnostic[]): string[] => problems.map((d) => `${d.code}: ${d.message}`);
const adding = (...passes: Pass[]): string[] => messages(new Registry().add({ name: 'acme', passes }, origin()));

test('finds what plugins offer by kind and name, and who offers it', () => {
  const registry = new Registry();
  const plugin = definePlugin({ name: 'acme', passes: [pass('acme/a'), pass('acme/b')], evaluators: [size] });
  expect(registry.add(plugin, origin())).toEqual([]);
  expect(registry.get('pass', 'acme/a')).toBe(plugin.passes?.[0]);
  expect(registry.get('evaluator', 'acme/a')).toBe(size);
  expect(registry.get('gate', 'acme/a')).toBeUndefined();
  expect([registry.names('pass'), registry.kindsOf('acme/a'), registry.kindsOf('acme/z')]).toEqual([['acme/a', 'acme/b'], ['pass', 'evaluator'], []]);
  expect(registry.entry('pass', 'acme/a')?.origin.version).toBe('1.2.3');
});

test('two plugins may not share a prefix, but one may be met twice', () => {
  const registry = new Registry();
  const plugin: Plugin = { name: 'acme', passes: [pass('acme/a')] };
  registry.add(plugin, origin());
  expect(registry.add(plugin, origin('elsewhere'))).toEqual([]);
  expect(registry.add({ name: 'acme', passes: [] }, origin())).toEqual([]);
  expect(messages(registry.add({ name: 'acme', passes: [pass('acme/b')] }, origin('other')))).toEqual(['duplicate-plugin: Two plugins want the prefix "acme": onnxpress-plugin-acme and other.']);
  expect(registry.names('pass')).toEqual(['acme/a']);
});

test('a contribution that is not what it should be is told and left out, and the others are there', () => {
  expect(adding(pass('other/a'))).toEqual(['bad-plugin: The plugin onnxpress-plugin-acme offers passes: other/a, which does not start with "acme/".']);
  expect(adding(pass('acme/'))).toEqual([expect.stringMatching(/acme\/, which does not start with/)]);
  expect(adding(pass('acme/a'), pass('acme/a'))).toEqual(['duplicate-name: The plugin onnxpress-plugin-acme offers a pass named "acme/a" twice.']);
  expect(adding(pass('acme/a', { kind: 'gate' }))).toEqual([expect.stringMatching(/is of the kind "gate"/)]);
  expect(adding(pass('acme/a', { run: undefined }))).toEqual([expect.stringMatching(/has no run\(\)/)]);
  expect(adding(pass('acme/a', { summary: ' ' }))).toEqual([expect.stringMatching(/has no summary/)]);
  expect(adding(pass('acme/a', { options: undefined }))).toEqual([expect.stringMatching(/has no options/)]);
  expect(adding(pass('acme/a', { options: { x: { type: 'string' } } }))).toEqual([expect.stringMatching(/whose option "x" has no description/)]);
  expect(adding(null as unknown as Pass, pass('acme/b'))).toHaveLength(1);
  const registry = new Registry();
  registry.add({ name: 'acme', passes: [pass('x'), pass('acme/b')] }, origin());
  expect(registry.names('pass')).toEqual(['acme/b']);
});

test('knows which official plugins are not there', () => {
  const registry = new Registry(['prune', 'acme']);
  registry.add({ name: 'acme', passes: [] }, origin());
  expect(['prune/wanda', 'acme/x', 'other/x'].map((name) => registry.isAbsent(name))).toEqual([true, false, false]);
});

test('plugins may bring services', () => {
  const registry = new Registry();
  registry.add({ name: 'acme', services: (s) => void s.set(Clock, { now: () => 42, ticks: () => 0 }) }, origin());
  const services = new Services();
  registry.bind(services);
  expect(services.get(Clock).now()).toBe(42);
});

test('asking for what a checked recipe cannot name is an error', () => {
  expect(() => registered(new Registry(), 'pass', 'acme/a')).toThrow(Error);
  expect(() => registered(new Registry(), 'pass', 'acme/a')).not.toThrow(RecipeError);
});
