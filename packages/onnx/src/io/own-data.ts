import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { OnnxError } from '../error.ts';
import { externalFilesOf } from './external.ts';
import { heldFile } from './held-file.ts';
import { readModel } from './read.ts';

/** What a model's data file is called where nobody says otherwise. */
export const defaultDataName = (modelName: string): string => `${modelName}.data`;

/**
 * The data file that the model at `path` has under its default name: it belongs to this model alone, and is waste when the model goes. undefined where
 * there is no such file, where the model does not refer to it, and where the model cannot be read.
 */
export function ownDataFile(path: string): string | undefined {
  const data = defaultDataName(resolve(path));
  if (!existsSync(data)) return undefined;
  const files = externalFilesOf(path);
  let isRead = false;
  try {
    readModel(heldFile(path), {
      open(entry) {
        if (resolve(dirname(data), entry.location) === data) isRead = true;
        return files.open(entry);
      },
    });
  } catch (cause) {
    if (!(cause instanceof OnnxError)) throw cause;
    return undefined;
  }
  return isRead ? data : undefined;
}
