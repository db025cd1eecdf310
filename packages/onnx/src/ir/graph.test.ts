import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failure } from '../testing/failure.ts';
import { attr } from './attr.ts';
import { describe as nameOf, Graph, Node, Value, type Constant } from './graph.ts';
import { cloneGraph } from './model.ts';
import { tensorType } from './types.ts';
import { float32s, scalar } from './values.ts';

const one = scalar('float32', 1);
const input = (g: Graph, name: string): Value => g.addInput(new Value(name, { type: tensorType('float32', ['n', 2]) }));
const add = (g: Graph, opType: string, inputs: readonly (Value | undefined)[], output: string): Value => g.add(new Node(opType, inputs, { outputs: [output] })).output;
const readers = (v: Value): string[] => v.uses.map((u) => `${nameOf(u.node)} ${u.index}`);
const names = (g: Graph): string[] => [...g.nodes].map((n) => n.output.name);

/** x → Relu → r → Neg → y. */
function chain(): { g: Graph; x: Value; r: Value; y: Value } {
  const g = new Graph('g', new Map([['', 17]]));
  const x = input(g, 'x');
  const r = add(g, 'Relu', [x], 'r');
  const y = add(g, 'Neg', [r], 'y');
  g.addOutput(y);
  return { g, x, r, y };
}

/** A chain, and an If whose branches both read `r` of the graph around them. */
function branches(): { g: Graph; r: Value; node: Node; then: Graph } {
  const { g, r } = chain();
  const [then, other] = ['then', 'else'].map((name) => {
    const inner = new Graph(name);
    inner.addOutput(add(inner, 'Abs', [r], `${name}_abs`));
    return inner;
  }) as [Graph, Graph];
  const node = new Node('If', [input(g, 'which')], { outputs: ['z'], attrs: [['then_branch', attr.graph(then)], ['else_branch', attr.graph(other)]] });
  g.addOutput(g.add(node).output);
  return { g, r, node, then };
}

test('a value knows who reads it, at which place', () => {
  const { g, x, r } = chain();
  add(g, 'Add', [r, r], 's');
  expect(readers(r)).toEqual(['Neg "y" 0', 'Add "s" 0', 'Add "s" 1']);
  expect(readers(x)).toEqual(['Relu "r" 0']);
});

test('setInput moves the use from the old value to the new one', () => {
  const { x, r, y } = chain();
  y.producer!.setInput(0, x);
  expect([readers(x), readers(r)]).toEqual([['Relu "r" 0', 'Neg "y" 0'], []]);
});

test('setInput beyond the end leaves missing inputs between, and drops them at the end', () => {
  const { x, y } = chain();
  y.producer!.setInput(3, x);
  expect(y.producer!.inputs.map((v) => v?.name)).toEqual(['r', undefined, undefined, 'x']);
  y.producer!.setInput(3, undefined);
  expect(y.producer!.inputs.map((v) => v?.name)).toEqual(['r']);
});

test('setInput keeps the places that a Loop has before what it carries', () => {
  const { g, x } = chain();
  const body = new Graph('body');
  const loop = g.add(new Node('Loop', [input(g, 'n'), input(g, 'c')], { attrs: [['body', attr.graph(body)]] }));
  loop.setInput(1, undefined);
  expect(loop.inputs.map((v) => v?.name)).toEqual(['n', undefined]);
  loop.setInput(0, undefined);
  loop.setInput(2, x);
  loop.setInput(2, undefined);
  expect(loop.inputs).toEqual([undefined, undefined]);
});

test('leaving out what is not there is no change', () => {
  const { g, y } = chain();
  const before = g.revision;
  y.producer!.setInput(4, undefined);
  expect([y.producer!.inputs.length, g.revision]).toEqual([1, before]);
});

test('a graph has its place in one node and one attribute', () => {
  const { g, node, then } = branches();
  const error = failure(() => new Node('If', node.inputs, { attrs: node.attrs }));
  expect([error.code, error.message]).toEqual(['bad-edit', 'Graph "then" cannot go into If: it is in If "z". Give each place a graph of its own: cloneGraph(graph).']);
  expect(failure(() => node.setAttr('else_branch', attr.graph(then))).code).toBe('bad-edit');
  const inner = new Graph('inner');
  expect(failure(() => new Node('If', [], { attrs: [['then_branch', attr.graph(inner)], ['else_branch', attr.graph(inner)]] })).code).toBe('bad-edit');
  expect(node.graphs().map((b) => b.owner)).toEqual([node, node]);
  expect(g.nodeCount).toBe(3);
});

