import { createHash, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, relative } from 'node:path';

/* Results are made in a folder of their own beside the place they are for, and then moved: moving within a file system is one step, writing is many. */

const PREFIX = '.onnxpress-';

/** A new folder inside `home`, for what will be moved there. What runs of this machine left behind that were killed is removed. */
export function workshopIn(home: string): string {
  mkdirSync(home, { recursive: true });
  sweep(home);
  const folder = join(home, `${PREFIX}${machine()}-${process.pid}-${randomUUID()}`);
  mkdirSync(folder);
  return folder;
}

/**
 * Moves every file of a workshop to its place in `home`, `last` after all others. Old files are replaced, and are back in their places when this throws;
 * only a process that dies in here can leave new files beside old ones, each of them whole.
 */
export function moveInto(home: string, workshop: string, last: string): void {
  const files = readdirSync(workshop, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => relative(workshop, join(f.parentPath, f.name)));
  const undo: (() => void)[] = [];
  try {
    for (const file of files.sort((a, b) => Number(a === last) - Number(b === last))) {
      const to = join(home, file);
      mkdirSync(dirname(to), { recursive: true });
      const old = statSync(to, { throwIfNoEntry: false })?.isFile() ? keepOld(to, join(workshop, `${randomUUID()}.old`)) : undefined;
      if (old !== undefined) undo.push(() => renameSync(old, to));
      renameSync(join(workshop, file), to);
      if (old === undefined) undo.push(() => rmSync(to));
    }
  } catch (e) {
    for (const step of undo.reverse()) step();
    throw e;
  }
}

/** Gives the old file a second name, or that name alone where files have one name only. */
function keepOld(path: string, name: string): string {
  try {
    linkSync(path, name);
  } catch {
    renameSync(path, name);
  }
  return name;
}

/** Process ids mean something within one machine and one container only, and not after the next start. */
function machine(): string {
  let space = '';
  try {
    space = readlinkSync('/proc/self/ns/pid');
  } catch {
    // only Linux tells, and only Linux has several
  }
  return createHash('sha256').update(`${hostname()} ${space}`).digest('hex').slice(0, 8);
}

function sweep(home: string): void {
  const ours = `${PREFIX}${machine()}-`;
  for (const name of readdirSync(home)) {
    const pid = name.startsWith(ours) ? Number(name.slice(ours.length).split('-')[0]) : NaN;
    if (Number.isSafeInteger(pid) && pid > 0 && !isAlive(pid)) rmSync(join(home, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return !(e instanceof Error && 'code' in e && e.code === 'ESRCH');
  }
}
