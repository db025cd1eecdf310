import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder with these files. `atEnd` is told how to remove it: the runner's onTestFinished. */
export function folderWith(files: Readonly<Record<string, string | readonly string[]>>, atEnd: (remove: () => void) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'onnxpress-eval-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : content.map((line) => `${line}\n`).join(''));
  }
  return folder;
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