test('a graph may move on when its node has left', () => {
  const { g, r, node } = branches();
  g.removeOutput(1);
  g.remove(node);
  const heir = g.add(new Node('If', node.inputs, { attrs: node.attrs }));
  expect(readers(r)).toEqual(['Neg "y" 0', 'Abs "then_abs" 0', 'Abs "else_abs" 0']);
  expect(heir.graphs().map((b) => b.owner)).toEqual([heir, heir]);
});

test('only a value of nobody becomes an input', () => {
  const { g, x, r } = chain();
  const other = new Graph('other');
  expect(failure(() => other.addInput(r)).message).toContain('Relu "r" makes it');
  expect(failure(() => other.addInput(x)).message).toContain('it is in graph "g"');
  expect(x.graph).toBe(g);
});

test('an output that is not there cannot be removed', () => {
  const { g } = chain();
  const before = g.revision;
  expect(failure(() => g.removeOutput(1)).message).toBe('Graph "g" has no output 1.');
  expect(g.revision).toBe(before);
});

const annotations = (g: Graph): string[] => [...g.quantization].map(([name, roles]) => `${name}: ${[...roles].join(' ')}`);

test('annotations follow a value that is renamed, in inner graphs too', () => {
  const { g, r, then } = branches();
  const s = g.addInitializer('s', one);
  g.quantization.set('r', new Map([['SCALE_TENSOR', 's']]));
  then.quantization.set('then_abs', new Map([['SCALE_TENSOR', 's']]));
  g.rename(r, 'q');
  g.rename(s, 'scale');
  g.rename(then.value('then_abs')!.producer!.inputs[0]!, 'p');
  expect([annotations(g), annotations(then)]).toEqual([['p: SCALE_TENSOR,scale'], ['then_abs: SCALE_TENSOR,scale']]);
});

test('renaming takes the same time with thousands of annotations', () => {
  const MANY = 20_000; // scanning all of them for each would be eight hundred million steps
  const g = new Graph('g');
  const values = Array.from({ length: MANY }, (_, i) => g.addInitializer(`w${i}`, one));
  const scales = values.map((v) => g.addInitializer(`${v.name}_scale`, one));
  values.forEach((v, i) => g.quantization.set(v.name, new Map([['SCALE_TENSOR', scales[i]!.name]])));
  const started = performance.now();
  for (const v of [...scales, ...values]) g.rename(v, `${v.name}_renamed`);
  expect(performance.now() - started).toBeLessThan(2000); // it takes some 50 ms
  expect(annotations(g)[7]).toBe('w7_renamed: SCALE_TENSOR,w7_scale_renamed');
});

test('annotations of what is replaced go to what takes its place, unless that has its own', () => {
  const { g, x, r, y } = chain();
  g.quantization.set('r', new Map([['SCALE_TENSOR', 's']]));
  g.quantization.set('y', new Map([['SCALE_TENSOR', 't']]));
  const abs = add(g, 'Abs', [x], 'a');
  g.replace(r, abs);
  expect(annotations(g)).toEqual(['y: SCALE_TENSOR,t', 'a: SCALE_TENSOR,s']);
  g.replace(y, abs);
  expect([g.outputs[0]!.name, annotations(g)]).toEqual(['y', ['y: SCALE_TENSOR,s']]);
});

test('an initializer that tells how a value is quantized is not pruned before the value', () => {
  const { g, r, y } = chain();
  g.addInitializer('s', one);
  g.quantization.set('r', new Map([['SCALE_TENSOR', 's']]));
  g.prune();
  expect([...g.initializers.keys()]).toEqual(['s']);
  y.producer!.setInput(0, g.inputs[0]);
  g.remove(r.producer!);
  g.prune();
  expect([...g.initializers.keys()]).toEqual([]);
});

test('new numbers leave what the file says of their value', () => {
  const { g } = chain();
  const c = g.addInitializer('c', one);
  c.notes = { extra: Uint8Array.of(42) };
  g.setConstant(c, scalar('float32', 2));
  expect(c.notes.extra).toEqual(Uint8Array.of(42));
});

test('a node cannot go while something reads it', () => {
  const { g, r, y } = chain();
  expect(() => g.remove(r.producer!)).toThrow('Relu "r" cannot go: "r" is still read: Neg "y".');
  expect(() => g.remove(y.producer!)).toThrow('Neg "y" cannot go: "y" is still read: it is a graph output.');
});

