/** Stable, kebab-case names of what can be wrong with a tokenizer, a batch of texts or its numbers. */
export type TextErrorCode =
  | 'missing-file' // a tokenizer without its tokenizer.json
  | 'broken-file' // a file that is not the JSON it should be
  | 'unreadable-file' // the operating system refused
  | 'unsupported-tokenizer' // a valid tokenizer.json that is not understood
  | 'bad-length' // a length no text fits in, or more than the model has positions for
  | 'unknown-input' // the model asks for something that is not made from texts
  | 'needs-mask' // padding for a model that cannot be told about it
  | 'bad-shape' // numbers whose dimensions do not fit together
  | 'bad-option' // a depth, size or cutoff that means nothing
  | 'no-judgements'; // nothing to average over

/** What went wrong with texts. The message says what, where and what now. */
export class TextError extends Error {
  override readonly name = 'TextError';
  readonly code: TextErrorCode;

  constructor(code: TextErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Throws `bad-option` unless `value` is a whole number of at least one. */
export function requirePositive(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new TextError('bad-option', `${name} is ${value}. Give a whole number of at least 1.`);
}
