/**
 * Joins a package's modules into one file per entry (chunks for what is imported lazily): a process that loads hundreds of small modules waits longer for
 * the loader than for the work. Other packages stay imports. Run in a package's folder, after tsc has written the declarations: node ../../scripts/bundle.mjs
 */
import { existsSync, readFileSync } from 'node:fs';
import { rolldown } from 'rolldown';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const sources = Object.values(manifest.exports).flatMap((e) => (typeof e === 'object' ? [e['@onnxpress/source']] : []));
const bins = existsSync('src/main.ts') ? ['./src/main.ts'] : [];
const input = Object.fromEntries([...sources, ...bins].map((path) => [path.replace('./src/', '').replace(/\.ts$/, ''), path]));

const bundle = await rolldown({ input, platform: 'node', external: (id) => !id.startsWith('.') && !id.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(id), treeshake: { moduleSideEffects: true } });
await bundle.write({ dir: 'dist', format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' });