test('a node that was removed can come back', () => {
  const { g, r } = chain();
  const s = add(g, 'Abs', [r], 's').producer!;
  g.remove(s);
  expect([s.graph, readers(r)]).toEqual([undefined, ['Neg "y" 0']]);
  g.add(s);
  expect(readers(r)).toEqual(['Neg "y" 0', 'Abs "s" 0']);
});

test('replace rewires every reader', () => {
  const { g, x, r, y } = chain();
  g.replace(r, x);
  expect(y.producer!.inputs).toEqual([x]);
  expect(r.isUnused).toBe(true);
});

test('replace leaves the reader alone that makes the new value', () => {
  const { g, r, y } = chain();
  const clipped = add(g, 'Clip', [r], 'clipped');
  g.replace(r, clipped);
  expect([readers(r), readers(clipped)]).toEqual([['Clip "clipped" 0'], ['Neg "y" 0']]);
  expect(y.producer!.inputs).toEqual([clipped]);
});

test('replace leaves readers alone that lie inside the node that makes the new value', () => {
  const { g, r, node } = branches();
  g.replace(r, node.output);
  expect(readers(r)).toEqual(['Abs "then_abs" 0', 'Abs "else_abs" 0']);
});

test('an output keeps its name and declared type when another node makes it', () => {
  const { g, r, y } = chain();
  y.type = tensorType('float32', ['n', 2]);
  const better = g.add(new Node('Abs', [r])).output;
  g.replace(y, better);
  expect(g.outputs).toEqual([better]);
  expect([better.name, better.declared]).toEqual(['y', tensorType('float32', ['n', 2])]);
});

test('what was inferred about an output is still known after replace, and not declared', () => {
  const { g, r, y } = chain();
  y.type = tensorType('float32', [null, 2]);
  y.infer(tensorType('float32', ['n', 2]));
  const better = g.add(new Node('Abs', [r])).output;
  g.replace(y, better);
  expect([better.declared, better.type]).toEqual([tensorType('float32', [null, 2]), tensorType('float32', ['n', 2])]);
});

test('an output that an input takes over goes through an Identity', () => {
  const { g, x, y } = chain();
  g.replace(y, x);
  expect(g.outputs.map((v) => [v.name, v.producer?.opType, v.producer?.inputs[0]])).toEqual([['y', 'Identity', x]]);
});

test('a value that is given out twice is replaced in both places by one value', () => {
  const { g, x, y } = chain();
  g.addOutput(y);
  g.replace(y, x);
  expect(g.outputs.map((v) => v.name)).toEqual(['y', 'y']);
  expect(g.nodeCount).toBe(3);
});

test('what a subgraph gives out of the graph around it is replaced there too', () => {
  const { g, r, then } = branches();
  then.setOutput(0, r);
  const better = add(g, 'Abs', [g.inputs[0]], 'better');
  g.replace(r, better);
  expect(then.outputs).toEqual([better]);
  expect(r.isUnused).toBe(true);
});

test('an output whose name a subgraph uses too can be replaced', () => {
  const { g, r, node, then } = branches();
  add(then, 'Neg', [r], 'z');
  const better = g.add(new Node('Abs', [r])).output;
  g.replace(node.output, better);
  expect(g.outputs[1]).toBe(better);
  expect(better.name).toBe('z');
});

test('what is input and output at once is not replaced, and nothing changes', () => {
  const { g, x, r } = chain();
  g.addOutput(x);
  const before = g.revision;
  expect(() => g.replace(x, r)).toThrow('"x" is an input and an output at once');
  expect([g.revision, readers(x)]).toEqual([before, ['Relu "r" 0']]);
});

test('a name that is taken is refused before anything happens', () => {
  const { g, x } = chain();
  const twins = new Node('Split', [x], { outputs: ['a', 'y'] });
  expect(() => g.add(twins)).toThrow('Split "a" cannot join graph "g": "y" is taken.');
  expect(() => g.add(new Node('Split', [x], { outputs: ['a', 'a'] }))).toThrow('"a" is taken');
  expect([g.value('a'), twins.graph]).toEqual([undefined, undefined]);
});

test('fresh names avoid those of subgraphs, and are counted from the hint', () => {
  const { g } = branches();
  expect(['abs', 'then_abs', 'r', 'r', ''].map((hint) => g.addInitializer(hint, one).name)).toEqual(['abs', 'then_abs_1', 'r_1', 'r_2', 'value_1']);
});

