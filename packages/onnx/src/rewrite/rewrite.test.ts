import { expect, test } from 'vitest';
import { Graph, Node, Value } from '../ir/graph.ts';
import { Model } from '../ir/model.ts';
import { tensorType } from '../ir/types.ts';
import { float32s, scalar } from '../ir/values.ts';
import { parseGraph, parseModel } from '../text/parse.ts';
import { printGraph } from '../text/print.ts';
import { anyOf, attribute, constant, value } from './pattern.ts';
import { rewrite } from './rewrite.ts';
import { copyOf, nodeRule, rule, type Rule } from './rule.ts';

const x = value();
const nodesOf = (g: Graph): string[] => printGraph(g).split('{\n').slice(1).join('{\n').split('\n').slice(0, -2).map((l) => l.trim());
const f = (body: string, more = ''): Graph => parseGraph(`g (float[2, 3] x, float[2, 3] z) => (float[2, 3] y) ${more} { ${body} }`);
const reasons = (g: Graph, ...rules: Rule[]): string[] => {
  const found: string[] = [];
  rewrite(g, rules, { missed: (m) => found.push(m.reason) });
  return found;
};

const noAbs = rule('no-abs', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: ({ x }) => x });
const noIdentity = rule('no-identity', { vars: { x }, match: ({ x }, op) => op.Identity(x), build: ({ x }) => x });
const absToRelu = rule('abs-to-relu', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: ({ x }, op) => op.Relu(x) });
const gemm = rule('matmul-add-to-gemm', {
  vars: { a: value({ rank: 2 }), b: value({ rank: 2 }), c: constant() },
  match: ({ a, b, c }, op) => op.Add(op.MatMul(a, b), c),
  where: ({ b, c }) => (c.rank === 1 && c.constant.dims[0] === b.dims?.[1]) || `"${c.name}" would widen the product`,
  build: ({ a, b, c }, op) => op.Gemm(a, b, c),
});

test('a fused pair is one node, under the name of the output', () => {
  const g = parseGraph('g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}, float[2] b = {5, 6}> { m = MatMul(x, w) y = Add(b, m) }');
  expect([...rewrite(g, [gemm])]).toEqual([['matmul-add-to-gemm', 1]]);
  expect(nodesOf(g)).toEqual(['y = Gemm (x, w, b)']);
});

test('a rule that does not fit changes nothing', () => {
  const g = parseGraph('g (float[2, 2] x) => (float[2, 2] y) <float[2, 1] w = {1, 2}, float[2] b = {5, 6}> { m = MatMul(x, w) y = Add(m, b) }');
  const before = [printGraph(g), g.revision];
  expect(reasons(g, gemm)).toEqual(['"b" would widen the product']);
  expect([printGraph(g), g.revision]).toEqual(before);
});

test('what replaces an inner value has its name', () => {
  const g = f('t = Abs(x) y = Exp(t)');
  rewrite(g, [absToRelu]);
  expect(nodesOf(g)).toEqual(['t = Relu (x)', 'y = Exp (t)']);
});

test('new nodes lie under the name of the node they replace', () => {
  const g = f('["/layer.0/act"] y = Gelu(x)');
  rewrite(g, [rule('taken-apart', { vars: { x }, match: ({ x }, op) => op.Gelu(x), build: ({ x }, op) => op.Mul(x, op.Abs(op.Abs(x))), grows: 'an example' })]);
  expect([...g.nodes].map((n) => n.name)).toEqual(['/layer.0/act/Abs', '/layer.0/act/Abs_1', '/layer.0/act']);
});

test('new nodes have names that no node of the graph has', () => {
  const again = rule('again', { vars: { x }, match: ({ x }, op) => op.Gelu(x), build: ({ x }, op) => op.Mul(x, op.Abs(x)), grows: 'an example' });
  const more = rule('more', { vars: { x }, match: ({ x }, op) => op.Mul(x, op.Abs(x)), build: ({ x }, op) => op.Sub(x, op.Tanh(op.Abs(x))), grows: 'an example' });
  const g = f('["b/Abs"] t = Relu(x) ["a"] s = Gelu(t) ["a/Tanh"] r = Sin(s) ["b"] y = Gelu(r)');
  rewrite(g, [again, more]);
  const names = [...g.nodes].map((n) => n.name);
  expect(new Set(names).size).toBe(names.length);
});

