import { OnnxError, type OnnxErrorCode } from '../error.ts';
import type { Attr } from './attr.ts';
import type { DType } from './dtype.ts';
import type { Value } from './graph.ts';
import type { OperatorSchema } from './schema.ts';
import type { Tensor } from './tensor.ts';

/** A call on its way from the form of the operator's newest version to the form of the version in force. */
export interface Draft {
  readonly opset: number;
  /** The version in force. */
  readonly schema: OperatorSchema;
  readonly newest: OperatorSchema;
  /** Changed in place; holes are undefined. */
  readonly inputs: (Value | undefined)[];
  readonly attrs: Map<string, Attr>;
  readonly outputs: number;
  /** Makes a constant that the call may read. */
  constant(tensor: Tensor): Value;
}

/** `Squeeze of opset 11`: how messages name the version in force. */
export const named = (draft: Draft): string => `${draft.schema.domain ? `${draft.schema.domain}.` : ''}${draft.schema.opType} of opset ${draft.opset}`;

/** Ends the call: `Squeeze of opset 11 …`. */
export function refuse(draft: Draft, why: string, code: OnnxErrorCode = 'unsupported'): never {
  throw new OnnxError(code, `${named(draft)} ${why}`);
}

/** The numbers behind an input that this version cannot take as an input. */
export function constantInput(draft: Draft, index: number): Tensor | undefined {
  const value = draft.inputs[index];
  if (!value) return undefined;
  const name = draft.newest.inputs[index]?.name ?? `input ${index}`;
  return value.constant ?? refuse(draft, `has no input "${name}", only a fixed value for it, and "${value.name}" is not constant. Give a constant, or raise the model's opset.`);
}

/** The element type of the first input, for constants that must have the same. */
export function dtypeOfInput(draft: Draft, forWhat: string): DType {
  const type = draft.inputs[0]?.type;
  if (type?.kind === 'tensor') return type.dtype;
  refuse(draft, `wants ${forWhat} of the type of "${draft.inputs[0]?.name ?? ''}", which is not known. Infer types first, or give ${forWhat} as a constant.`);
}
