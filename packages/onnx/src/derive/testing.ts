import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { heldFile } from '../io/held-file.ts';
import { storedTensor } from '../io/stored-tensor.ts';
import { writeTensors, type PlacedTensor } from '../io/write-pieces.ts';
import type { Tensor } from '../ir/tensor.ts';

/** A folder for tensors in files. */
export class TensorFolder {
  readonly #path = mkdtempSync(join(tmpdir(), 'onnxpress-derive-'));
  #count = 0;

  /** The same numbers in a file, behind a few other bytes. */
  inFile(tensor: Tensor): Tensor {
    const path = join(this.#path, `${this.#count++}`);
    writeFileSync(path, Buffer.concat([Buffer.from('head'), tensor.bytes()]));
    return storedTensor(tensor.dtype, tensor.dims, heldFile(path), 4);
  }

  /** What tensors write into a file, each for itself. */
  async written(...tensors: readonly Tensor[]): Promise<Uint8Array[]> {
    const path = join(this.#path, `${this.#count++}`);
    const placed: PlacedTensor[] = [];
    let end = 64;
    for (const tensor of tensors) {
      placed.push({ tensor, offset: end });
      end += tensor.byteLength;
    }
    const descriptor = openSync(path, 'w+');
    try {
      await writeTensors(descriptor, path, placed);
    } finally {
      closeSync(descriptor);
    }
    const bytes = readFileSync(path);
    return placed.map(({ tensor, offset }) => bytes.subarray(offset, offset + tensor.byteLength));
  }

  remove(): void {
    rmSync(this.#path, { recursive: true });
  }
}
