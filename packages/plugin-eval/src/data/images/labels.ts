import { basename, dirname } from 'node:path/posix';
import { noLabels } from '../../problems.ts';
import { linesOf } from '../lines.ts';

/** Of each image what it shows: its folder's name, or what a .csv file says in lines "image,label"; a line about something else, such as a header, says nothing. */
export async function labelsOf(images: readonly string[], from: string, resolve: (path: string) => string): Promise<readonly (string | undefined)[]> {
  const labels = from === 'folder' ? new Map(images.map((image) => [image, basename(dirname(image))])) : await readCsv(resolve(from));
  const found = images.map((image) => (labels.get(image) === '.' ? undefined : labels.get(image)));
  if (found.every((label) => label === undefined)) throw noLabels(from);
  return found;
}

async function readCsv(file: string): Promise<ReadonlyMap<string, string>> {
  const labels = new Map<string, string>();
  for await (const { text } of linesOf(file)) {
    const comma = text.lastIndexOf(',');
    if (comma > 0) labels.set(unquoted(text.slice(0, comma)).replaceAll('\\', '/'), unquoted(text.slice(comma + 1)));
  }
  return labels;
}

const unquoted = (field: string): string => field.trim().replace(/^"(.*)"$/, '$1').replaceAll('""', '"');
