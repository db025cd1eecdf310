import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Feed } from '../services/tokens.ts';

/** Activations in memory; more than this goes to temporary files. */
const MEMORY_BYTES = 512e6;

type Place = { readonly feed: Feed } | { readonly shape: Pick<Feed, 'dtype' | 'dims'>; readonly make: (buffer: ArrayBuffer) => Feed['data']; readonly path: string };

/** The values that a calibration has computed and still needs, for each sample: in memory up to a bound, in files beyond it. */
export class Kept {
  /** The most bytes that were in memory at a time. */
  peakBytes = 0;
  readonly #limit: number;
  readonly #places = new Map<string, Place>();
  #bytes = 0;
  #folder: Promise<string> | undefined;
  #files = 0;

  constructor(limit: number = MEMORY_BYTES) {
    this.#limit = limit;
  }

  async put(sample: number, name: string, feed: Feed): Promise<void> {
    const key = `${sample} ${name}`;
    const bytes = sizeOf(feed);
    if (this.#bytes + bytes <= this.#limit || !ArrayBuffer.isView(feed.data)) {
      this.#places.set(key, { feed });
      this.#bytes += bytes;
      this.peakBytes = Math.max(this.peakBytes, this.#bytes);
      return;
    }
    const path = join(await (this.#folder ??= mkdtemp(join(tmpdir(), 'onnxpress-calibrate-'))), String(this.#files++));
    const { data } = feed;
    await writeFile(path, data as NodeJS.ArrayBufferView); // a view, asked for above
    const Kind = data.constructor as new (buffer: ArrayBuffer) => Feed['data']; // every typed array is made so
    this.#places.set(key, { shape: { dtype: feed.dtype, dims: feed.dims }, make: (buffer) => new Kind(buffer), path });
  }

  async get(sample: number, name: string): Promise<Feed> {
    const place = this.#places.get(`${sample} ${name}`);
    if (!place) throw new Error(`Nothing was kept of "${name}" for sample ${sample}.`);
    if ('feed' in place) return place.feed;
    const bytes = await readFile(place.path);
    return { ...place.shape, data: place.make(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer) }; // a Buffer of readFile lies in no shared memory
  }

  async drop(sample: number, name: string): Promise<void> {
    const key = `${sample} ${name}`;
    const place = this.#places.get(key);
    this.#places.delete(key);
    if (place && 'feed' in place) this.#bytes -= sizeOf(place.feed);
    else if (place) await rm(place.path);
  }

  async dispose(): Promise<void> {
    this.#places.clear();
    this.#bytes = 0;
    const folder = await this.#folder;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

const sizeOf = ({ data }: Feed): number => (ArrayBuffer.isView(data) ? data.byteLength : 0);