test('one firing makes the next possible, however deep the pattern looks', () => {
  const deep = rule('deep', { vars: { x }, match: ({ x }, op) => op.Exp(op.Neg(op.Sin(op.Relu(x)))), build: ({ x }, op) => op.Tanh(x) });
  const g = f('a = Abs(x) s = Sin(a) n = Neg(s) y = Exp(n)');
  expect([...rewrite(g, [deep, absToRelu])]).toEqual([['deep', 1], ['abs-to-relu', 1]]);
  expect(nodesOf(g)).toEqual(['y = Tanh (x)']);
});

test('a node high above a change is tried again, whatever was tried first', () => {
  const deep = rule('deep', { vars: { x }, match: ({ x }, op) => op.Exp(op.Neg(op.Sin(op.Relu(x)))), build: ({ x }, op) => op.Tanh(x) });
  const g = f('a = Abs(x) s = Sin(a) n = Neg(s) y = Exp(n)');
  for (const n of [...g.nodes]) g.move(n, { before: [...g.nodes][0]! });
  expect([...rewrite(g, [deep, absToRelu]).keys()]).toEqual(['deep', 'abs-to-relu']);
});

const left = nodeRule('left', { operators: ['Sub'], apply: (n) => n.inputs[0]! });

test('a reader that goes makes the other readers try again', () => {
  const pair = rule('pair', { vars: { x }, match: ({ x }, op) => op.Exp(op.Neg(x)), build: ({ x }, op) => op.Tanh(x) });
  const g = f('n = Neg(x) e = Exp(n) d = Sub(x, n) y = Add(d, e)');
  expect([...rewrite(g, [pair, left]).keys()]).toEqual(['pair', 'left']);
});

test('a reader that goes makes the maker try again', () => {
  const single = nodeRule('single', { operators: ['Neg'], apply: (n, op) => (n.output.useCount === 1 ? op.Abs(n.inputs[0]!) : 'it is read more than once') });
  const g = f('n = Neg(x) e = Exp(n) d = Sub(z, n) y = Add(d, e)');
  expect([...rewrite(g, [single, left]).keys()]).toEqual(['single', 'left']);
});

test('what only the replaced node needed goes with it, subgraphs and weights included', () => {
  const g = parseGraph('g (float[2] x, bool c) => (float[2] y) <float[2] w = {1, 2}> { n = Neg(w) i = If(c)<then_branch: graph = b () => (float[2] p) { p = Exp(n) }> s = Sub(x, i) y = Abs(s) }');
  rewrite(g, [left]);
  expect(nodesOf(g)).toEqual(['y = Abs (x)']);
  expect(g.initializers.size).toBe(0);
});

test('what was dead before is not the business of a rule', () => {
  const g = f('dead = Exp(x) y = Abs(x)');
  rewrite(g, [absToRelu]);
  expect(nodesOf(g)).toEqual(['dead = Exp (x)', 'y = Relu (x)']);
});

test('the first rule that fits fires', () => {
  const g = f('y = Abs(x)');
  expect([...rewrite(g, [absToRelu, noAbs]).keys()]).toEqual(['abs-to-relu']);
});

test('rules that undo each other are named', () => {
  const a = rule('a', { vars: { x }, match: ({ x }, op) => op.Relu(x), build: ({ x }, op) => op.Abs(x) });
  const b = rule('b', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: ({ x }, op) => op.Relu(x) });
  expect(() => rewrite(f('y = Relu(x)'), [a, b])).toThrow('Rewriting does not end. The last rules to fire were b, a: do they undo each other?');
  expect(() => rewrite(f('y = Abs(x)'), [rule('c', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: ({ x }, op) => op.Abs(x) })], { budget: 5 })).toThrow('The last rules to fire were c: does it fit what it makes?');
});

