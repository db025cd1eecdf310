import type { Services } from '@onnxpress/core';

/** A stream that text goes to. `isTTY`, `columns` and `rows` as Node's streams have them. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** All that the command line touches of its process. Tests give their own. */
export interface Host {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where answers come from; no questions are asked without a terminal here. */
  readonly stdin?: (NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined }) | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Changes the services before a command uses them: a test's clock, a fake runtime. */
  services?(services: Services): void;
}
