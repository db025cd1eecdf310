import { countOf, dtypeOf, float32s, float32sOf, lazyTensor, numbersOf, setWeight, tensorOf, valueOps, weightOf, type DType, type Graph, type Linear, type Model, type Node, type Norm, type Tensor, type Use, type Value } from '@onnxpress/core';
import { rotatedColumns, rotatedRows, rotatedVector, type Merge } from './merged.ts';
import type { RotationPlan } from './plan.ts';
import type { Rotation } from './rotation.ts';

/** Merges a rotation into the weights around a stream. Weights are rotated when they are read. */
export function carryOut(plan: RotationPlan, rotation: Rotation, model: Model): void {
  const { graph } = model;
  const { width } = rotation;
  for (const linear of plan.writers) {
    const tensor = currentOf(linear);
    const merge: Merge = { name: linear.weight.value.name, dtype: computedIn(linear), rotation };
    setWeight(linear, linear.transposed ? rotatedColumns(tensor, merge) : rotatedRows(tensor, merge));
    if (linear.bias) rotateConstant(linear.bias, rotation);
  }
  for (const { place } of plan.constants) rotateConstant(place, rotation);
  for (const { node, weight } of plan.convolutions) {
    node.setInput(1, graph.addInitializer(`${weight.value.name}_rotated`, rotatedColumns(weight.tensor, { name: weight.value.name, dtype: weight.tensor.dtype, rotation })));
    if (node.inputs[2]) rotateConstant({ node, index: 2 }, rotation);
    dropUnread(weight.value);
  }
  // A map that reads a normalization may write to the stream itself: its bias from there is one of its rotated outputs.
  for (const { norm, readers } of plan.folded) foldNorm(norm, readers, rotation, graph);
  for (const linear of plan.direct) rotateInputs(linear, rotation, undefined);
  for (const { norm, readers } of plan.untied) untie(norm, readers, rotation, graph);
  for (const { norm, tied } of plan.followed) followNorm(norm, tied, rotation, graph);
  const tables = new Map(plan.tables.map((t) => [t.weight.value, t.weight] as const));
  for (const [value, weight] of tables) if (value.isConstant()) value.graph?.setConstant(value, rotatedRows(weight.tensor, { name: value.name, dtype: weight.tensor.dtype, rotation }));
  for (const value of plan.turnedIn) turnBehind(value, matrixOf(rotation, width), graph);
  const read = new Map<Value, Use[]>();
  for (const use of plan.turnedOut) {
    const value = use.node.inputs[use.index]!; // it reads the stream there
    read.set(value, [...(read.get(value) ?? []), use]);
  }
  for (const [value, uses] of read) {
    const product = valueOps(graph, (n) => void graph.add(n, { before: firstOf(graph, uses) })).MatMul(value, graph.addInitializer(`${value.name}_rotation`, transposed(matrixOf(rotation, width), width)));
    product.infer(value.type);
    for (const { node, index } of uses) node.setInput(index, product);
  }
}

/** n · g + β read by W becomes n read by Rᵀ diag(g) W, and β · W goes into the reader's bias. */
function foldNorm(norm: Norm, readers: readonly Linear[], rotation: Rotation, graph: Graph): void {
  const gain = vectorAt(norm.gain);
  const bias = vectorAt(norm.bias);
  const withBias = bias?.some((v) => v !== 0) === true;
  for (const linear of readers) {
    if (withBias) addToBias(linear, biasThrough(linear, bias), graph);
    rotateInputs(linear, rotation, gain);
  }
  neutral(norm, graph);
}

function rotateInputs(linear: Linear, rotation: Rotation, gain: Float64Array | undefined): void {
  const merge: Merge = { name: linear.weight.value.name, dtype: computedIn(linear), rotation, gain };
  const tensor = currentOf(linear);
  setWeight(linear, linear.transposed ? rotatedRows(tensor, merge) : rotatedColumns(tensor, merge));
}

/** β · W, times what the node multiplies its product by. */
function biasThrough(linear: Linear, bias: Float64Array): Tensor {
  const { inputs, outputs, transposed: isTurned, node } = linear;
  const tensor = currentOf(linear);
  const alpha = node.float('alpha', 1) / (node.is('Gemm') ? node.float('beta', 1) : 1);
  return lazyTensor('float32', [outputs], () => {
    const w = float32sOf(tensor);
    const sums = new Float64Array(outputs);
    for (let k = 0; k < inputs; k++) for (let n = 0; n < outputs; n++) sums[n] = sums[n]! + bias[k]! * w[isTurned ? n * inputs + k : k * outputs + n]!;
    return Float32Array.from(sums, (v) => v * alpha);
  });
}

