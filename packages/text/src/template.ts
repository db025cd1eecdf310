import { TextError } from './error.ts';
import { integerAt, isObject, listAt, objectAt, stringAt, type Json } from './json.ts';

/** A part of what a model reads: special tokens, or the place of the first (0) or second (1) text. */
export type Piece =
  | { readonly kind: 'special'; readonly ids: readonly number[]; readonly type: number }
  | { readonly kind: 'text'; readonly text: 0 | 1; readonly type: number };

/** What a tokenizer puts around one text, and around a pair. */
export interface Template {
  readonly single: readonly Piece[];
  readonly pair: readonly Piece[];
}

/** Token ids and their token types (which text a token belongs to, as the tokenizer counts), of equal length. */
export interface Encoding {
  readonly ids: Int32Array;
  readonly types: Int32Array;
}

const first: Piece = { kind: 'text', text: 0, type: 0 };
const second: Piece = { kind: 'text', text: 1, type: 1 };
const bare: Template = { single: [first], pair: [first, second] };

/**
 * Reads `post_processor` of a tokenizer.json. An unknown one is a TextError (`unsupported-tokenizer`).
 * Read here and not left to the tokenizer library, which drops an empty second text, gives RoBERTa token types it does not have,
 * and cannot truncate before it adds the special tokens.
 */
export function templateOf(processor: unknown, place: string): Template {
  if (!isObject(processor)) return bare;
  switch (processor['type']) {
    case 'ByteLevel': return bare;
    case 'BertProcessing': return bert(special(processor, 'cls', place), special(processor, 'sep', place));
    case 'RobertaProcessing': return roberta(special(processor, 'cls', place), special(processor, 'sep', place));
    case 'TemplateProcessing': return { single: pieces(processor, 'single', place), pair: pieces(processor, 'pair', place) };
    case 'Sequence': return only(listAt(processor, 'processors').map((inner) => templateOf(inner, place)), place);
    default: throw unsupported(place, `of type ${JSON.stringify(processor['type'])}`);
  }
}

/** How many special tokens a template adds. */
export function specialCount(pieces: readonly Piece[]): number {
  return pieces.reduce((count, piece) => count + (piece.kind === 'special' ? piece.ids.length : 0), 0);
}

/** Puts token ids of one or two texts into their places. */
export function fill(pieces: readonly Piece[], texts: readonly (readonly number[])[]): Encoding {
  const ids: number[] = [];
  const types: number[] = [];
  for (const piece of pieces) {
    for (const id of piece.kind === 'special' ? piece.ids : (texts[piece.text] ?? [])) {
      ids.push(id);
      types.push(piece.type);
    }
  }
  return { ids: Int32Array.from(ids), types: Int32Array.from(types) };
}

function bert(cls: Piece, sep: Piece): Template {
  return { single: [cls, first, sep], pair: [cls, first, sep, second, { ...sep, type: 1 }] };
}

function roberta(cls: Piece, sep: Piece): Template {
  return { single: [cls, first, sep], pair: [cls, first, sep, sep, { ...second, type: 0 }, sep] };
}

/** A special token written as `["[CLS]", 101]`. */
function special(processor: Json, key: string, place: string): Piece {
  const [, id] = listAt(processor, key);
  if (typeof id !== 'number') throw unsupported(place, `whose "${key}" has no token id`);
  return { kind: 'special', ids: [id], type: 0 };
}

function pieces(processor: Json, key: 'single' | 'pair', place: string): readonly Piece[] {
  return listAt(processor, key).map((item) => {
    const piece = isObject(item) ? item : {};
    const text = objectAt(piece, 'Sequence');
    if (text) return { kind: 'text', text: stringAt(text, 'id') === 'B' ? 1 : 0, type: integerAt(text, 'type_id') ?? 0 };
    const token = objectAt(piece, 'SpecialToken');
    const name = stringAt(token, 'id') ?? '';
    const ids = listAt(objectAt(objectAt(processor, 'special_tokens'), name), 'ids').filter((id) => typeof id === 'number');
    if (ids.length === 0) throw unsupported(place, `whose "${key}" template names the special token "${name}" without an id`);
    return { kind: 'special', ids, type: integerAt(token, 'type_id') ?? 0 };
  });
}

/** Of processors in sequence at most one may add tokens: what two would add together nobody has defined for pairs. */
function only(templates: readonly Template[], place: string): Template {
  const adding = templates.filter((template) => template !== bare);
  if (adding.length > 1) throw unsupported(place, 'that adds special tokens in more than one step');
  return adding[0] ?? bare;
}

function unsupported(place: string, what: string): TextError {
  return new TextError('unsupported-tokenizer',
    `tokenizer.json in ${place} has a post_processor ${what}. Known are TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel and a Sequence of them: export the tokenizer again with one of these.`);
}
