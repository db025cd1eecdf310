/** Stable, kebab-case names of what a kernel refuses. */
export type KernelErrorCode =
  | 'non-finite' // NaN or infinity where a range is taken
  | 'wrong-size' // operands whose sizes do not fit together
  | 'bad-option' // an option outside what the function offers
  | 'out-of-range' // a result that its type cannot hold
  | 'not-positive-definite' // a matrix that has no Cholesky factor
  | 'out-of-memory'; // more than WebAssembly's 4 GiB, or than the system gives

/** What a kernel refuses, and why. */
export class KernelError extends Error {
  override readonly name: string = 'KernelError';
  readonly code: KernelErrorCode;

  constructor(code: KernelErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A weight is NaN or infinite. Whoever knows the tensor's name adds it. */
export class NonFiniteError extends KernelError {
  override readonly name = 'NonFiniteError';
  /** Where the first such value is, counted over the whole array. */
  readonly index: number;

  constructor(index: number, value: number) {
    super('non-finite', `The value at index ${index} is ${value}, and a range with it quantizes everything else to nothing. Repair the weights, or leave this tensor as it is`);
    this.index = index;
  }
}

/** Throws `wrong-size` unless `view` has this many elements. */
export function checkLength(name: string, view: { readonly length: number }, expected: number): void {
  if (view.length !== expected) throw new KernelError('wrong-size', `"${name}" has ${view.length} elements where ${expected} are needed. Check the shape that was passed with it`);
}

/** Throws `bad-option` unless the value is one of those offered. */
export function checkOption<T>(name: string, value: T, offered: readonly T[]): void {
  if (!offered.includes(value)) throw new KernelError('bad-option', `"${name}" cannot be ${String(value)}. Choose one of ${offered.join(', ')}`);
}

/** Throws `bad-option` unless the value is a whole number within the bounds. */
export function checkWhole(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isInteger(value) || value < least || value > most) throw new KernelError('bad-option', `"${name}" cannot be ${value}. It is a whole number from ${least} to ${most}`);
}