/** Adds to the bias that the map has, of its own or by the Add behind it; or puts one behind it. */
function addToBias(linear: Linear, more: Tensor, graph: Graph): void {
  const { node } = linear;
  const behind = node.output.useCount === 1 && !node.output.isOutput ? node.output.uses[0]?.node : undefined;
  const index = behind?.is('Add') ? behind.inputs.findIndex((v) => v !== undefined && v !== node.output && isVector(v, linear.outputs)) : -1;
  const place = linear.bias ?? (behind && index >= 0 ? { node: behind, index } : undefined);
  const old = place?.node.inputs[place.index];
  const tensor = old && weightOf(old)?.tensor;
  if (place && tensor && countOf(tensor.dims) === linear.outputs) {
    const sum = lazyTensor('float32', tensor.dims, () => {
      const added = float32sOf(more);
      return float32sOf(tensor).map((v, i) => v + added[i]!);
    });
    place.node.setInput(place.index, graph.addInitializer(`${old.name}_folded`, inType(sum, dtypeAt(old))));
    return dropUnread(old);
  }
  if (!linear.bias && (node.is('Gemm') || node.is('Attention', 'com.microsoft'))) return node.setInput(2, graph.addInitializer(`${linear.weight.value.name}_bias`, inType(more, dtypeAt(node.output))));
  const next = node.output.uses[0]?.node;
  const sum = valueOps(graph, (n) => void graph.add(n, { before: next && next.graph === graph ? firstOf(graph, node.output.uses) : undefined })).Add(node.output, graph.addInitializer(`${linear.weight.value.name}_bias`, inType(more, dtypeAt(node.output))));
  sum.infer(node.output.type);
  graph.replace(node.output, sum);
}

/** Heads get tables of their own: the rotated one of the embedding has no gain in it. */
function untie(norm: Norm, readers: readonly Linear[], rotation: Rotation, graph: Graph): void {
  const gain = vectorAt(norm.gain);
  const bias = vectorAt(norm.bias);
  for (const linear of readers) {
    const { weight, transposed: isTurned, place, node } = linear;
    if (bias?.some((v) => v !== 0)) addToBias(linear, biasThrough(linear, bias), graph);
    const merge: Merge = { name: weight.value.name, dtype: computedIn(linear), rotation, gain };
    const table = graph.addInitializer(`${weight.value.name}_head`, isTurned ? rotatedRows(weight.tensor, merge) : rotatedColumns(weight.tensor, merge));
    const turns = isTurned && !(node.int('transB', 0) !== 0);
    const old = node.inputs[place.index];
    node.setInput(place.index, turns ? valueOps(graph, (n) => void graph.add(n, { before: node })).Transpose(table, { perm: [1, 0] }) : table);
    if (old) dropUnread(old);
  }
  neutral(norm, graph);
}

/** A product behind the normalization: back to what its readers know, and on to the rotated table where they are tied to one. */
function followNorm(norm: Norm, tied: boolean, rotation: Rotation, graph: Graph): void {
  const { width } = rotation;
  const gain = vectorAt(norm.gain) ?? new Float64Array(width).fill(1);
  const bias = vectorAt(norm.bias);
  const matrix = transposed64(numbersOf(matrixOf(rotation, width)), width); // Rᵀ
  for (let r = 0; r < width; r++) for (let c = 0; c < width; c++) matrix[r * width + c] = matrix[r * width + c]! * gain[c]!;
  if (tied) rotation.apply(matrix, width);
  const shift = bias?.some((v) => v !== 0) ? Float64Array.from(bias) : undefined;
  if (shift && tied) rotation.apply(shift, 1);
  turnBehind(neutral(norm, graph), float32s([width, width], Float32Array.from(matrix)), graph, shift && float32s([width], Float32Array.from(shift)));
}

/** Everything that reads the value reads its product with a matrix instead, and a bias behind it. A graph output keeps its name. */
function turnBehind(value: Value, matrix: Tensor, graph: Graph, bias?: Tensor): void {
  const dtype = dtypeAt(value);
  const readers = value.uses;
  const before = readers.length > 0 ? firstOf(graph, readers) : undefined;
  const op = valueOps(graph, (n) => void graph.add(n, { before }));
  const product = op.MatMul(value, graph.addInitializer(`${value.name}_rotation`, inType(matrix, dtype)));
  const turned = bias ? op.Add(product, graph.addInitializer(`${value.name}_shift`, inType(bias, dtype))) : product;
  for (const made of [product, turned]) made.infer(value.type);
  if (value.isOutput) return replaceOutput(value, product, turned, graph);
  for (const { node, index } of readers) if (!node.is('Shape')) node.setInput(index, turned);
}

/** `replace` would have the product read itself. */
function replaceOutput(value: Value, product: Value, turned: Value, graph: Graph): void {
  graph.replace(value, turned);
  if (product.producer && product !== turned) product.producer.setInput(0, value);
}

