import { fileSource, type FileSource } from '../wire/source.ts';

const abandoned = new FinalizationRegistry<FileSource>((file) => file.close());

/**
 * Opens a file that stays open as long as anybody holds the source, and is closed some time after. A tensor thus reads the
 * bytes it was made of, also when the file has been replaced under its name since: a model may be written where it came from.
 */
export function heldFile(path: string): FileSource {
  const file = fileSource(path);
  const held: FileSource = {
    size: file.size,
    name: file.name,
    path: file.path,
    descriptor: file.descriptor,
    read: (into, position) => file.read(into, position),
    close: () => {
      abandoned.unregister(held);
      file.close();
    },
  };
  abandoned.register(held, file, held);
  return held;
}
