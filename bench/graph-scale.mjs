/**
 * How long fusion/simplify takes for generated graphs of 12,500, 25,000 and 50,000 nodes of several kinds: under five seconds for the largest, and the same per
 * node at every size. Each in a process of its own; the least of a few rounds of processor time. Usage: node bench/graph-scale.mjs [kind…]
 */
import { root, show, time } from './harness.mjs';

const ROUNDS = 3;
const SIZES = [12_500, 25_000, 50_000];
const GOAL_MS = 5000;
/** Per node at the largest size, against the smallest: caches of the processor and the collector's work leave nothing flatter. */
const GOAL_RATIO = 1.3;

const KINDS = ['chain', 'wide', 'transformer', 'constants', 'unfoldable', 'ifs', 'decisions'];
const wanted = process.argv.slice(2);

for (const kind of wanted.length > 0 ? wanted : KINDS) {
  const perNode = [];
  for (const size of SIZES) {
    const runs = Array.from({ length: ROUNDS }, () => JSON.parse(time(process.execPath, ['--input-type=module', '-e', `(${measure})(${JSON.stringify(kind)}, ${size})`], { cwd: root }).stdout));
    const { ms, before, after } = runs.reduce((a, b) => (b.ms < a.ms ? b : a));
    show(`${kind}: ${before} nodes → ${after}`, ms, 'ms', size === SIZES.at(-1) ? GOAL_MS : undefined);
    perNode.push(ms / before);
  }
  show(`${kind}: per node, the largest / the smallest`, perNode.at(-1) / perNode[0], 'times', GOAL_RATIO);
}

