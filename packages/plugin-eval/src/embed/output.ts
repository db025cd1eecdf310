import { isFloat, type Model, type Session } from '@onnxpress/core';
import { noFloatOutput, noOutput } from '../problems.ts';

/** Names that exporters give to what an embedding is made of, best first. */
const usual = ['last_hidden_state', 'sentence_embedding'];

/** The output that is pooled: the one asked for, one of a usual name, else the first of floats. Throws `unknown-output` or `no-output`. */
export function outputOf(model: Model, session: Session, asked?: string): string {
  const names = session.outputs;
  if (asked !== undefined) {
    if (names.includes(asked)) return asked;
    throw noOutput(asked, names);
  }
  const found = usual.find((name) => names.includes(name)) ?? names.find((name) => isFloatOutput(model, name));
  if (found !== undefined) return found;
  throw noFloatOutput(names);
}

function isFloatOutput(model: Model, name: string): boolean {
  const type = model.graph.outputs.find((value) => value.name === name)?.type;
  return type?.kind === 'tensor' && isFloat(type.dtype);
}
