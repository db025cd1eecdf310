import { inferTypes, selector, type Model, type Node, type PassContext } from '@onnxpress/core';

/** What the parts of `fusion/simplify` work on. */
export interface Work {
  readonly model: Model;
  readonly ctx: PassContext;
  /** Whether the user lets the node change. */
  mayChange(node: Node): boolean;
  /** Whether the user excludes anything. */
  readonly excludes: boolean;
  /** Infers the types of the model, unless nothing changed since. */
  infer(): void;
}

/** One step of a round. It edits the model, counts what it did, and leaves a valid model behind. */
export interface Part {
  readonly name: string;
  run(work: Work): void | Promise<void>;
}

/** What a pass does to a model, but for the nodes that the user excludes. */
export function workOn(model: Model, exclude: readonly string[], ctx: PassContext): Work {
  let inferredAt = -1;
  return {
    model,
    ctx,
    mayChange: selector(model, [], exclude),
    excludes: exclude.length > 0,
    infer() {
      if (inferredAt !== model.revision) inferTypes(model);
      inferredAt = model.revision;
    },
  };
}
