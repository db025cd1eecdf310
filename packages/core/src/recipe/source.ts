/* The only file that knows the YAML parser. */
import { resolve } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, Lexer, parseDocument, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import { tooDeepAt } from './depth.ts';
import { explainSyntax } from './syntax.ts';

/** A way into a recipe's tree: keys and indices. */
export type Path = readonly (string | number)[];

/** A tree that can point at the text it came from. */
export interface Pointing {
  /** The file as messages name it. */
  readonly file: string;
  readonly data: unknown;
  /** The value at a path; where there is none, the nearest thing around it. */
  at(path: Path): Span;
  /** The key itself, for what should not be there at all. */
  atKey(path: Path, key: string): Span;
  /** Absolute path of the file that says what stands at a path: relative paths start from its folder. */
  originOf(path: Path): string;
}

/** Bytes of a recipe. Data belongs into files of its own. */
const SIZE_LIMIT = 256_000;
/** Aliases in one recipe. They may not be nested, so a recipe never grows beyond this many times its text. */
const ALIAS_LIMIT = 32;
/** Syntax errors worth telling: the rest follows from the first. */
const SYNTAX_LIMIT = 20;

/**
 * A recipe's text and its tree, where every path can be pointed at. YAML 1.2, core schema, no tags, one document, unique keys.
 * Never throws: what is wrong with the text is in `problems`, and `data` is undefined if nothing can be made of it.
 */
export class Source implements Pointing {
  readonly file: string;
  readonly text: string;
  readonly data: unknown;
  readonly problems: readonly Diagnostic[];
  readonly #path: string;
  #root: Node | null = null;
  readonly #anchors = new Map<string, Node>();
  readonly #found: Diagnostic[] = [];
  #aliases = 0;

  /** `file` is the name in messages; `path` the absolute path, if the name is not relative to the working directory. */
  constructor(file: string, text: string, path: string = resolve(file)) {
    this.file = file;
    this.text = text.replace(/^\ufeff/, '');
    this.#path = path;
    const tree = this.#parse();
    this.problems = this.#found;
    this.data = tree;
  }

  at(path: Path): Span {
    let node: Node | null | undefined = this.#root;
    for (const key of path) {
      const next: Node | null | undefined = this.#child(node, key);
      if (!next || isEmpty(next)) return this.#entry(node, key) ?? this.#span((next ?? node)?.range);
      node = next;
    }
    return this.#span(this.#resolved(node)?.range);
  }

  atKey(path: Path, key: string): Span {
    return this.#entry(this.#nodeAt(path), key) ?? this.at(path);
  }

  originOf(): string {
    return this.#path;
  }

