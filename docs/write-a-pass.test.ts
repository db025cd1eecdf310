import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/* The code on the page is written to files and run as it stands. */
const here = dirname(fileURLToPath(import.meta.url));
const page = readFileSync(join(here, 'write-a-pass.md'), 'utf8');
const written = join(here, '.written', 'acme');
const files = new Map([...page.matchAll(/^```\w+ file=(\S+)\n([\s\S]*?)^```$/gm)].map((m) => [m[1]!, m[2]!]));
for (const [name, text] of files) {
  mkdirSync(dirname(join(written, name)), { recursive: true });
  writeFileSync(join(written, name), text);
}

test('the page has a pass with its tests, in under 60 lines', () => {
  const lines = ['src/index.ts', 'src/index.test.ts'].map((name) => files.get(name)?.split('\n').length ?? Infinity);
  expect(lines.reduce((a, b) => a + b)).toBeLessThan(60);
});

test('its package names the core that it works with', () => {
  const { version } = JSON.parse(readFileSync(join(here, '../packages/core/package.json'), 'utf8')) as { version: string };
  expect(JSON.parse(files.get('package.json') ?? '{}')).toMatchObject({ keywords: ['onnxpress-plugin'], peerDependencies: { '@onnxpress/core': version } });
});

await import(join(written, 'src/index.test.ts'));
