import type { Plugin } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { referencePage } from './reference.ts';

const PLUGINS = ['eval', 'fusion', 'quant'];

test.each(PLUGINS)('docs/reference/%s.md is what the schemas say; "npm run docs" prints it anew', async (name) => {
  const packageName = `@onnxpress/plugin-${name}`;
  const { default: plugin } = (await import(packageName)) as { default: Plugin }; // what a plugin package exports
  await expect(referencePage(plugin, packageName)).toMatchFileSnapshot(`../docs/reference/${name}.md`);
});