test('ten thousand nodes of one kind get their names in no time', () => {
  const { g, x } = chain();
  for (let i = 0; i < 10_000; i++) g.add(new Node('Abs', [x]));
  expect(g.value('abs_9999')).toBeDefined();
});

test('renaming keeps the value findable, and refuses names in use', () => {
  const { g, r } = branches();
  const c = g.addInitializer('c', one);
  g.rename(c, 'bias');
  expect([g.value('bias'), g.initializers.get('bias'), g.value('c')]).toEqual([c, c, undefined]);
  expect(() => g.rename(r, 'then_abs')).toThrow('"then_abs" is taken');
});

test('prune drops chains that nobody reads, subgraphs and constants included', () => {
  const { g, r, node } = branches();
  const c = g.addInitializer('c', one);
  add(g, 'Abs', [add(g, 'Add', [r, c], 'dead')], 'deader');
  g.removeOutput(1);
  expect(g.prune()).toBe(4);
  expect([names(g), node.graph, g.initializers.size, readers(r)]).toEqual([['r', 'y'], undefined, 0, ['Neg "y" 0']]);
});

test('a subgraph that goes with its node gives up what it read, and its names', () => {
  const { g, r, node } = branches();
  g.removeOutput(1);
  g.remove(node);
  expect(readers(r)).toEqual(['Neg "y" 0']);
  expect(g.freshName('then_abs')).toBe('then_abs');
});

test('a subgraph that comes back with its node reads what it read, and has its names', () => {
  const { g, r, node, then } = branches();
  g.removeOutput(1);
  g.remove(node);
  add(then, 'Neg', [r], 'added_meanwhile');
  g.add(node);
  expect(readers(r)).toEqual(['Neg "y" 0', 'Neg "added_meanwhile" 0', 'Abs "then_abs" 0', 'Abs "else_abs" 0']);
  expect(['then_abs', 'added_meanwhile'].map((n) => g.freshName(n))).toEqual(['then_abs_1', 'added_meanwhile_1']);
});

test('a name that both branches use is taken until both are gone', () => {
  const { g, then, node } = branches();
  then.rename(then.outputs[0]!, 'shared');
  const other = node.graphs()[1]!;
  other.add(new Node('Abs', [g.inputs[0]], { outputs: ['shared'] }));
  node.setAttr('then_branch', undefined);
  expect(g.freshName('shared')).toBe('shared_1');
  node.setAttr('else_branch', undefined);
  expect(g.freshName('shared')).toBe('shared');
});

test('a name chosen for a subgraph by itself gives way to the names around it, a given one does not', () => {
  const { g, r } = chain();
  const abs = g.add(new Node('Abs', [r])).output;
  const inner = new Graph('inner');
  const [made, c, given] = [inner.add(new Node('Abs', [r])).output, inner.addInitializer('abs', one), add(inner, 'Neg', [r], 'r')];
  inner.addOutput(made);
  g.add(new Node('If', [r], { attrs: [['then_branch', attr.graph(inner)]] }));
  expect([abs, made, c, given].map((v) => v.name)).toEqual(['abs', 'abs_2', 'abs_1', 'r']);
  expect(inner.value('abs_2')).toBe(made);
});

test('a subgraph that another one takes the place of is forgotten', () => {
  const { g, r, node, then } = branches();
  const instead = new Graph('instead');
  instead.addOutput(add(instead, 'Neg', [r], 'n'));
  node.setAttr('then_branch', attr.graph(instead));
  expect([readers(r), then.owner, instead.owner]).toEqual([['Neg "y" 0', 'Abs "else_abs" 0', 'Neg "n" 0'], undefined, node]);
  expect([g.freshName('then_abs'), g.freshName('n')]).toEqual(['then_abs', 'n_1']);
});

test('a subgraph has the opsets of the graph around it, and its changes count there', () => {
  const { g, then } = branches();
  const before = g.revision;
  then.addInitializer('c', one);
  expect(then.opsets).toBe(g.opsets);
  expect(g.revision).toBeGreaterThan(before);
});

test('sort puts makers before readers and keeps what is in order as it is', () => {
  const { g, r, y } = chain();
  g.move(y.producer!, { before: r.producer! });
  add(g, 'Abs', [r], 'a');
  expect(names(g)).toEqual(['y', 'r', 'a']);
  expect([g.sort(), names(g), g.sort()]).toEqual([true, ['r', 'y', 'a'], false]);
});

