import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HOUSE, type CallOptions, type Ended } from './cli.ts';
import type { Project } from './project.ts';

const PRELOAD = pathToFileURL(join(HOUSE, 'samples/testing/fault.mjs')).href;

/** Options under which a run meets a fault at the n-th change of the project's files; a full disk, at the n-th that takes room. */
export const faulty = (project: Project, fault: 'kill' | 'ENOSPC', n: number): CallOptions => ({ node: ['--import', PRELOAD], env: { FAULT: `${fault}:${n}`, FAULT_UNDER: project.folder } });

/** A whole run, and how many changes of the project's files it made, and how many of them take room. */
export async function countedRun(project: Project): Promise<{ readonly ended: Ended; readonly changes: number; readonly growths: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'onnxpress-count-'));
  try {
    const file = join(folder, 'count');
    const ended = await project.run('run', { node: ['--import', PRELOAD], env: { FAULT: 'count', FAULT_UNDER: project.folder, FAULT_COUNT: file } });
    const [changes = 0, growths = 0] = readFileSync(file, 'utf8').split(' ').map(Number);
    return { ended, changes, growths };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** So many whole numbers from 1 to `to`, the ends among them, evenly apart. */
export const spread = (count: number, to: number): number[] => [...new Set(Array.from({ length: count }, (_, i) => 1 + Math.round((i * (to - 1)) / (count - 1))))];
