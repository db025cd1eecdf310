import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasExternalData, openModel, writeModel, type Model } from '@onnxpress/onnx';
import { weightBytes } from './facts.ts';

/** Up to here a model is one file, as its original was. Protobuf ends at 2 GiB, and the structure wants room too. */
const ONE_FILE_BYTES = 1.9e9;

/** A result as a file, before the gates have spoken: measured where it lies, then moved into place or thrown away. */
export interface Candidate {
  /** The written model, read back: what is measured is what ships. */
  readonly model: Model;
  /** Moves the model, its external data and the files that travel with it to where they belong. */
  accept(): void;
  discard(): void;
}

/**
 * Writes a model into a folder of its own beside `output`, so that moving it later is a rename. Travelling files go along
 * where the output is a folder (`withFiles`).
 */
export async function writeCandidate(model: Model, original: Model, output: string, signal: AbortSignal, withFiles: boolean): Promise<Candidate> {
  const home = dirname(output);
  const folder = join(home, `.onnxpress-${randomUUID()}`);
  mkdirSync(folder, { recursive: true });
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
      accept() {
        mkdirSync(home, { recursive: true });
        // The model's own file goes last: until then the old one, complete with its data, is what others see.
        const names = readdirSync(folder).sort((a, b) => Number(a === basename(output)) - Number(b === basename(output)));
        for (const name of names) {
          const to = join(home, name);
          if (existsSync(to) && name !== basename(output)) rmSync(to, { recursive: true });
          renameSync(join(folder, name), to);
        }
        discard();
      },
      discard,
    };
  } catch (e) {
    discard();
    throw e;
  }
}