test('sort puts makers before what subgraphs read', () => {
  const { g, r, node } = branches();
  g.move(node, { before: r.producer! });
  g.sort();
  expect(names(g)).toEqual(['r', 'z', 'y']);
});

test('a cycle is named', () => {
  const { g, r, y } = chain();
  r.producer!.setInput(0, y);
  expect(() => g.ordered()).toThrow('Graph "g" has a cycle through Relu "r".');
});

test('moving a node before itself changes nothing', () => {
  const { g, r } = chain();
  g.move(r.producer!, { before: r.producer! });
  expect(names(g)).toEqual(['r', 'y']);
});

test('nodes can be walked while they are removed and added', () => {
  const { g, r, y } = chain();
  const seen: string[] = [];
  for (const n of g.nodes) {
    seen.push(n.output.name);
    if (n.output === r) g.replace(r, g.add(new Node('Abs', [r.producer!.inputs[0]], { outputs: ['a'] }), { before: y.producer! }).output);
    if (n.output.name === 'a') g.remove(r.producer!);
  }
  expect(seen).toEqual(['r', 'a', 'y']);
});

test('new numbers are seen by every reader, with their type', () => {
  const { g } = chain();
  const c = g.addInitializer('c', one);
  c.infer(tensorType('float32', []));
  g.setConstant(c, float32s([2], [1, 2]));
  expect([c.constant.dims, c.dims]).toEqual([[2], [2]]);
});

test('new numbers for a Constant node leave nothing of the old ones', () => {
  const { g } = chain();
  const c = g.add(new Node('Constant', [], { outputs: ['c'], attrs: [['value_float', attr.float(1)]] })).output as Constant; // Constant nodes hold one
  c.type = tensorType('float32', []);
  g.setConstant(c, float32s([2], [1, 2]));
  expect([[...c.producer!.attrs.keys()], c.constant.dims, c.declared]).toEqual([['value'], [2], tensorType('float32', [2])]);
});

test('an input with a default is no constant', () => {
  const { g } = chain();
  const v = g.addInput(new Value('d', { constant: one }));
  expect([v.isConstant(), v.default, v.dims]).toEqual([false, one, []]);
});

test('an initializer needs a tensor, and is in one graph only', () => {
  const { g } = chain();
  expect(() => g.adoptInitializer(new Value('c'))).toThrow('"c" cannot become an initializer: it holds no tensor.');
  expect(() => new Graph('h').adoptInitializer(g.addInitializer('c', one))).toThrow('it is in graph "g"');
});

test('only inputs are removed as inputs', () => {
  const { g, r } = chain();
  expect(() => { g.removeInput(new Value('r')); }).toThrow('"r" is no input of graph "g".');
  expect(g.inputs).toHaveLength(1);
  expect(r.isInput).toBe(false);
});

test('notes about quantization count as a change', () => {
  const { g } = chain();
  const before = g.revision;
  g.quantization.set('x', new Map([['SCALE_TENSOR', 's']]));
  expect(g.revision).toBeGreaterThan(before);
});

test('nodes that are not added yet can be asked as if they were', () => {
  const { g, r } = chain();
  const before = g.revision;
  const node = new Node('Abs', [r]);
  let seen: Graph | undefined;
  g.asIfAdded([node], () => { seen = node.graph; });
  expect([seen, node.graph, g.revision, readers(r)]).toEqual([g, undefined, before, ['Neg "y" 0']]);
  expect(() => { g.asIfAdded([r.producer!], () => undefined); }).toThrow('Relu "r" is already in graph "g".');
});

test('an output that is left out has no name', () => {
  const { g, x } = chain();
  const node = new Node('Dropout', [x], { outputs: 2 });
  node.leaveOut(node.outputs[1]!);
  g.add(node);
  expect(node.outputs.map((v) => v.name)).toEqual(['dropout', '']);
  expect(() => { node.leaveOut(node.output); }).toThrow('"dropout" of Dropout "dropout" cannot be left out: the node is in a graph.');
});

test('looking changes nothing', () => {
  const { g, r } = branches();
  const before = g.revision;
  void [g.ordered(), g.freshName('x'), cloneGraph(g), r.type, r.uses];
  r.infer(tensorType('float32', [1]));
  expect(g.revision).toBe(before);
});

/* Random edits: whatever is done, what values, nodes and graphs say about each other must agree with a census taken from the node inputs alone. */

function* scopes(g: Graph): Generator<Graph> {
  yield g;
  for (const n of g.nodes) for (const inner of n.graphs()) yield* scopes(inner);
}