  #parse(): unknown {
    const size = Buffer.byteLength(this.text);
    if (size > SIZE_LIMIT) return this.#fail(say.recipeTooLarge(size, SIZE_LIMIT, this.#span([0, 0])));
    const odd = this.text.search(/[\ufffd\0]/);
    if (odd >= 0) return this.#fail(say.notUtf8(this.#span([odd, odd + 1])));
    const deep = tooDeepAt(new Lexer().lex(this.text));
    if (deep !== undefined) return this.#fail(say.tooDeep(this.#span([deep, deep + 1])));
    // Unique keys are checked below: the parser's own check takes seconds for a large map.
    const document = parseDocument(this.text, { version: '1.2', schema: 'core', merge: false, stringKeys: true, resolveKnownTags: false, uniqueKeys: false, prettyErrors: false, logLevel: 'error' });
    const errors = onePerLine(this.text, document.errors.slice(0, 10 * SYNTAX_LIMIT)).slice(0, SYNTAX_LIMIT);
    for (const e of errors) this.#found.push(e.code === 'MULTIPLE_DOCS' ? say.multipleDocuments(this.#span(e.pos)) : explainSyntax(e.code, e.message, this.#span(e.pos)));
    for (const w of document.warnings.slice(0, SYNTAX_LIMIT)) this.#found.push(w.code === 'TAG_RESOLVE_FAILED' ? say.yamlTag(this.text.slice(...w.pos), this.#span(w.pos)) : say.yamlSyntax(`${w.message}.`, this.#span(w.pos)));
    if (errors.length > 0) return undefined;
    this.#root = document.contents;
    const data = this.#value(document.contents, false);
    return data === undefined || data === null ? this.#fail(say.emptyRecipe(this.#span([0, 0]))) : data;
  }

  #fail(problem: Diagnostic): undefined {
    this.#found.push(problem);
  }

  /** Plain data for a node. Keys such as `__proto__` become keys like any other. */
  #value(node: Node | null, anchored: boolean): unknown {
    if (isAlias(node)) return this.#aliased(node.source, anchored, node);
    const inside = anchored || hasAnchor(node);
    const value = isMap(node) ? this.#map(node, inside) : isSeq(node) ? node.items.map((item) => this.#value(item as Node | null, inside)) : isScalar(node) ? node.value : null; // items of a parsed list are nodes
    if (hasAnchor(node)) this.#anchors.set(node.anchor, node);
    return value;
  }

  #map(node: YAMLMap, anchored: boolean): unknown {
    const seen = new Set<string>();
    const entries = (node.items as Pair<Scalar, Node | null>[]).map((pair) => { // string keys only, or there would be an error by now
      const key = keyOf(pair);
      if (seen.has(key)) this.#found.push(say.duplicateKey(key, this.#span(pair.key.range)));
      seen.add(key);
      return [key, this.#value(pair.value, anchored)] as const;
    });
    return Object.fromEntries(entries);
  }

  #aliased(name: string, anchored: boolean, alias: Node): unknown {
    const at = this.#span(alias.range);
    const target = this.#anchors.get(name);
    if (anchored) return this.#fail(say.aliasNested(at));
    if (++this.#aliases > ALIAS_LIMIT) return this.#aliases === ALIAS_LIMIT + 1 ? this.#fail(say.tooManyAliases(ALIAS_LIMIT, at)) : undefined;
    return target ? this.#value(target, true) : this.#fail(say.unknownAlias(name, [...this.#anchors.keys()], at));
  }

  #nodeAt(path: Path): Node | null | undefined {
    return path.reduce<Node | null | undefined>((node, key) => this.#child(node, key), this.#root);
  }

  #child(from: Node | null | undefined, key: string | number): Node | null | undefined {
    const node = this.#resolved(from);
    if (isSeq(node)) return node.items[Number(key)] as Node | undefined;
    return this.#pair(node, key)?.value;
  }

  #pair(from: Node | null | undefined, key: string | number): Pair<Scalar, Node | null> | undefined {
    const node = this.#resolved(from);
    return isMap(node) ? (node.items as Pair<Scalar, Node | null>[]).findLast((p) => keyOf(p) === String(key)) : undefined;
  }

  #entry(node: Node | null | undefined, key: string | number): Span | undefined {
    const range = this.#pair(node, key)?.key.range;
    return range ? this.#span(range) : undefined;
  }

  #resolved(node: Node | null | undefined): Node | null | undefined {
    return isAlias(node) ? this.#anchors.get(node.source) : node;
  }

  /** A range without the white space that a block drags along. */
  #span(range: readonly [number, number, ...unknown[]] | null | undefined): Span {
    const start = Math.min(range?.[0] ?? 0, this.text.length);
    const end = start + this.text.slice(start, range?.[1] ?? start).trimEnd().length;
    return { file: this.file, text: this.text, start, end };
  }
}

const keyOf = (pair: Pair<Scalar, unknown>): string => String(pair.key.value ?? '');
const isEmpty = (node: Node): boolean => !node.range || node.range[0] === node.range[1];
const hasAnchor = (node: Node | null): node is Node & { anchor: string } => node !== null && 'anchor' in node && typeof node.anchor === 'string';

/** The first error of each line: the others follow from it. */
function onePerLine<E extends { readonly pos: readonly [number, number] }>(text: string, errors: readonly E[]): readonly E[] {
  const lines = new Set<number>();
  return errors.filter((e) => {
    const line = text.lastIndexOf('\n', e.pos[0] - 1);
    return !lines.has(line) && lines.add(line);
  });
}
