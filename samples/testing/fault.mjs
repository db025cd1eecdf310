/*
 * Loaded before the command line (node --import), makes the file system fail at a change below FAULT_UNDER:
 *   FAULT=count      writes into FAULT_COUNT how many changes there were, and how many of them take room
 *   FAULT=kill:n     the process is gone before the n-th change
 *   FAULT=ENOSPC:n   from the n-th change that takes room on, none succeeds
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve, sep } from 'node:path';

const { FAULT = '', FAULT_UNDER = '', FAULT_COUNT = '' } = process.env;
const [what, at] = FAULT.split(':');
const opened = new Map();
let [changes, growths] = [0, 0];

const concerns = (path) => `${typeof path === 'number' ? opened.get(path) : resolve(String(path))}${sep}`.startsWith(FAULT_UNDER + sep);
const grows = new Set(['openSync', 'writeSync', 'mkdirSync', 'writeFileSync', 'open', 'writeFile', 'mkdir']);

function change(call, path) {
  if (!concerns(path)) return;
  changes++;
  if (what === 'kill' && changes >= Number(at)) process.kill(process.pid, 'SIGKILL');
  if (!grows.has(call)) return;
  growths++;
  if (what === 'ENOSPC' && growths >= Number(at)) throw Object.assign(new Error(`ENOSPC: no space left on device, ${call}`), { code: 'ENOSPC', errno: -28, syscall: call.replace('Sync', '') });
}

const isWriting = (flags) => typeof flags === 'string' && /[wa+]/.test(flags);

for (const call of ['writeSync', 'fsyncSync', 'renameSync', 'linkSync', 'mkdirSync', 'writeFileSync', 'rmSync']) {
  const real = fs[call];
  fs[call] = (path, ...rest) => (change(call, path), real(path, ...rest));
}
const { openSync } = fs;
fs.openSync = (path, flags, ...rest) => {
  if (isWriting(flags)) change('openSync', path);
  const descriptor = openSync(path, flags, ...rest);
  opened.set(descriptor, resolve(String(path)));
  return descriptor;
};
for (const call of ['rename', 'mkdir', 'writeFile', 'rm']) {
  const real = fs.promises[call];
  fs.promises[call] = async (path, ...rest) => (change(call, path), real(path, ...rest));
}
const { open } = fs.promises;
fs.promises.open = async (path, flags, ...rest) => {
  if (isWriting(flags)) change('open', path);
  return open(path, flags, ...rest);
};
syncBuiltinESMExports();

if (what === 'count') process.on('exit', () => fs.writeFileSync(FAULT_COUNT, `${changes} ${growths}`));
