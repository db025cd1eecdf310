import type { Model, Node, PassContext } from '@onnxpress/core';

/** What the parts of `fusion/simplify` work on. */
export interface Work {
  readonly model: Model;
  readonly ctx: PassContext;
  /** Whether the user lets the node change. */
  mayChange(node: Node): boolean;
}

/** One step of a round. It edits the model, counts what it did, and leaves a valid model behind. */
export interface Part {
  readonly name: string;
  run(work: Work): void | Promise<void>;
}
