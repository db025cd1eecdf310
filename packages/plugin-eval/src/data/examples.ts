import type { Feeds } from '@onnxpress/core';

/** Inputs written down in some format: all that a file has. */
export interface Examples {
  /** Of all bytes that they come from. */
  readonly sha256: string;
  readonly count: number;
  feeds(): AsyncIterable<Feeds>;
}

/** A feed of this name is for the only input of a model, whatever that is called. */
export const onlyInput = '';
