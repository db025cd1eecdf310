import { memoryTensor, Node, parseModel, type Model, type Use } from '@onnxpress/onnx';
import { expect, test } from 'vitest';
import { testContext } from '../testing/test-context.ts';
import type { Activation, Collector } from './activation.ts';
import { Calibration } from './calibration.ts';
import type { Sample } from './samples.ts';
import { stagesOf } from './stages.ts';

/** Two layers with a residual connection; `two` doubles, `three` triples. */
const twoLayers = (): Model => parseModel(`<ir_version: 8, opset_import: ["": 17]>
  layers (float[n, 2] x) => (float[n, 2] y) <float[2, 2] two = {2, 0, 0, 2}, float[2, 2] three = {3, 0, 0, 3}> {
    a = MatMul(x, two)
    b = Relu(a)
    c = MatMul(b, three)
    y = Add(c, x)
  }`);
const nodeOf = (m: Model, output: string): Node => m.graph.value(output)!.producer!;
const use = (node: Node, index = 0): Use => ({ node, index });
const sample = (...x: number[]): Sample => ({ feeds: { x: { dtype: 'float32', dims: [x.length / 2, 2], data: Float32Array.from(x) } } });
const samples = [sample(1, -1), sample(2, 3, 4, 5)];
const scaled = (m: Model, name: string, by: number): void => m.graph.setConstant(m.graph.initializers.get(name)!, memoryTensor('float32', [2, 2], Float32Array.of(by, 0, 0, by)));

/** All rows that count, as they come. */
function rows(): Collector<number[][]> {
  const seen: number[][] = [];
  return {
    add({ data, columns, rows, weights }: Activation) {
      for (let r = 0; r < rows; r++) if (weights?.[r] !== 0) seen.push([...data.subarray(r * columns, (r + 1) * columns)]);
    },
    done: () => seen,
  };
}

test('a stage sees its activation on all samples', async () => {
  const m = twoLayers();
  const calibration = await Calibration.open(m, stagesOf(m, [use(nodeOf(m, 'c')), use(nodeOf(m, 'a'))]), samples, testContext());
  expect(await calibration.observe(0, rows)).toEqual([[[1, -1], [2, 3], [4, 5]]]);
  expect(await calibration.observe(1, rows)).toEqual([[[2, 0], [4, 6], [8, 10]]]);
  expect(m.revision).toBe(0);
  await calibration.dispose();
});

test('a stage sees what was done to the stages before it', async () => {
  const m = twoLayers();
  const calibration = await Calibration.open(m, stagesOf(m, [use(nodeOf(m, 'a')), use(nodeOf(m, 'c'))]), samples, testContext());
  await calibration.observe(0, rows);
  scaled(m, 'two', 10);
  expect(await calibration.observe(1, rows)).toEqual([[[10, 0], [20, 30], [40, 50]]]);
  await calibration.dispose();
});

test('stages may be left out', async () => {
  const m = twoLayers();
  const calibration = await Calibration.open(m, stagesOf(m, [use(nodeOf(m, 'a')), use(nodeOf(m, 'c'))]), samples, testContext());
  scaled(m, 'two', 10);
  expect(await calibration.observe(1, rows)).toEqual([[[10, 0], [20, 30], [40, 50]]]);
  await expect(calibration.observe(0, rows)).rejects.toThrow('comes next');
  await calibration.dispose();
});

test('a stage may observe behind what it is about to change', async () => {
  const m = twoLayers();
  const [first, second] = [nodeOf(m, 'a'), nodeOf(m, 'c')];
  const stages = [{ observe: [use(first), use(second)], changes: [first, second] }, { observe: [use(nodeOf(m, 'y'))], changes: [] }];
  const calibration = await Calibration.open(m, stages, [sample(1, -1)], testContext());
  expect(await calibration.observe(0, rows)).toEqual([[[1, -1]], [[2, 0]]]);
  scaled(m, 'two', 10);
  scaled(m, 'three', 1);
  expect(await calibration.observe(1, rows)).toEqual([[[10, 0]]]);
  await calibration.dispose();
});

test('readers that are replaced are followed', async () => {
  const m = parseModel(`<ir_version: 8, opset_import: ["": 17]>
    chain (float[n, 2] x) => (float[n, 2] y) <float[2, 2] w = {2, 0, 0, 2}> {
      a = MatMul(x, w)
      y = MatMul(a, w)
    }`);
  const [first, second] = [nodeOf(m, 'a'), nodeOf(m, 'y')];
  const calibration = await Calibration.open(m, stagesOf(m, [use(first), use(second)]), [sample(1, 3)], testContext());
  await calibration.observe(0, rows);
  const replacement = m.graph.add(new Node('Neg', [first.inputs[0]]), { before: first });
  m.graph.replace(first.output, replacement.output);
  m.graph.remove(first);
  expect(await calibration.observe(1, rows)).toEqual([[[-1, -3]]]);
  await calibration.dispose();
});

test('padding does not count, and tokens are counted', async () => {
  const m = twoLayers();
  const padded: Sample = { feeds: sample(1, 1, 9, 9).feeds, padding: { rows: 1, length: 2, mask: Uint8Array.of(1, 0) } };
  const calibration = await Calibration.open(m, stagesOf(m, [use(nodeOf(m, 'c'))]), [padded], testContext());
  expect(await calibration.observe(0, rows)).toEqual([[[2, 2]]]);
  expect(calibration.tokens).toBe(1);
  await calibration.dispose();
});

test('a NaN is named with its tensor and sample', async () => {
  const m = twoLayers();
  const calibration = await Calibration.open(m, stagesOf(m, [use(nodeOf(m, 'c'))]), [sample(1, 1), sample(NaN, 1)], testContext());
  await expect(calibration.observe(0, rows)).rejects.toThrow('"b" holds NaN at element 0 when the model runs on sample 1');
  await calibration.dispose();
});

test('what a branch reads from outside is behind what it reads', async () => {
  const m = parseModel(`<ir_version: 8, opset_import: ["": 17]>
    branch (float[n, 2] x, bool c) => (float[n, 2] y) <float[2, 2] w = {2, 0, 0, 2}> {
      a = MatMul(x, w)
      s = If(c) <then_branch = yes () => (float[n, 2] t) { t = Neg(a) }, else_branch = no () => (float[n, 2] e) { e = Identity(a) }>
      y = MatMul(s, w)
    }`);
  const feeds = { ...sample(1, 2).feeds, c: { dtype: 'bool', dims: [], data: Uint8Array.of(1) } } as const;
  const calibration = await Calibration.open(m, stagesOf(m, [use(nodeOf(m, 'a')), use(nodeOf(m, 'y'))]), [{ feeds }], testContext());
  await calibration.observe(0, rows);
  scaled(m, 'w', 10);
  expect(await calibration.observe(1, rows)).toEqual([[[-10, -20]]]);
  await calibration.dispose();
});