test('a rule may not add nodes, unless it says why', () => {
  const apart = (grows?: string): Rule => rule('apart', { vars: { x }, match: ({ x }, op) => op.Gelu(x), build: ({ x }, op) => op.Mul(x, op.Sigmoid(op.Abs(x))), ...(grows && { grows }) });
  expect(reasons(f('y = Gelu(x)'), apart())).toEqual(['it would add 2 nodes']);
  const g = f('y = Gelu(x)');
  rewrite(g, [apart('faster where there is no Gelu')]);
  expect(g.nodeCount).toBe(3);
});

test('a rule may not add bytes beyond what the saved nodes are worth', () => {
  const scaled = (count: number): Rule => rule('scaled', { vars: { x, c: constant({ scalar: true }) }, match: ({ x, c }, op) => op.Abs(op.Mul(x, c)), build: ({ x }, op) => op.Add(x, op.constant(float32s([count], new Float32Array(count)))) });
  const g = (): Graph => parseGraph('g (float[] x) => (float[] y, float[] z) <float c = {1}> { m = Mul(x, c) y = Abs(m) z = Add(x, c) }');
  expect(reasons(g(), scaled(17))).toEqual(['it would add 68 bytes']);
  expect(reasons(g(), scaled(16))).toEqual([]);
});

test('a weight that only the replaced nodes read counts as saved', () => {
  const swap = rule('swap', { vars: { x, c: constant() }, match: ({ x, c }, op) => op.Sub(x, c), build: ({ x, c }, op) => op.Add(x, op.constant(float32s(c.constant.dims, new Float32Array(3)))) });
  const g = (also: string): Graph => f(`y = Sub(x, c) ${also}`, '<float[3] c = {1, 2, 3}>');
  expect(reasons(g(''), swap)).toEqual([]);
  expect(reasons(g('a = Abs(c)'), swap)).toEqual(['it would add 12 bytes']);
});

test('constants become initializers, and Constant nodes in functions', () => {
  const plusOne = rule('plus-one', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: ({ x }, op) => op.Add(x, op.constant(scalar('float32', 1))), grows: 'an example' });
  const m = parseModel('<ir_version: 10, opset_import: ["" : 20, "acme" : 1]> g (float[2] x) => (float[2] y) { t = Abs(x) y = acme.F(t) } <domain: "acme", opset_import: ["" : 20]> F (a) => (b) { b = Abs(a) }');
  expect([...rewrite(m, [plusOne])]).toEqual([['plus-one', 2]]);
  expect(nodesOf(m.graph)).toEqual(['t = Add (x, t_constant)', 'y = acme.F (t)']);
  expect([...[...m.functions.values()][0]!.body.nodes].map((n) => n.opType)).toEqual(['Constant', 'Add']);
});

test('every scope of a model is rewritten', () => {
  const g = parseGraph('g (float[2] x, bool c) => (float[2] y) { y = If(c)<then_branch: graph = b () => (float[2] p) { p = If(c)<then_branch: graph = d () => (float[2] q) { q = Abs(x) }> }> }');
  expect([...rewrite(new Model(g), [absToRelu])]).toEqual([['abs-to-relu', 1]]);
  expect(printGraph(g)).toContain('q = Relu (x)');
});

test('what is new inside new nodes is rewritten too', () => {
  const g = parseGraph('g (bool c) => (float[2] y) { y = If(c)<then_branch: graph = b () => (float[2] p) <float[2] k = {1, 2}> { p = Abs(k) }> }');
  const copy = nodeRule('copy', { operators: ['If'], apply: (n) => (n.name === '' ? Object.assign(copyOf(n, n.inputs), { name: 'copied' }).output : 'it is a copy') });
  expect([...rewrite(g, [copy, absToRelu])]).toEqual([['copy', 1], ['abs-to-relu', 1]]);
});

