import { seeded } from '../run/random.ts';

export interface TinyTransformer {
  /** Where the normalizations stand. Default: 'pre'. */
  readonly order?: 'pre' | 'post';
  /** `layer` and `rms` are operators (opset 17 and 23), `rms-nodes` is written out. */
  readonly norm?: 'layer' | 'rms' | 'rms-nodes';
  readonly width?: number;
  readonly heads?: number;
  /** Heads of keys and values; fewer than `heads` are repeated. */
  readonly valueHeads?: number;
  readonly feedForward?: number;
  /** A gate beside the up projection, or one projection behind a sigmoid. */
  readonly gated?: boolean;
  readonly layers?: number;
  /** Whether the output head is the embedding, transposed. */
  readonly tied?: boolean;
  readonly vocabulary?: number;
}

/**
 * A small transformer in the ONNX textual syntax, with seeded weights: int64 ids [B, S] → float logits [B, S, V]. Values are called layers_0_q, layers_0_up and so on, their numbers layers_0_q_weight. `layer` models have biases, `rms` models have none.
 */
export function tinyTransformer(given: TinyTransformer = {}): string {
  const { order = 'pre', norm = 'rms-nodes', width = 8, heads = 2, valueHeads = heads, feedForward = 2 * width, gated = norm !== 'layer', layers = 1, tied = false, vocabulary = 11 } = given;
  const random = seeded('tiny transformer');
  const size = width / heads;
  const hasBias = norm === 'layer';
  const tensors: string[] = [];
  const lines: string[] = [];
  const tensor = (name: string, dims: readonly number[], about = 0): string => {
    const count = dims.reduce((a, b) => a * b, 1);
    tensors.push(`float[${dims.join()}] ${name} = {${Array.from({ length: count }, () => (about + random() - 0.5).toFixed(4)).join()}}`);
    return name;
  };
  const integers = (name: string, values: readonly number[]): string => {
    tensors.push(`int64[${values.length}] ${name} = {${values.join()}}`);
    return name;
  };
  const line = (text: string): void => void lines.push(text);
  tensors.push('float two = {2}', 'float small = {1e-5}', `float root = {${Math.sqrt(size)}}`);
  integers('split', [0, 0, heads, size]);
  integers('split_values', [0, 0, valueHeads, size]);
  integers('axis', [2]);
  integers('times', [1, 1, heads / valueHeads, 1, 1]);
  integers('spread', [0, heads, -1, size]);
  integers('merge', [0, 0, width]);

  const normalize = (name: string, x: string): string => {
    const gain = tensor(`${name}_weight`, [width], 1);
    if (norm === 'layer') line(`${name} = LayerNormalization <epsilon = 1e-5> (${x}, ${gain}, ${tensor(`${name}_bias`, [width])})`);
    else if (norm === 'rms') line(`${name} = RMSNormalization <epsilon = 1e-5> (${x}, ${gain})`);
    else line(`${name}_p = Pow(${x}, two)  ${name}_m = ReduceMean <axes = [-1]> (${name}_p)  ${name}_e = Add(${name}_m, small)  ${name}_s = Sqrt(${name}_e)  ${name}_n = Div(${x}, ${name}_s)  ${name} = Mul(${gain}, ${name}_n)`);
    return name;
  };
  const project = (name: string, x: string, inputs: number, outputs: number): string => {
    tensor(`${name}_weight`, [inputs, outputs]);
    if (!hasBias) line(`${name} = MatMul(${x}, ${name}_weight)`);
    else line(`${name}_product = MatMul(${x}, ${name}_weight)  ${name} = Add(${name}_product, ${tensor(`${name}_bias`, [outputs])})`);
    return name;
  };
  const repeated = (name: string): string => {
    line(`${name}_h = Reshape(${name}, split_values)  ${name}_t = Transpose <perm = [0, 2, 1, 3]> (${name}_h)`);
    if (heads === valueHeads) return `${name}_t`;
    line(`${name}_u = Unsqueeze(${name}_t, axis)  ${name}_x = Expand(${name}_u, times)  ${name}_r = Reshape(${name}_x, spread)`);
    return `${name}_r`;
  };
  const attend = (at: string, x: string): string => {
    const [q, k, v] = [project(`${at}_q`, x, width, width), project(`${at}_k`, x, width, valueHeads * size), project(`${at}_v`, x, width, valueHeads * size)];
    line(`${q}_h = Reshape(${q}, split)  ${q}_t = Transpose <perm = [0, 2, 1, 3]> (${q}_h)`);
    const [keys, values] = [repeated(k), repeated(v)];
    line(`${at}_kt = Transpose <perm = [0, 1, 3, 2]> (${keys})  ${at}_s = MatMul(${q}_t, ${at}_kt)  ${at}_d = Div(${at}_s, root)  ${at}_p = Softmax <axis = -1> (${at}_d)  ${at}_a = MatMul(${at}_p, ${values})`);
    line(`${at}_at = Transpose <perm = [0, 2, 1, 3]> (${at}_a)  ${at}_am = Reshape(${at}_at, merge)`);
    return project(`${at}_o`, `${at}_am`, width, width);
  };
  const feed = (at: string, x: string): string => {
    const up = project(`${at}_up`, x, width, feedForward);
    if (!gated) {
      line(`${at}_h = Sigmoid(${up})`);
      return project(`${at}_down`, `${at}_h`, feedForward, width);
    }
    const gate = project(`${at}_gate`, x, width, feedForward);
    line(`${at}_g = Sigmoid(${gate})  ${at}_act = Mul(${gate}, ${at}_g)  ${at}_h = Mul(${at}_act, ${up})`);
    return project(`${at}_down`, `${at}_h`, feedForward, width);
  };
  const step = (at: string, name: string, x: string, branch: (at: string, x: string) => string): string => {
    if (order === 'pre') {
      line(`${at}_${name}_sum = Add(${x}, ${branch(at, normalize(`${at}_${name}_norm`, x))})`);
      return `${at}_${name}_sum`;
    }
    line(`${at}_${name}_sum = Add(${branch(at, x)}, ${x})`);
    return normalize(`${at}_${name}_norm`, `${at}_${name}_sum`);
  };

  line(`x = Gather(${tensor('embedding', [vocabulary, width])}, ids)`);
  let x = order === 'pre' ? 'x' : normalize('embedding_norm', 'x');
  for (let i = 0; i < layers; i++) x = step(`layers_${i}`, 'mlp', step(`layers_${i}`, 'attention', x, attend), feed);
  const last = order === 'pre' ? normalize('norm', x) : x;
  line(tied ? `turned = Transpose <perm = [1, 0]> (embedding)  logits = MatMul(${last}, turned)` : `logits = MatMul(${last}, ${tensor('head_weight', [width, vocabulary])})`);
  return `<ir_version: 10, opset_import: ["" : ${norm === 'rms' ? 23 : 17}]> g (int64[B, S] ids) => (float[B, S, ${vocabulary}] logits) <${tensors.join(', ')}> {\n${lines.join('\n')}\n}`;
}
