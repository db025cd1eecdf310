/**
 * Joins a package's modules into one file per entry (chunks for what is imported lazily): a process that loads hundreds of small modules waits longer for
 * the loader than for the work. Our other packages stay imports, and so do libraries, except small ones of many files that every command needs; their
 * licences go along. Run in a package's folder: node ../../scripts/bundle.mjs
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

/** Measured: without these and what they need, `onnxpress check` takes a third longer. */
const JOINED = new Set(['ajv', 'commander', 'picomatch', 'reflect-metadata', 'tsyringe', 'yaml']);
const NEEDED_BY_THEM = new Set(['fast-deep-equal', 'fast-uri', 'json-schema-traverse', 'require-from-string', 'tslib']);

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const sources = Object.values(manifest.exports).flatMap((e) => (typeof e === 'object' ? [e['@onnxpress/source']] : []));
const bins = existsSync('src/main.ts') ? ['./src/main.ts'] : [];
const input = Object.fromEntries([...sources, ...bins].map((path) => [path.replace('./src/', '').replace(/\.ts$/, ''), path]));

const isFile = (id) => id.startsWith('.') || id.startsWith('/') || /^[A-Za-z]:[\\/]/.test(id);
const packageOf = (id) => id.split('/').slice(0, id.startsWith('@') ? 2 : 1).join('/');
const external = (id) => !isFile(id) && !JOINED.has(packageOf(id)) && !NEEDED_BY_THEM.has(packageOf(id));

const bundle = await rolldown({ input, platform: 'node', external, treeshake: { moduleSideEffects: true } });
const { output } = await bundle.write({ dir: 'dist', format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' });

const folders = new Set(output.flatMap((chunk) => ('moduleIds' in chunk ? chunk.moduleIds : [])).flatMap((id) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0] ?? []));
const licences = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : `Its package holds no text of the ${license} licence.`}\n`;
});
if (licences.length) writeFileSync('dist/THIRD-PARTY-LICENCES.txt', licences.join(`\n${'-'.repeat(80)}\n\n`));
