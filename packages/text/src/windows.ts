import { type Batch } from './batches.ts';
import { requirePositive, TextError } from './error.ts';
import { feedsFor, requireInputs, type InputLike } from './inputs.ts';
import { tokensOf } from './stream.ts';
import { type Tokenizer } from './tokenizer.ts';

export interface WindowOptions {
  /** Tokens in a window. */
  readonly tokens: number;
  /** Windows begin every so many tokens; at most `tokens`, which is the default: no token is in two windows, none is left out between them. */
  readonly stride?: number | undefined;
  /** Leave out the first so many windows. Default 0. */
  readonly skip?: number | undefined;
  /** At most so many windows. Default: all. */
  readonly take?: number | undefined;
  /** Windows in a batch, at most. Default 1. */
  readonly rows?: number | undefined;
  /** Ends the windows with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Windows of a text as a model eats them. */
export interface WindowBatch extends Batch {
  /** Which window the first row holds; the others follow. Those that were skipped count. */
  readonly first: number;
}

/**
 * A text in windows of exactly `tokens` tokens, for models that continue texts: no special tokens, no padding, every mask 1; what remains at the end is
 * dropped. The tokens are those of the whole text at once, which is read as a stream and never held. Throws `unknown-input` as `batchesOf` does, and
 * `bad-length` for windows longer than the model has positions for; both at the call.
 */
export function windowsOf(tokenizer: Tokenizer, inputs: readonly InputLike[], text: Iterable<string> | AsyncIterable<string>, options: WindowOptions): AsyncGenerator<WindowBatch, void, undefined> {
  const wanted = requireInputs(inputs);
  const { tokens, stride = tokens, skip = 0, take = Infinity, rows: together = 1, signal } = options;
  requirePositive('The length of a window', tokens);
  requirePositive('The number of windows in a batch', together);
  requirePositive('The stride of windows', stride);
  if (stride > tokens) throw new TextError('bad-option', `Windows of ${tokens} tokens that begin every ${stride} tokens would leave tokens out. Give a stride of at most ${tokens}.`);
  if (tokenizer.positions !== undefined && tokens > tokenizer.positions) {
    throw new TextError('bad-length', `Windows of ${tokens} tokens were asked for, but the model has positions for ${tokenizer.positions} (config.json). Give at most ${tokenizer.positions}.`);
  }

  const batchOf = (windows: readonly Int32Array[], first: number): WindowBatch => {
    const rows = windows.map((ids) => ({ encoding: { ids, types: new Int32Array(tokens) }, start: 0, has: () => true }));
    return { first, feeds: feedsFor(wanted, rows, tokens, tokenizer), rows: rows.length, length: tokens, mask: new Uint8Array(rows.length * tokens).fill(1) };
  };
  return batches();

  async function* batches(): AsyncGenerator<WindowBatch, void, undefined> {
    let gathered: Int32Array[] = [];
    let next = 0;
    for await (const ids of chosen()) {
      gathered.push(ids);
      next++;
      if (gathered.length < together) continue;
      yield batchOf(gathered, skip + next - gathered.length);
      gathered = [];
    }
    if (gathered.length > 0) yield batchOf(gathered, skip + next - gathered.length);
  }

  async function* chosen(): AsyncGenerator<Int32Array, void, undefined> {
    if (take === 0) return;
    let index = 0;
    for await (const ids of cut(tokensOf(tokenizer, text, signal), tokens, stride)) {
      if (index++ < skip) continue;
      yield ids;
      if (index >= skip + take) return;
    }
  }
}

async function* cut(pieces: AsyncIterable<readonly number[]>, tokens: number, stride: number): AsyncGenerator<Int32Array, void, undefined> {
  let open = new Int32Array(tokens);
  let filled = 0;
  for await (const piece of pieces) {
    for (const id of piece) {
      open[filled++] = id;
      if (filled < tokens) continue;
      yield open;
      const next = new Int32Array(tokens);
      next.set(open.subarray(stride));
      open = next;
      filled = tokens - stride;
    }
  }
}