/** The normalization only normalizes from here on; a factor or bias in a node of its own goes. Returns what gives its result then. */
function neutral(norm: Norm, graph: Graph): Value {
  let result = norm.output;
  for (const [place, about] of [[norm.bias, 0], [norm.gain, 1]] as const) {
    const old = place?.node.inputs[place.index];
    if (!place || !old) continue;
    if (norm.nodes.length > 1) result = withoutStep(place, graph);
    else place.node.setInput(place.index, graph.addInitializer(`${old.name}_folded`, inType(evenVector(countOf(weightOf(old)?.tensor.dims ?? []), about), dtypeAt(old))));
    dropUnread(old);
  }
  return result;
}

/** Takes a Mul or Add with a constant out. */
function withoutStep({ node, index }: Use, graph: Graph): Value {
  const x = node.inputs[1 - index]!; // the other of two
  graph.replace(node.output, x);
  graph.remove(node);
  return x;
}

const evenVector = (count: number, about: number): Tensor => float32s([count], new Float32Array(count).fill(about));

/** New numbers for this reader alone. A single number is spread over the channels first. */
function rotateConstant({ node, index }: Use, rotation: Rotation): void {
  const old = node.inputs[index];
  const weight = old && weightOf(old);
  if (!old || !weight) return;
  const { dims } = weight.tensor;
  const numbers = numbersOf(weight.tensor);
  const isWide = dims.at(-1) === rotation.width;
  const spread = isWide ? numbers : Float64Array.from({ length: numbers.length * rotation.width }, (_, i) => numbers[Math.floor(i / rotation.width)]!);
  const merge: Merge = { name: weight.value.name, dtype: dtypeAt(old), rotation };
  node.setInput(index, node.graph!.addInitializer(`${weight.value.name}_rotated`, rotatedVector(spread, isWide ? dims : [...dims.slice(0, -1), rotation.width], merge))); // a node of the graph
  dropUnread(old);
}

/** R itself, row by row. */
function matrixOf(rotation: Rotation, width: number): Tensor {
  const rows = new Float64Array(width * width);
  for (let i = 0; i < width; i++) rows[i * width + i] = 1;
  rotation.apply(rows, width);
  return tensorOf('float64', [width, width], rows);
}

function transposed64(numbers: Float64Array, width: number): Float64Array {
  return Float64Array.from({ length: numbers.length }, (_, i) => numbers[(i % width) * width + Math.floor(i / width)]!);
}

const transposed = (matrix: Tensor, width: number): Tensor => float32s([width, width], Float32Array.from(transposed64(numbersOf(matrix), width)));

const inType = (tensor: Tensor, dtype: DType): Tensor => (tensor.dtype === dtype ? tensor : lazyTensor(dtype, tensor.dims, () => tensorOf(dtype, tensor.dims, numbersOf(tensor)).bytes()));

const dtypeAt = (v: Value): DType => (v.type?.kind === 'tensor' ? v.type.dtype : 'float32');

/** The numbers now, after what was merged before. */
const currentOf = ({ weight }: Linear): Tensor => weight.value.constant ?? weight.tensor;

/** What a weight is cast to on its way: a rotated one is kept in that, since half precision would cost more than rounding. */
const computedIn = ({ weight }: Linear): DType => dtypeOf(weight.through.find((n) => n.is('Cast'))?.int('to', 0) ?? 0) ?? weight.tensor.dtype;

function vectorAt(place: Use | undefined): Float64Array | undefined {
  const value = place?.node.inputs[place.index];
  const weight = value && weightOf(value);
  return weight && numbersOf(weight.tensor);
}

const isVector = (v: Value, length: number): boolean => {
  const dims = weightOf(v)?.tensor.dims;
  return dims !== undefined && dims.at(-1) === length && countOf(dims) === length;
};

const firstOf = (graph: Graph, uses: readonly Use[]): Node => {
  const readers = new Set(uses.map((u) => outermost(u.node, graph)));
  return [...graph.nodes].find((n) => readers.has(n))!; // readers lie in this graph, or in one inside it
};

/** The node of `graph` that the node is, or lies in. */
function outermost(node: Node, graph: Graph): Node {
  let at = node;
  for (let owner = at.graph?.owner; at.graph !== graph && owner; owner = at.graph?.owner) at = owner;
  return at;
}

/** Drops a constant that nobody reads any more. */
function dropUnread(v: Value): void {
  if (!v.isUnused || !v.graph) return;
  const { producer, graph } = v;
  if (!producer) return graph.removeInitializer(v);
  const behind = producer.inputs;
  graph.remove(producer);
  for (const x of behind) if (x) dropUnread(x);
}
