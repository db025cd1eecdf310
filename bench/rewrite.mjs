/**
 * How long rules take per node where they find little, and where they fire at every third node: a worklist costs the same per node at any size.
 * Each size in a process of its own, five rounds, median.
 * Usage: node bench/rewrite.mjs
 */
import { median, root, show, time } from './harness.mjs';

const ROUNDS = 5;
const SIZES = [12_500, 25_000, 50_000];
/** For all nodes together, where few rules fire. */
const GOAL_MS = 1000;

for (const [what, period] of [['few rules fire', 100], ['a rule fires at every third node', 3]]) {
  for (const size of SIZES) {
    const runs = Array.from({ length: ROUNDS }, () => JSON.parse(time(process.execPath, ['--input-type=module', '-e', `(${measure})(${size}, ${period})`], { cwd: root }).stdout));
    const ms = median(runs.map((r) => r.ms));
    show(`${size} nodes, ${what} (${runs[0].fired})`, ms, 'ms', period === 100 ? GOAL_MS : undefined);
    show('per node', (ms / size) * 1000, 'µs');
  }
}

/** Rewrites a chain of `size` nodes in which every so many there is a Relu of a Relu. Runs in a process of its own. */
async function measure(size, period) {
  const { Graph, Node, rewrite, rule, tensorType, value, Value } = await import('@onnxpress/onnx');
  const rules = [
    rule('relu-twice', { vars: { x: value() }, match: ({ x }, op) => op.Relu(op.Relu(x)), build: ({ x }, op) => op.Relu(x) }),
    rule('neg-twice', { vars: { x: value() }, match: ({ x }, op) => op.Neg(op.Neg(x)), build: ({ x }) => x }),
    rule('sum-of-product', { vars: { a: value(), b: value() }, match: ({ a, b }, op) => op.Add(op.Mul(a, b), b), build: ({ a, b }, op) => op.Mul(a, b) }),
  ];
  const type = tensorType('float32', [4, 4]);
  const graph = new Graph('chain', new Map([['', 17]]));
  const others = ['Sigmoid', 'Tanh', 'Neg', 'Mul', 'Add'];
  let x = graph.addInput(new Value('x', { type }));
  for (let i = 0; i < size; i++) {
    const opType = i % period < 2 ? 'Relu' : others[i % others.length];
    x = graph.add(new Node(opType, opType === 'Mul' || opType === 'Add' ? [x, x] : [x])).output;
    x.infer(type);
  }
  graph.addOutput(x);
  const started = performance.now();
  const counts = rewrite(graph, rules);
  const ms = performance.now() - started;
  console.log(JSON.stringify({ ms, fired: [...counts.values()].reduce((a, b) => a + b, 0) }));
}
