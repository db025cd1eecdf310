import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { machine } from './memory/machine.ts';

test('the module is what the sources compile to', { timeout: 120_000 }, () => {
  const { status, stderr } = spawnSync(process.execPath, ['packages/kernels/scripts/build-wasm.mjs', '--check'], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

test('it exports kernels and nothing else', () => {
  const { memory, ...kernels } = machine().kernels as unknown as Record<string, unknown>; // looked at as an object
  expect(memory).toBeDefined();
  expect(Object.values(kernels).every((k) => typeof k === 'function')).toBe(true);
});
