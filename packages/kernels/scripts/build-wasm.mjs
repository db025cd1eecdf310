/**
 * Compiles assembly/*.ts and writes the module, with the types of its exports, to src/kernels.wasm.gen.ts: whoever runs the sources needs no build.
 * Compiles nothing where the file was made from these very sources.
 * Usage: node scripts/build-wasm.mjs [--check]     --check compiles in any case, writes nothing, and fails where the file differs.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc, { version } from 'assemblyscript/asc';

const home = fileURLToPath(new URL('..', import.meta.url));
const output = join(home, 'src/kernels.wasm.gen.ts');
const sources = readdirSync(join(home, 'assembly')).filter((name) => name.endsWith('.ts')).sort();
const fingerprint = hashOf([version, readFileSync(fileURLToPath(import.meta.url), 'utf8'), ...sources.flatMap((name) => [name, readFileSync(join(home, 'assembly', name), 'utf8')])]);
const written = existsSync(output) ? readFileSync(output, 'utf8') : '';

if (process.argv.includes('--check')) {
  if (written !== (await made())) {
    console.error('src/kernels.wasm.gen.ts is not what assembly/ compiles to. Run: node packages/kernels/scripts/build-wasm.mjs');
    process.exitCode = 1;
  }
} else if (!written.includes(fingerprint)) writeFileSync(output, await made());

async function made() {
  return generated(await compiled(), exportsOf(join(home, 'assembly')));
}

function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('hex');
}

/** The bytes of the module. The same sources give the same bytes. */
async function compiled() {
  let bytes;
  const { error, stderr } = await asc.main(
    [
      'assembly/index.ts', '--outFile', 'kernels.wasm', '--optimizeLevel', '3', '--shrinkLevel', '0', '--noAssert', '--runtime', 'stub',
      '--enable', 'simd', '--enable', 'threads', '--enable', 'bulk-memory', '--enable', 'mutable-globals',
      '--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536',
      '--disableWarning', '112', // vectors in the signatures of functions that are not exported from the module
    ],
    {
      readFile: (name) => { try { return readFileSync(join(home, name), 'utf8'); } catch { return null; } },
      writeFile: (_name, contents) => { bytes = contents; },
      listFiles: (folder) => readdirSync(join(home, folder)),
    },
  );
  if (error) throw new Error(`The kernels do not compile.\n${stderr}`);
  return bytes;
}

/** What index.ts exports, with the signatures found beside it: [name, parameters, result]. */
function exportsOf(folder) {
  const index = readFileSync(join(folder, 'index.ts'), 'utf8');
  return [...index.matchAll(/export \{([^}]*)\} from '\.\/([\w/-]+)'/g)].flatMap(([, names, file]) => {
    const source = readFileSync(join(folder, `${file}.ts`), 'utf8');
    return names.split(',').map((name) => signatureOf(source, name.trim()));
  }).sort(([a], [b]) => (a < b ? -1 : 1));
}

function signatureOf(source, name) {
  const found = new RegExp(`export function ${name}\\(([^)]*)\\): (\\w+)`).exec(source);
  if (found === null) throw new Error(`index.ts exports ${name}, which is no function there.`);
  const parameters = found[1].split(',').map((p) => p.trim().split(':')[0]).filter((p) => p !== '');
  return [name, parameters, found[2] === 'void' ? 'void' : 'number'];
}

function generated(bytes, signatures) {
  const base64 = Buffer.from(bytes).toString('base64').replace(/.{1,160}/g, "  '$&',\n");
  const members = signatures.map(([name, parameters, result]) => `  ${name}(${parameters.map((p) => `${p}: number`).join(', ')}): ${result};\n`).join('');
  return `// Made by scripts/build-wasm.mjs from assembly/*.ts; do not edit.
// Sources: ${fingerprint}

/** What the module exports. Pointers are byte offsets into its memory; what each function does is said in assembly/. */
export interface RawKernels {
${members}}

/** The module, base64. */
export const KERNELS_WASM = [
${base64}].join('');
`;
}
