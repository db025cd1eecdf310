import { unknowns, tensor, type Rule, type Rules } from '../facts.ts';

/** RNN, GRU and LSTM: all steps, then the last state, and the last cell where there is one. */
export const recurrent: Rule = (f) => {
  const dims = f.dims(0);
  const dtype = f.dtype(0);
  const hidden = f.node.int('hidden_size') ?? f.dim(2, 2);
  const directions = f.node.string('direction', 'forward') === 'bidirectional' ? 2 : 1;
  const batchFirst = f.node.int('layout', 0) !== 0;
  if (dims && dims.length !== 3) return undefined;
  const [steps, batch] = batchFirst ? [dims?.[1] ?? null, dims?.[0] ?? null] : [dims?.[0] ?? null, dims?.[1] ?? null];
  const all = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  const state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  // Before opset 7, output_sequence 0 leaves the first output empty.
  const first = f.opset < 7 && f.node.int('output_sequence', 0) === 0 ? unknowns(4) : all;
  return [tensor(dtype, first), tensor(dtype, state), tensor(dtype, state)];
};

export const RECURRENT: Rules = { RNN: recurrent, GRU: recurrent, LSTM: recurrent };