test('a subgraph of a new node may read a new constant', () => {
  const g = parseGraph('g (float[2] x, bool c) => (float[2] y) { y = Where(c, x, x) }');
  const branch = nodeRule('branch', {
    operators: ['Where'],
    apply(n, op, graph) {
      const one = op.constant(scalar('float32', 1));
      const [then_branch, else_branch] = ['Add', 'Sub'].map((opType) => {
        const inner = new Graph(opType, graph.opsets);
        inner.addOutput(inner.add(new Node(opType, [n.inputs[1], one])).output);
        return inner;
      }) as [Graph, Graph];
      return op.If(n.inputs[0]!, { then_branch, else_branch })[0]!;
    },
    grows: 'an example',
  });
  rewrite(g, [branch]);
  expect(g.value('y_constant')!.uses.map((u) => u.node.opType)).toEqual(['Add', 'Sub']);
});

test('an output keeps its name where an Identity goes', () => {
  const g = f('t = Exp(x) y = Identity(t)');
  rewrite(g, [noIdentity]);
  expect(nodesOf(g)).toEqual(['y = Exp (x)']);
});

test('an Identity that gives an input its public name stays', () => {
  expect(reasons(f('y = Identity(x)'), noIdentity)).toEqual(['"y" is a graph output, and "x" cannot take its name']);
  expect(reasons(f('y = Identity(c)', '<float[2, 3] c = {1, 2, 3, 4, 5, 6}>'), noIdentity)).toEqual(['"y" is a graph output, and "c" cannot take its name']);
});

test('a node that gives an input out becomes an Identity', () => {
  const g = f('y = Abs(x)');
  rewrite(g, [noAbs, noIdentity]);
  expect(nodesOf(g)).toEqual(['y = Identity (x)']);
});

test('what is put in place must be of the same type', () => {
  const toDouble = rule('to-double', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: ({ x }, op) => op.Cast(x, { to: 11 }) });
  expect(reasons(f('y = Abs(x)'), toDouble)).toEqual(['"y" is float32[2, 3], and what would take its place is float64[2, 3]']);
  const flat = rule('flat', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: ({ x }, op) => op.Transpose(x, { perm: [1, 0] }) });
  expect(reasons(f('y = Abs(x)'), flat)).toEqual(['"y" is float32[2, 3], and what would take its place is float32[3, 2]']);
});

test('what was known about a value is known about what takes its place', () => {
  const g = parseGraph('g (float[] x) => (float[] y) { t = Abs(x) y = Exp(t) }');
  g.value('t')!.infer(tensorType('float32', ['n', 3]));
  rewrite(g, [absToRelu]);
  expect(g.value('t')!.type).toEqual(tensorType('float32', ['n', 3]));
  expect(g.value('t')!.declared).toBeUndefined();
});

test('several values are replaced at once, also where others read them', () => {
  const skip = rule('skip-norm', {
    vars: { x, z: value(), scale: value(), axis: attribute.int() },
    match: ({ x, z, scale, axis }, op) => {
      const sum = op.Add(x, z);
      return [op.LayerNormalization(sum, scale, undefined, { axis }), sum];
    },
    build: ({ x, z, scale }, op) => {
      const [y, , , sum] = op.in('com.microsoft').outputs(4).SkipLayerNormalization(x, z, scale);
      return [y, sum];
    },
  });
  const g = parseGraph('g (float[1, 2, 3] x, float[1, 2, 3] z) => (float[1, 2, 3] y, float[1, 2, 3] u) <float[3] s = {1, 1, 1}> { t = Add(x, z) u = Exp(t) y = LayerNormalization(t, s) }');
  rewrite(g, [skip]);
  expect(nodesOf(g)).toEqual(['y, "", "", t = com.microsoft.SkipLayerNormalization (x, z, s)', 'u = Exp (t)']);
});

test('a replacement that would need its own result is refused', () => {
  const both = rule('both', { vars: { x, z: value() }, match: ({ x, z }, op) => { const e = op.Exp(x); return [op.Sub(e, z), e]; }, build: ({ x, z }, op) => { const [p, q] = op.call('acme', 'Both', [x, z], {}, 2); return [p, q]; } });
  const g = f('e = Exp(x) n = Neg(e) y = Sub(e, n)');
  expect(reasons(g, both)).toEqual(['it would make a cycle through "e"']);
  expect([...rewrite(f('e = Exp(x) n = Neg(e) y = Sub(e, z)'), [both])]).toEqual([['both', 1]]);
});

