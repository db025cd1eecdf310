/**
 * What a worker calls for files, as text: part of WORKER_SOURCE. `startRead` begins what `finishRead` waits for, so that the disk is read while kernels compute.
 *
 * Where the system can (Linux), what is not in its page cache goes from the disk straight into the memory of the kernels: that costs a third of the processor time,
 * and leaves the cache to others. Whether a range is cached tells the time that one byte of it takes; the descriptor for direct reading is a second one
 * of the same open file. Wherever that is refused, files are read as usual.
 */
export const FILE_CALLS_SOURCE = `
const { closeSync, constants, openSync, read, readSync, writeSync } = require('node:fs');

/** Direct reading is for whole pages, and for ranges that are worth it. */
const PAGE = 4096, WORTH_DIRECT = 2 ** 20;
/** One byte from the page cache takes a few microseconds, from a disk ten times that. */
const CACHED_MS = 0.03;
/** A range that was not cached says the same of so many after it: asking a busy disk takes its time. */
const TRUSTED = 32;

function fileCalls(memory) {
  const direct = new Map();
  let pending;
  let uncached = 0;

  const isCached = (descriptor, position) => {
    if (uncached > 0) return uncached-- === 0;
    const started = performance.now();
    readSync(descriptor, new Uint8Array(1), 0, 1, position);
    const cached = performance.now() - started < CACHED_MS;
    if (!cached) uncached = TRUSTED;
    return cached;
  };

  /** A descriptor for direct reading, or undefined. */
  const directly = (descriptor) => {
    if (direct.has(descriptor)) return direct.get(descriptor);
    let second;
    try {
      if (process.platform === 'linux' && constants.O_DIRECT) second = openSync('/proc/self/fd/' + descriptor, constants.O_RDONLY | constants.O_DIRECT);
    } catch {
      // no such file system, or no /proc
    }
    direct.set(descriptor, second);
    return second;
  };

  /** The parts in which a range is read: [descriptor, position, pointer, bytes]. */
  const partsOf = (descriptor, position, pointer, bytes) => {
    const whole = [[descriptor, position, pointer, bytes]];
    if (bytes < WORTH_DIRECT || (position - pointer) % PAGE !== 0 || isCached(descriptor, position + Math.floor(bytes / 2))) return whole;
    const second = directly(descriptor);
    if (second === undefined) return whole;
    const head = (PAGE - (position % PAGE)) % PAGE, middle = Math.floor((bytes - head) / PAGE) * PAGE, tail = bytes - head - middle;
    return [[descriptor, position, pointer, head], [second, position + head, pointer + head, middle], [descriptor, position + head + middle, pointer + head + middle, tail]].filter(([, , , length]) => length > 0);
  };

  const view = (pointer, bytes) => new Uint8Array(memory.buffer, pointer, bytes);
  const tooShort = (at, bytes) => new Error('The file ends at ' + at + ', and ' + bytes + ' bytes more were to be read. Was it changed meanwhile?');
  /** The same range through the page cache, where direct reading was refused after all. */
  const again = (descriptor, position, pointer, bytes, error) => {
    const [first] = [...direct].find(([, second]) => second === descriptor) ?? [];
    if (first === undefined || error.code !== 'EINVAL') throw error;
    direct.set(first, undefined);
    closeSync(descriptor);
    return [first, position, pointer, bytes];
  };

  const readPart = (descriptor, position, pointer, bytes) => {
    const into = view(pointer, bytes);
    for (let done = 0; done < bytes;) {
      const count = readSync(descriptor, into, done, bytes - done, position + done);
      if (count === 0) throw tooShort(position + done, bytes - done);
      done += count;
    }
  };
  const someOf = (descriptor, into, done, bytes, position) => new Promise((resolve, reject) => read(descriptor, into, done, bytes, position, (error, count) => (error ? reject(error) : resolve(count))));
  const readPartBeside = async (descriptor, position, pointer, bytes) => {
    const into = view(pointer, bytes);
    for (let done = 0; done < bytes;) {
      const count = await someOf(descriptor, into, done, bytes - done, position + done);
      if (count === 0) throw tooShort(position + done, bytes - done);
      done += count;
    }
  };
  const readBeside = async (...range) => {
    for (const part of partsOf(...range)) await readPartBeside(...part).catch((error) => readPartBeside(...again(...part, error)));
  };

  const readFile = (...range) => {
    for (const part of partsOf(...range)) {
      try {
        readPart(...part);
      } catch (error) {
        readPart(...again(...part, error));
      }
    }
  };
  const calls = {
    readFile,
    readRows(descriptor, position, stride, rows, pointer, bytes) {
      for (let row = 0; row < rows; row++) readPart(descriptor, position + row * stride, pointer + row * bytes, bytes);
    },
    startRead(...range) {
      pending = readBeside(...range);
      pending.catch(() => {}); // finishRead throws it
    },
    async finishRead() {
      await pending;
      pending = undefined;
    },
    writeFile(descriptor, position, pointer, bytes) {
      const from = view(pointer, bytes);
      for (let done = 0; done < bytes;) done += writeSync(descriptor, from, done, bytes - done, position + done);
    },
  };
  return {
    calls,
    /** When nothing is being read any more. */
    async close() {
      await pending?.catch(() => {});
      for (const second of direct.values()) if (second !== undefined) closeSync(second);
    },
  };
}
`;
