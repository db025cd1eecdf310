import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasExternalData, openModel, ownDataFile, writeModel, type Model } from '@onnxpress/onnx';
import { ifDiskFull } from '../diagnostics/failure.ts';
import { fileBytes, weightBytes } from './facts.ts';
import { moveInto, workshopIn } from './place.ts';

/** Up to here a model is one file, as its original was. Protobuf ends at 2 GiB, and the structure wants room too. */
const ONE_FILE_BYTES = 1.9e9;

/** A result as a file, before the gates have spoken: measured where it lies, then moved into place or thrown away. */
export interface Candidate {
  /** The written model, read back: what is measured is what ships. */
  readonly model: Model;
  /** Where it lies. What else is written in here moves along. */
  readonly folder: string;
  /**
   * Moves the model, its external data and the files that travel with it to where they belong. Where that fails, the old ones stay; otherwise the data
   * file of the model that was there goes, where the new one has none.
   */
  accept(): void;
  discard(): void;
}

/**
 * Writes a model into a folder of its own beside `output`, so that moving it later is a rename. Travelling files go along
 * where the output is a folder (`withFiles`).
 */
export async function writeCandidate(model: Model, original: Model, output: string, signal: AbortSignal, withFiles: boolean): Promise<Candidate> {
  const home = dirname(output);
  const folder = workshopIn(home);
  const discard = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const path = join(folder, basename(output));
    await writeModel(model, path, { signal, external: hasExternalData(original) || weightBytes(model) > ONE_FILE_BYTES ? 'always' : 'never' });
    for (const [name, file] of withFiles ? model.files : []) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), file.bytes());
    }
    const written = openModel(path);
    for (const [name, file] of model.files) written.files.set(name, file);
    return {
      model: written.settle(),
      folder,
      accept() {
        const old = ownDataFile(output);
        const isReplaced = old !== undefined && existsSync(join(folder, basename(old)));
        moveInto(home, folder, basename(output)); // the model last: it is what says that a result is there
        if (old !== undefined && !isReplaced) rmSync(old, { force: true });
        discard();
      },
      discard,
    };
  } catch (e) {
    discard();
    throw ifDiskFull(e, output, () => fileBytes(model));
  }
}