test('a rule may not read what it replaces', () => {
  const wrap = nodeRule('wrap', { operators: ['Abs'], apply: (n, op) => op.Relu(n.output), grows: 'an example' });
  expect(reasons(f('y = Abs(x)'), wrap)).toEqual(['what takes the place of "y" reads it']);
});

test('a rule may not read what depends on what it replaces', () => {
  const later = nodeRule('later', { operators: ['Abs'], apply: (n) => n.output.uses[0]!.node.output });
  expect(reasons(f('t = Abs(x) y = Exp(t)'), later)).toEqual(['it would make a cycle through "t"']);
});

test('an operator that the opset does not have is a reason', () => {
  const g = parseGraph('g (float[2] x) => (float[2] y) { y = Abs(x) }', new Map([['', 13]]));
  expect(reasons(g, rule('gelu', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: ({ x }, op) => op.Gelu(x) }))).toEqual(['Gelu needs opset 20, the model has 13. Raise the model\'s opset, or build it from older operators.']);
});

test('the domain of a new operator is imported', () => {
  const g = f('y = Gelu(x)');
  rewrite(g, [rule('contrib', { vars: { x }, match: ({ x }, op) => op.Gelu(x), build: ({ x }, op) => op.in('com.microsoft').Gelu(x) })]);
  expect(g.opsets.get('com.microsoft')).toBe(1);
});

test('`build` may say why not, too', () => {
  expect(reasons(f('y = Abs(x)'), rule('r', { vars: { x }, match: ({ x }, op) => op.Abs(x), build: () => 'the stars are wrong' }))).toEqual(['the stars are wrong']);
});

test('a rule that gives too few values is a mistake of the rule', () => {
  const one = nodeRule('one', { operators: ['Split'], apply: (n) => n.inputs[0]! });
  expect(() => rewrite(parseGraph('g (float[4] x) => (float[2] a, float[2] b) { a, b = Split<num_outputs = 2>(x) }'), [one])).toThrow('Rule "one" gives 1 values for Split "a", where 2 are replaced and "b" is read. Return one for each.');
});

test('a stray value is a mistake of the rule', () => {
  expect(() => rewrite(f('y = Abs(x)'), [nodeRule('stray', { apply: () => new Value('s') })])).toThrow('A rule reads "s", which nothing makes and no graph holds.');
});

test('a node rule sees all operators, or those it names', () => {
  const seen: string[] = [];
  const note = (name: string, operators?: readonly ['Abs']): Rule => nodeRule(name, { ...(operators && { operators }), apply: (n) => `${name} saw ${seen.push(n.opType)}` });
  rewrite(f('t = Abs(x) y = Exp(t)'), [note('all'), note('some', ['Abs'])]);
  expect(seen).toEqual(['Abs', 'Abs', 'Exp']);
});

test('a node rule may replace several outputs, and leave out those that nobody reads', () => {
  const g = parseGraph('g (float[4] x) => (float[2] a) { a, b = Split<num_outputs = 2>(x) }');
  rewrite(g, [nodeRule('slice', { operators: ['Split'], apply: (n, op) => [op.Relu(n.inputs[0]!), undefined] })], { infer: () => undefined });
  expect(nodesOf(g)).toEqual(['a = Relu (x)']);
});

test('a copied node keeps its attributes, and its subgraphs read what they read', () => {
  const g = parseGraph('g (float[2] x, bool c, bool d) => (float[2] y) { t = Abs(x) y = If(c)<then_branch: graph = b () => (float[2] p) { p = Exp(t) }> }');
  rewrite(g, [nodeRule('other', { operators: ['If'], apply: (n) => (n.inputs[0]!.name === 'c' ? copyOf(n, [n.graph!.value('d')]).output : 'done') })]);
  expect(nodesOf(g)[1]).toContain('y = If (d)');
  expect(g.value('t')!.uses.map((u) => u.node.output.name)).toEqual(['p']);
});

test('a replacement that is refused reads nothing', () => {
  const g = parseGraph('g (float[2] x, bool c) => (float[2] y) { t = Abs(x) y = If(c)<then_branch: graph = b () => (float[2] p) { p = Exp(t) }> }');
  expect(reasons(g, nodeRule('more', { operators: ['If'], apply: (n, op) => op.Abs(copyOf(n, n.inputs).output) }))).toEqual(['it would add 1 node']);
  expect(g.value('t')!.useCount).toBe(1);
});

