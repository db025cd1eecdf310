import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { machine } from './machine.ts';
import { OrtThreads } from './ort.ts';
import { Services } from './services.ts';
import { Clock, Files, Log, Machine, Runtime } from './tokens.ts';

/** The services of a host on Node: what it binds may be replaced with `set`, one by one. */
export function hostServices(): Services {
  return new Services()
    .set(Clock, { now: () => Date.now(), ticks: () => performance.now() })
    .set(Log, { info: toStderr, warn: toStderr })
    .set(Files, nodeFiles)
    .set(Machine, machine())
    .make(Runtime, OrtThreads);
}

/** Standard output belongs to results. */
function toStderr(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** Files of the operating system. */
export const nodeFiles: Files = {
  readText: (path) => readFile(path, 'utf8'),
  exists: (path) => access(path, constants.F_OK).then(() => true, () => false),
  writeText,
};

/** The temporary file lies beside the target, since a rename is atomic within one file system only; it is flushed first, or a crash could leave the new name on an empty file. */
async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomUUID()}.tmp`);
  try {
    await using(await open(temporary, 'wx'), async (file) => {
      await file.writeFile(text);
      await file.sync();
    });
    await rename(temporary, path);
  } catch (e) {
    await rm(temporary, { force: true });
    throw e;
  }
}

async function using(file: FileHandle, act: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await act(file);
  } finally {
    await file.close();
  }
}
