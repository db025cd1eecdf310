import { dirname, isAbsolute, join, resolve } from 'node:path';
import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import { isMap } from '../diagnostics/words.ts';
import type { Files } from '../services/tokens.ts';
import { Source, type Path, type Pointing } from './source.ts';

/** Recipes that extend each other in a row. */
const DEPTH_LIMIT = 8;
/** Sections whose entries are joined; an entry itself is replaced whole. */
const JOINED: ReadonlySet<string> = new Set(['data', 'gates', 'matrix', 'runtime', 'requires']);

export interface ReadRecipe {
  readonly source: Pointing;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a recipe and all that it extends. Never throws for what the files say or for files that cannot be read: that is told. */
export async function readRecipe(file: string, files: Files): Promise<ReadRecipe> {
  const { layers, diagnostics } = await readLayers(file, resolve(file), files, [], undefined);
  const [first] = layers;
  const source = layers.length > 1 ? new Layers(layers) : first ?? new Source(file, '');
  return { source, diagnostics };
}

interface Read {
  readonly layers: readonly Source[];
  readonly diagnostics: readonly Diagnostic[];
}

/** `chain` holds the absolute paths of those that led here; `at` is where this one is asked for. */
async function readLayers(file: string, path: string, files: Files, chain: readonly string[], at: Span | undefined): Promise<Read> {
  if (at && chain.includes(path)) return { layers: [], diagnostics: [say.extendsCycle([...chain.slice(chain.indexOf(path)), path].map((p) => nameFrom(file, path, p)), at)] };
  if (at && chain.length >= DEPTH_LIMIT) return { layers: [], diagnostics: [say.extendsTooDeep(DEPTH_LIMIT, at)] };
  const read = await readText(file, path, files, at);
  if (typeof read !== 'string') return { layers: [], diagnostics: [read] };

  const source = new Source(file, read, path);
  const base: unknown = isMap(source.data) ? source.data['extends'] : undefined;
  if (typeof base !== 'string' || base === '') return { layers: [source], diagnostics: source.problems };
  const name = isAbsolute(base) ? base : join(dirname(file), base);
  const below = await readLayers(name, resolve(dirname(path), base), files, [...chain, path], source.at(['extends']));
  return { layers: [source, ...below.layers], diagnostics: [...source.problems, ...below.diagnostics] };
}

/** How messages name another file of the chain: as they name this one, with the path that leads to it. */
const nameFrom = (file: string, path: string, other: string): string => (path.endsWith(file) && other.startsWith(path.slice(0, -file.length)) ? other.slice(path.length - file.length) : other);

async function readText(file: string, path: string, files: Files, at: Span | undefined): Promise<string | Diagnostic> {
  try {
    return await files.readText(path);
  } catch (e) {
    const code: unknown = e instanceof Error && 'code' in e ? e.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return say.noSuchFile(file, 'The recipe', at);
    if (code === 'EISDIR') return say.notAFile(file, at);
    if (code === 'ERR_STRING_TOO_LONG' || code === 'ERR_FS_FILE_TOO_LARGE') return say.tooLargeToRead(file, at);
    return say.noAccess(file, 'read', at);
  }
}

/** A recipe over its bases: one tree, whose places are in several files. */
class Layers implements Pointing {
  readonly file: string;
  readonly data: unknown;
  readonly #layers: readonly Source[];

  /** The first overrides the others. */
  constructor(layers: readonly Source[]) {
    this.#layers = layers;
    this.file = layers[0]?.file ?? '';
    this.data = layers.map((l) => l.data).reduceRight((base, over) => joined(base, over));
  }

  at(path: Path): Span {
    return this.#owner(path).at(path);
  }

  atKey(path: Path, key: string): Span {
    return this.#owner([...path, key]).atKey(path, key);
  }

  originOf(path: Path): string {
    return this.#owner(path).originOf();
  }

  /** The layer that has the last word on a path. */
  #owner([key, entry]: Path): Source {
    const having = this.#layers.filter((l) => isMap(l.data) && key !== undefined && Object.hasOwn(l.data, key));
    const [first = this.#layers[0]!] = having;
    if (entry === undefined || !JOINED.has(String(key))) return first;
    const end = having.findIndex((l) => !isMap(sectionOf(l, key!)));
    const joint = end < 0 ? having : having.slice(0, end);
    return joint.find((l) => Object.hasOwn(sectionOf(l, key!) as object, entry)) ?? first; // the lines above kept maps only
  }
}

const sectionOf = (layer: Source, key: string | number): unknown => (isMap(layer.data) ? layer.data[key] : undefined);

function joined(base: unknown, over: unknown): unknown {
  if (!isMap(over)) return over === undefined ? base : over;
  if (!isMap(base)) return over;
  const { extends: _, ...inherited } = base;
  const sections = Object.entries(over).map(([key, value]) => {
    const below = Object.hasOwn(inherited, key) ? inherited[key] : undefined;
    return [key, JOINED.has(key) && isMap(below) && isMap(value) ? { ...below, ...value } : value] as const;
  });
  return { ...inherited, ...Object.fromEntries(sections) };
}
