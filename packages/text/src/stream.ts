import { setImmediate } from 'node:timers/promises';
import { type Tokenizer } from './tokenizer.ts';

/** Characters that are tokenized at once, about. */
const pieceSize = 2 ** 15;

/** Characters on both sides of a cut that tell whether tokens cross it. */
const reach = 256;

/** Places near the end of a piece that are tried. */
const attempts = 64;

/**
 * The tokens of a long text, without special tokens, piece by piece: the same as `tokenizer.idsOf` of the whole text, which need not fit into memory. A piece ends
 * at a line break, or else at a space, where the tokens around it show that none depends on what follows; a text without such a place is one piece.
 */
export async function* tokensOf(tokenizer: Pick<Tokenizer, 'idsOf'>, text: Iterable<string> | AsyncIterable<string>, signal?: AbortSignal): AsyncGenerator<readonly number[], void, undefined> {
  let held: Piece | undefined;
  for await (const next of piecesOf(tokenizer, text)) {
    await setImmediate(); // tokenizing is synchronous, and an interrupt wants to be heard
    signal?.throwIfAborted();
    const following = held && continued(tokenizer, held.text.slice(-reach), next);
    if (held === undefined) held = { text: next, ids: tokenizer.idsOf(next), before: '' };
    else if (following !== undefined) {
      yield held.ids;
      held = { text: next, ids: following, before: held.text.slice(-reach) };
    } else {
      const whole: string = held.text + next;
      held = { text: whole, ids: continued(tokenizer, held.before, whole) ?? tokenizer.idsOf(whole), before: held.before };
    }
  }
  if (held !== undefined) yield held.ids;
}

interface Piece {
  readonly text: string;
  readonly ids: readonly number[];
  /** The end of what comes before. */
  readonly before: string;
}

/** The tokens of `text` where it follows `before`; undefined if they cannot be told apart from those before. Some tokenizers mark the beginning of a text, so a piece by itself may read differently. */
function continued(tokenizer: Pick<Tokenizer, 'idsOf'>, before: string, text: string): readonly number[] | undefined {
  if (before === '') return tokenizer.idsOf(text);
  const [first, both] = [tokenizer.idsOf(before), tokenizer.idsOf(before + text)];
  return first.every((id, at) => both[at] === id) ? both.slice(first.length) : undefined;
}

async function* piecesOf(tokenizer: Pick<Tokenizer, 'idsOf'>, text: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let open = '';
  let wanted = pieceSize;
  for await (const part of text) {
    open += part;
    while (open.length >= wanted) {
      const end = placeToCut(tokenizer, open.slice(0, wanted));
      if (end === undefined) {
        wanted *= 2; // nowhere here: look again when there is more
        continue;
      }
      yield open.slice(0, end);
      open = open.slice(end);
      wanted = pieceSize;
    }
  }
  if (open !== '') yield open;
}

/** The last place at a line break, or at a space if there is none, that no token crosses or looks across. */
function placeToCut(tokenizer: Pick<Tokenizer, 'idsOf'>, text: string): number | undefined {
  return lastSeam(tokenizer, text, '\n') ?? lastSeam(tokenizer, text, ' ');
}

function lastSeam(tokenizer: Pick<Tokenizer, 'idsOf'>, text: string, at: string): number | undefined {
  let space = text.lastIndexOf(at, text.length - reach);
  for (let tried = 0; space > 0 && tried < attempts; tried++, space = text.lastIndexOf(at, space - 1)) {
    // Some tokenizers join white space to what comes before it, others to what comes after.
    const start = text.slice(0, space).trimEnd().length;
    const found = [start, space + 1].find((place) => place > 0 && isSeam(tokenizer, text, place));
    if (found !== undefined) return found;
  }
  return undefined;
}

function isSeam(tokenizer: Pick<Tokenizer, 'idsOf'>, text: string, place: number): boolean {
  return continued(tokenizer, text.slice(Math.max(0, place - reach), place), text.slice(place, place + reach)) !== undefined;
}