/** Makes a graph, simplifies it, and prints how long that took. Runs in a process of its own. */
async function measure(kind, size) {
  const { Graph, Model, Node, Value, nodeCount, tensorOf, int64s, tensorType, attr } = await import('@onnxpress/core');
  const { testPassContext } = await import('@onnxpress/core/testing');
  const { default: plugin } = await import('@onnxpress/plugin-fusion');
  const graph = new Graph(kind, new Map([['', 17]]));
  const add = (opType, inputs, attrs = []) => graph.add(new Node(opType, inputs, { attrs })).output;
  const floats = (name, dims, f = (i) => Math.sin(i + name.length)) => graph.addInitializer(name, tensorOf('float32', dims, Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => f(i))));
  const longs = (name, values) => graph.addInitializer(name, int64s(values));
  const input = (name, dims) => graph.addInput(new Value(name, { type: tensorType('float32', dims) }));
  const makers = { chain, wide, transformer, constants, unfoldable, ifs, decisions };
  const [out, dims] = makers[kind]();
  graph.addOutput(out);
  out.type = tensorType('float32', dims);
  const model = new Model(graph);
  const before = nodeCount(model);
  const pass = plugin.passes.find((p) => p.name === 'fusion/simplify');
  const started = process.cpuUsage();
  await pass.run(model, { 'fold-bytes': 0, 'keep-metadata': false, exclude: [] }, testPassContext({ usesRuntime: true }));
  const { user, system } = process.cpuUsage(started);
  console.log(JSON.stringify({ ms: (user + system) / 1000, before, after: nodeCount(model) }));

  /** One after another: activations, sums with a constant, and what does nothing. */
  function chain() {
    let x = input('x', ['batch', 64]);
    const b = floats('b', [64]);
    const none = floats('none', [1], () => 0);
    const cycle = ['Relu', 'Sigmoid', 'Identity', 'Add', 'Tanh', 'Neg', 'Zero', 'Exp'];
    for (let i = 0; i < size; i++) {
      const what = cycle[i % cycle.length];
      x = what === 'Add' ? add('Add', [x, b]) : what === 'Zero' ? add('Add', [x, none]) : add(what, [x]);
    }
    return [x, ['batch', 64]];
  }

  /** Many that read one value, summed in pairs. */
  function wide() {
    const x = input('x', ['batch', 64]);
    let level = Array.from({ length: size / 2 }, (_, i) => add('Mul', [x, floats(`w${i}`, [64], (j) => i + j / 64)]));
    while (level.length > 1) level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => (level[2 * i + 1] ? add('Add', [level[2 * i], level[2 * i + 1]]) : level[2 * i]));
    return [level[0], ['batch', 64]];
  }

  /** Blocks of attention and feed-forward as exporters write them, with shapes computed on the way. */
  function transformer() {
    let x = input('x', ['batch', 'length', 64]);
    const [zero, one, four, depth, last] = [longs('zero', [0]), longs('one', [1]), longs('four', [4]), longs('depth', [16]), longs('last', [-1])];
    const [half, eps, two, root2, root4] = [floats('half', [], () => 0.5), floats('eps', [], () => 1e-5), floats('two', [], () => 2), floats('root', [], () => Math.SQRT2), floats('scale', [], () => 4)];
    const unit = floats('unit', [], () => 1);
    const w = ['q', 'k', 'v', 'o'].map((n) => floats(n, [64, 64]));
    const [up, down, bias] = [floats('up', [64, 64]), floats('down', [64, 64]), floats('bias', [64])];
    const sizeAt = (v, i) => add('Gather', [add('Shape', [v]), graph.addInitializer('at', int64s([i]))], [['axis', attr.int(0)]]);
    const normalized = (v) => {
      const mean = add('ReduceMean', [v], [['axes', attr.ints([-1])]]);
      const centred = add('Sub', [v, mean]);
      const variance = add('ReduceMean', [add('Pow', [centred, two])], [['axes', attr.ints([-1])]]);
      return add('Add', [add('Mul', [add('Div', [centred, add('Sqrt', [add('Add', [variance, eps])])]), bias]), bias]);
    };
    const heads = (v, axes) => add('Transpose', [add('Reshape', [v, add('Concat', [sizeAt(v, 0), sizeAt(v, 1), four, depth], [['axis', attr.int(0)]])])], [['perm', attr.ints(axes)]]);
    while (graph.nodeCount < size) {
      const n = normalized(x);
      const [q, k, v] = w.slice(0, 3).map((m, i) => heads(add('Add', [add('MatMul', [n, m]), bias]), i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3]));
      const scores = add('Softmax', [add('Div', [add('MatMul', [q, k]), root4])], [['axis', attr.int(-1)]]);
      const joined = add('Transpose', [add('MatMul', [scores, v])], [['perm', attr.ints([0, 2, 1, 3])]]);
      const flat = add('Reshape', [joined, add('Concat', [sizeAt(joined, 0), sizeAt(joined, 1), last], [['axis', attr.int(0)]])]);
      x = add('Add', [x, add('Identity', [add('MatMul', [flat, w[3]])])]);
      const h = add('Add', [add('MatMul', [normalized(x), up]), bias]);
      const gelu = add('Mul', [add('Mul', [h, add('Add', [add('Erf', [add('Div', [h, root2])]), unit])]), half]);
      x = add('Add', [x, add('MatMul', [add('Cast', [gelu], [['to', attr.int(1)]]), down])]);
    }
    void [zero, one];
    return [x, ['batch', 'length', 64]];
  }

  /** Constant nodes, many of them equal, and what can be computed from them. */
  function constants() {
    let x = input('x', ['batch', 16]);
    const constant = (i) => add('Constant', [], [['value', attr.tensor(tensorOf('float32', [16], Array.from({ length: 16 }, (_, j) => (i % 97) + j / 16)))]]);
    while (graph.nodeCount < size) {
      const i = graph.nodeCount;
      x = add('Add', [x, add('Mul', [add('Add', [constant(i), constant(i + 1)]), constant(i + 2)])]);
      x = add('Relu', [x]);
    }
    return [x, ['batch', 16]];
  }

  /** One constant that everything is computed from, to results that are too large to become constants. */
  function unfoldable() {
    const [x, c] = [input('x', ['batch', 256]), floats('c', [1, 256])];
    const rows = [2, 3, 4, 5].map((n) => longs(`rows${n}`, [n, 256]));
    let sum = x;
    for (let i = 0; graph.nodeCount < size; i++) sum = add('Add', [sum, add('ReduceMean', [add('Mul', [add('Expand', [add('Add', [c, floats(`c${i}`, [1, 1], () => i)]), rows[i % 4]]), x])], [['axes', attr.ints([0])]])]);
    return [sum, ['batch', 256]];
  }

  /** Conditions that nobody knows in advance, with a few nodes in each branch. */
  function ifs() {
    let x = input('x', ['batch', 16]);
    const flag = graph.addInput(new Value('flag', { type: tensorType('bool', []) }));
    for (let made = 0; made < size; made += 8) x = add('Relu', [add('If', [flag], [['then_branch', attr.graph(branch('then', x, ['Neg', 'Identity', 'Exp']))], ['else_branch', attr.graph(branch('else', x, ['Abs', 'Tanh', 'Identity']))]])]);
    return [x, ['batch', 16]];
  }

  /** The same condition again and again, over values that do not depend on one another. */
  function decisions() {
    const x = input('x', ['batch', 16]);
    const flag = add('Not', [graph.addInput(new Value('flag', { type: tensorType('bool', []) }))]);
    let sum = x;
    const decided = Array.from({ length: Math.floor(size / 6) }, () => add('If', [flag], [['then_branch', attr.graph(branch('then', x, ['Neg', 'Exp']))], ['else_branch', attr.graph(branch('else', x, ['Abs', 'Tanh']))]]));
    for (const v of decided) sum = add('Add', [sum, v]);
    return [sum, ['batch', 16]];
  }

  function branch(name, from, operators) {
    const g = new Graph(name, graph.opsets);
    let v = from;
    for (const o of operators) v = g.add(new Node(o, [v])).output;
    g.addOutput(v);
    return g;
  }
}