test('whoever wants to know hears what came and went', () => {
  const heard: unknown[] = [];
  const g = f('t = Neg(x) y = Abs(t)');
  rewrite(g, [rule('r', { vars: { x }, match: ({ x }, op) => op.Abs(op.Neg(x)), build: ({ x }, op) => op.Abs(x) })], { fired: (h) => heard.push([h.rule, h.root.opType, h.made.map((n) => n.opType), h.removed.map((n) => n.opType)]) });
  expect(heard).toEqual([['r', 'Abs', ['Abs'], ['Abs', 'Neg']]]);
});

test('the graph stays in order', () => {
  const both = rule('both', { vars: { x, z: value() }, match: ({ x, z }, op) => { const e = op.Exp(x); return [op.Sub(e, z), e]; }, build: ({ x, z }, op) => { const [p, q] = op.call('acme', 'Both', [x, z], {}, 2); return [p, q]; } });
  const g = f('e = Exp(x) n = Neg(e) w = Abs(z) s = Sub(e, w) y = Add(s, n)');
  rewrite(g, [both]);
  expect([...g.nodes].map((n) => n.opType)).toEqual(['Abs', 'Both', 'Neg', 'Add']);
});

test('the same model and rules give the same text', () => {
  const once = (): string => {
    const g = f('a = Abs(x) b = Identity(a) c = Mul(b, a) y = Add(c, z)');
    rewrite(g, [absToRelu, noIdentity, rule('m', { vars: { a: value(), b: value(), c: value() }, match: ({ a, b, c }, op) => op.Add(op.Mul(a, b), c), build: ({ a, b, c }, op) => op.Sub(op.Div(a, b), c) })]);
    return printGraph(g);
  };
  expect(once()).toBe(once());
});

/** 2,500 times Abs, Identity, MatMul, Add, all adding the same constant. */
function long(): Graph {
  const g = new Graph('long', new Map([['', 20]]));
  const w = g.addInitializer('w', float32s([2, 2], [1, 2, 3, 4]));
  const b = g.addInitializer('b', float32s([2], [1, 2]));
  let v = g.addInput(new Value('x', { type: tensorType('float32', [2, 2]) }));
  const step = (opType: string, ...more: Value[]): Value => {
    const { output } = g.add(new Node(opType, [v, ...more]));
    output.infer(tensorType('float32', [2, 2]));
    return output;
  };
  for (let i = 0; i < 2_500; i++) {
    v = step('Abs');
    v = step('Identity');
    v = step('MatMul', w);
    v = step('Add', b);
  }
  g.addOutput(v);
  return g;
}

test('rules are tried in proportion to the graph, also where thousands read one value', () => {
  const others = (['Tanh', 'Sigmoid', 'Exp', 'Log', 'Neg', 'Sin', 'Cos'] as const).map((o) => rule(`no-${o}`, { vars: { x }, match: ({ x }, op) => op.Add(op.MatMul(anyOf([o], [x]), x), x), build: ({ x }) => x }));
  const g = long();
  let tried = 0;
  expect([...rewrite(g, [...others, gemm, absToRelu, noIdentity], { missed: () => tried++ })]).toEqual([['matmul-add-to-gemm', 2_500], ['abs-to-relu', 2_500], ['no-identity', 2_500]]);
  expect(g.nodeCount).toBe(5_000);
  expect(tried).toBeLessThan(10 * 10_000);
});

test('a chain of five thousand collapses into its beginning', () => {
  const g = new Graph('chain', new Map([['', 20]]));
  let v = g.addInput(new Value('x', { type: tensorType('float32', [2]) }));
  for (let i = 0; i < 5_000; i++) v = g.add(new Node('Identity', [v])).output;
  g.addOutput(g.add(new Node('Abs', [v])).output);
  expect([...rewrite(g, [noIdentity])]).toEqual([['no-identity', 5_000]]);
  expect(g.nodeCount).toBe(1);
});