function census(g: Graph): void {
  const uses = new Map<Value, string[]>();
  const given = new Set<Value>();
  const taken: string[] = [];
  for (const s of scopes(g)) {
    const held = [...s.inputs, ...s.initializers.values(), ...[...s.nodes].flatMap((n) => n.outputs)];
    for (const v of held) expect([v.graph === s, s.value(v.name) === v], v.name).toEqual([true, true]);
    taken.push(...held.map((v) => v.name));
    for (const v of held) uses.set(v, uses.get(v) ?? []);
    let count = 0;
    for (const n of s.nodes) {
      count++;
      expect(n.graph).toBe(s);
      n.inputs.forEach((v, i) => v && uses.set(v, [...(uses.get(v) ?? []), `${n.output.name} ${i}`]));
    }
    expect(s.nodeCount).toBe(count);
    for (const v of s.outputs) given.add(v);
  }
  for (const [v, all] of uses) {
    expect(v.uses.map((u) => `${u.node.output.name} ${u.index}`).sort(), `uses of ${v.name}`).toEqual(all.sort());
    expect(v.isOutput, v.name).toBe(given.has(v));
  }
  for (const name of taken) expect(g.freshName(name)).not.toBe(name);
}

/** Whether `v` is computed from `from`, through subgraphs too. */
function dependsOn(v: Value, from: Value, seen = new Set<Value>()): boolean {
  if (v === from) return true;
  if (seen.has(v) || !v.producer) return false;
  seen.add(v);
  const reads = (n: Node): (Value | undefined)[] => [...n.inputs, ...n.graphs().flatMap((s) => [...[...s.nodes].flatMap(reads), ...s.outputs])];
  return reads(v.producer).some((i) => i && dependsOn(i, from, seen));
}

/** What a node of the graph may read without making a cycle through a node around it. */
function visibleIn(at: Graph): Value[] {
  const values: Value[] = [];
  const around: Value[] = [];
  for (let s: Graph | undefined = at; s; s = s.parent) {
    const made = [...s.nodes].flatMap((n) => n.outputs).filter((v) => !around.some((o) => dependsOn(v, o)));
    values.push(...s.inputs, ...s.initializers.values(), ...made);
    if (s.owner) around.push(...s.owner.outputs);
  }
  return values;
}

test('random edits keep everything consistent', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(11), fc.nat(1000), fc.nat(1000)), { maxLength: 40 }), (edits) => {
      const { g } = branches();
      const removed: Node[] = [];
      let count = 0;
      for (const [what, a, b] of edits) {
        const all = [...scopes(g)];
        const at = all[a % all.length]!;
        const visible = visibleIn(at);
        const [v, w] = [visible[a % visible.length]!, visible[b % visible.length]!];
        const nodes = [...at.nodes];
        const node = nodes[b % Math.max(nodes.length, 1)];
        if (what === 0) at.add(new Node('Add', [v, w], { name: `n${count++}` }));
        if (what === 1) at.addInitializer('c', one);
        if (what === 2 && node && !node.outputs.some((o) => dependsOn(v, o))) node.setInput(a % 3, v);
        if (what === 3 && v.graph === at && !v.isInput && !dependsOn(w, v)) at.replace(v, w);
        if (what === 4 && node?.outputs.every((o) => o.isUnused)) {
          at.remove(node);
          removed.push(node);
        }
        if (what === 5 && v.graph === at) at.rename(v, at.freshName('renamed'));
        if (what === 6 && !v.isInput && v.graph === at) at.addOutput(v);
        if (what === 7 && at.outputs.length > 1) at.removeOutput(b % at.outputs.length);
        if (what === 8 && a % 4 === 0) g.prune();
        if (what === 9) at.sort();
        if (what === 10) for (const back of removed.splice(0)) if (back.inputs.every((i) => !i || i.graph === g) && back.graphs().length === 0 && !g.value(back.output.name)) g.add(back);
        if (what === 11 && at === g) {
          const inner = new Graph('inner');
          inner.addOutput(inner.add(new Node('Abs', [v], { name: 'inner' })).output);
          g.add(new Node('If', [g.inputs[0]], { attrs: [['then_branch', attr.graph(inner)]] }));
        }
        census(g);
      }
      g.sort();
      const copy = cloneGraph(g);
      census(copy);
      census(g);
      expect(names(copy)).toEqual(names(g));
    }),
    { numRuns: 150, seed: 1 },
  );
});
