import { Graph, memoryTensor, Model, Node, tensorType, Value, type ModelFile } from '@onnxpress/core';

/** Words of the test tokenizer; the model's table has a row for each. */
export const words = ['[PAD]', '[UNK]', 'red', 'blue', 'green', 'loud'] as const;

/** One-hot: the mean over tokens counts words. "loud" is as long as its row is, for models that look at the largest number. */
export function oneHot(loudness = 1): number[][] {
  return words.map((word, row) => words.map((_, column) => (row === column ? (word === 'loud' ? loudness : 1) : 0)));
}

export interface EncoderSpec {
  readonly table?: readonly (readonly number[])[];
  /** Quantize what is given out, with one scale for the whole batch. */
  readonly dynamic?: boolean;
  readonly inputs?: readonly string[];
  readonly ids?: 'int32' | 'int64';
}

/** A text encoder that looks up each word: last_hidden_state [batch, sequence, width]. Its tokenizer splits at spaces. */
export function encoder({ table = oneHot(), dynamic = false, inputs = ['input_ids', 'attention_mask'], ids = 'int64' }: EncoderSpec = {}): Model {
  const graph = new Graph('encoder', new Map([['', 17]]));
  const given = inputs.map((name) => graph.addInput(new Value(name, { type: tensorType(ids, ['batch', 'sequence']) })));
  const rows = graph.addInitializer('table', memoryTensor('float32', [table.length, table[0]!.length], Float32Array.from(table.flat())));
  const name = 'last_hidden_state';
  const looked = new Node('Gather', [rows, given[0]], { outputs: [dynamic ? 'looked_up' : name] });
  const last = dynamic ? quantized(graph, looked, name) : graph.add(looked);
  last.outputs[0]!.type = tensorType('float32', ['batch', 'sequence', table[0]!.length]);
  graph.addOutput(last.outputs[0]!);
  const model = new Model(graph, { irVersion: 8 });
  model.files.set('tokenizer.json', jsonFile(tokenizer));
  return model.settle();
}

function quantized(graph: Graph, looked: Node, name: string): Node {
  graph.add(looked);
  const quantize = graph.add(new Node('DynamicQuantizeLinear', [looked.outputs[0]], { outputs: ['codes', 'scale', 'zero'] }));
  return graph.add(new Node('DequantizeLinear', [...quantize.outputs], { outputs: [name] }));
}

/** y = x · factor, for x [batch, width]. */
export function scaler(factor: number, width: number | string = 'width'): Model {
  const graph = new Graph('scaler', new Map([['', 17]]));
  const x = graph.addInput(new Value('x', { type: tensorType('float32', ['batch', width]) }));
  const scale = graph.addInitializer('factor', memoryTensor('float32', [1], Float32Array.of(factor)));
  const node = graph.add(new Node('Mul', [x, scale], { outputs: ['y'] }));
  node.outputs[0]!.type = tensorType('float32', ['batch', width]);
  graph.addOutput(node.outputs[0]!);
  return new Model(graph, { irVersion: 8 }).settle();
}

const tokenizer = {
  version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, post_processor: null, decoder: null,
  pre_tokenizer: { type: 'Whitespace' },
  model: { type: 'WordLevel', unk_token: '[UNK]', vocab: Object.fromEntries(words.map((word, id) => [word, id])) },
};

function jsonFile(value: unknown): ModelFile {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { size: bytes.length, bytes: () => bytes };
}
