import { stat } from 'node:fs/promises';

/** What a file looked like: its size, place, and times of change to the nanosecond. */
export interface SourceState {
  readonly file: string;
  readonly state: string;
}

/** Notes how files look now. */
export async function stateOf(files: readonly string[]): Promise<SourceState[]> {
  return Promise.all(files.map(async (file) => ({ file, state: await look(file) })));
}

/** The first file that looks different from what was noted, or is gone; undefined where none does. */
export async function changedSince(noted: readonly SourceState[]): Promise<string | undefined> {
  for (const { file, state } of noted) if ((await look(file).catch(() => 'gone')) !== state) return file;
  return undefined;
}

async function look(file: string): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(file, { bigint: true });
  return [size, mtimeNs, ctimeNs, ino].join(' ');
}
