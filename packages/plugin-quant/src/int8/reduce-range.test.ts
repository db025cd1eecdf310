import { Machine } from '@onnxpress/core';
import { testPassContext } from '@onnxpress/core/testing';
import { expect, test } from 'vitest';
import { reducesRange } from './reduce-range.ts';

function on(platform: string, features: readonly string[], option: 'auto' | boolean = 'auto'): { readonly reduced: boolean; readonly said: readonly string[] } {
  const said: string[] = [];
  const ctx = testPassContext({ said, services: (s) => void s.set(Machine, { cpu: 'test', cores: 1, platform, features }) });
  return { reduced: reducesRange(option, ctx), said };
}

test.each([['linux-x64', ['avx2', 'avx512_vnni']], ['linux-x64', ['avx2', 'avx_vnni']], ['linux-arm64', ['neon']], ['darwin-arm64', []]] as const)('%s with %s needs no 7 bits', (platform, features) => {
  expect(on(platform, features)).toEqual({ reduced: false, said: [] });
});

test('an x86 processor without VNNI gets 7 bits, which is said', () => {
  const { reduced, said } = on('linux-x64', ['avx2', 'avx512f']);
  expect([reduced, said[0]]).toEqual([true, expect.stringContaining('has no VNNI')]);
});

test('where an x86 processor is not known, 7 bits are safe', () => {
  const { reduced, said } = on('win32-x64', []);
  expect([reduced, said[0]]).toEqual([true, expect.stringContaining('does not say')]);
});

test('what the recipe says goes, without a word', () => {
  expect(on('linux-x64', ['avx2'], false)).toEqual({ reduced: false, said: [] });
  expect(on('linux-x64', ['avx512_vnni'], true)).toEqual({ reduced: true, said: [] });
});
