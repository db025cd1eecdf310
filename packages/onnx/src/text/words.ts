import type { AttrKind } from '../ir/attr.ts';
import { dtypeOfText } from '../ir/dtype.ts';

/** The word of the syntax for each kind of attribute. */
export const KIND_WORDS: Readonly<Record<AttrKind, string>> = {
  int: 'int',
  float: 'float',
  string: 'string',
  tensor: 'tensor',
  graph: 'graph',
  sparse: 'sparse_tensor',
  type: 'type_proto',
  ints: 'ints',
  floats: 'floats',
  strings: 'strings',
  tensors: 'tensors',
  graphs: 'graphs',
  sparses: 'sparse_tensors',
  types: 'type_protos',
};

const KINDS = new Map<string, AttrKind>(Object.entries(KIND_WORDS).map(([kind, word]) => [word, kind as AttrKind])); // the keys are the kinds

/** The kind of attribute that a word stands for. */
export const kindOfWord = (word: string): AttrKind | undefined => KINDS.get(word);

const TYPE_WORDS: ReadonlySet<string> = new Set(['seq', 'map', 'optional', 'sparse_tensor', 'opaque']);

/** Whether a word begins a type. A value of that name has to be quoted. */
export const isTypeWord = (word: string): boolean => TYPE_WORDS.has(word) || dtypeOfText(word) !== undefined;

/** Whether a word is read as a number where a number may stand. */
export const isNumberWord = (word: string): boolean => /^(?:inf|infinity|nan)$/i.test(word);

/** Whether a name needs no quotes. */
export const isIdentifier = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
