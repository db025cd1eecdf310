import { closeSync, existsSync, fdatasync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';

/** The calls that writing a model makes. Each throws as node:fs does. */
export interface FileSystem {
  makeFolder(path: string): void;
  isFolder(path: string): boolean;
  exists(path: string): boolean;
  /** Creates a file, which must not be there yet, and returns its descriptor. */
  create(path: string): number;
  /** Writes at a position and returns how many bytes: at least one, perhaps not all. */
  write(descriptor: number, bytes: Uint8Array, position: number): number;
  /** Returns when the file is safe from a power failure. */
  sync(descriptor: number): void;
  /** Begins to bring what was written so far to the disk, while more is written; done when that is there. */
  flush?(descriptor: number): Promise<void>;
  close(descriptor: number): void;
  /** Replaces what is at `to`. */
  rename(from: string, to: string): void;
  /** Gives a file a second name. */
  link(from: string, to: string): void;
  remove(path: string): void;
  /** Makes the names in a folder safe, where the system can. */
  syncFolder(path: string): void;
  /** Free bytes for files in a folder, where the system tells. */
  freeBytes(folder: string): number | undefined;
}

/** The file system of the machine. */
export const nodeFileSystem: FileSystem = {
  makeFolder: (path) => void mkdirSync(path, { recursive: true }),
  isFolder: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  exists: existsSync,
  create: (path) => openSync(path, 'wx'),
  write: (descriptor, bytes, position) => writeSync(descriptor, bytes, 0, bytes.length, position),
  sync: fsyncSync,
  flush: (descriptor) => new Promise((done, failed) => fdatasync(descriptor, (cause) => (cause ? failed(cause) : done()))),
  close: closeSync,
  rename: renameSync,
  link: linkSync,
  remove: (path) => rmSync(path, { force: true }),
  syncFolder(path) {
    const descriptor = openSync(path, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  freeBytes(folder) {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  },
};
