import { expect, test } from 'vitest';
import { attr } from './attr.ts';
import { Graph, Node, Value } from './graph.ts';
import { functionKey, Model, type FunctionDef } from './model.ts';
import { tensorType } from './types.ts';
import { scalar } from './values.ts';

const one = scalar('float32', 1);

/** x → Abs → y, with an If beside it whose branch adds the weight w to x. */
function model(): Model {
  const g = new Graph('g', new Map([['', 17]]));
  const x = g.addInput(new Value('x', { type: tensorType('float32', ['n']) }));
  const w = g.addInitializer('w', one);
  const branch = new Graph('branch');
  branch.addOutput(branch.add(new Node('Add', [x, w], { outputs: ['sum'] })).output);
  g.addOutput(g.add(new Node('Abs', [x], { name: '/abs', outputs: ['y'] })).output);
  g.addOutput(g.add(new Node('If', [x], { outputs: ['z'], attrs: [['then_branch', attr.graph(branch)]] })).output);
  return new Model(g).settle();
}

function double(): FunctionDef {
  const body = new Graph('double', new Map([['', 17]]));
  const x = body.addInput(new Value('x'));
  body.addOutput(body.add(new Node('Add', [x, x])).output);
  return { domain: 'acme', name: 'Double', overload: '', body, attributes: [], defaults: new Map(), notes: undefined };
}

const inner = (m: Model): Graph => m.graph.value('z')!.producer!.graphs()[0]!;

test('a model as read or built has changed nothing yet', () => {
  expect(model().revision).toBe(0);
});

test.each<[string, (m: Model) => void]>([
  ['a node', (m) => m.graph.add(new Node('Abs', [m.graph.inputs[0]]))],
  ['a node inside a branch', (m) => inner(m).add(new Node('Abs', [m.graph.inputs[0]]))],
  ['an input of a node', (m) => { m.graph.value('y')!.producer!.setInput(0, m.graph.value('w')); }],
  ['an attribute', (m) => { m.graph.value('y')!.producer!.setAttr('a', attr.int(1)); }],
  ['a declared type', (m) => { m.graph.value('y')!.type = tensorType('float32', ['n']); }],
  ['a weight', (m) => { m.graph.setConstant(m.graph.initializers.get('w')!, scalar('float32', 2)); }],
  ['an opset', (m) => m.opsets.set('', 18)],
  ['metadata', (m) => m.metadata.set('author', 'somebody')],
  ['a file', (m) => m.files.set('tokenizer.json', { size: 0, bytes: () => new Uint8Array() })],
  ['a function', (m) => m.functions.set('acme::Double', double())],
])('%s that changes makes the revision grow', (_, change) => {
  const m = model();
  change(m);
  expect(m.revision).toBeGreaterThan(0);
});

test('a function that goes does not take its revisions with it', () => {
  const m = model();
  m.functions.set('acme::Double', double());
  m.settle();
  m.functions.delete('acme::Double');
  expect(m.revision).toBeGreaterThan(0);
});

test('nodes of branches and functions are nodes of the model', () => {
  const m = model();
  m.functions.set(functionKey('acme', 'Double'), double());
  expect([...m.nodes()].map((n) => n.opType)).toEqual(['Abs', 'If', 'Add', 'Add']);
  expect([...m.graphs()].map((g) => g.name)).toEqual(['g', 'branch', 'double']);
});

test('a clone has the same structure and shares the tensors', () => {
  const m = model();
  const copy = m.clone();
  expect([...copy.nodes()].map((n) => [n.opType, n.name, n.output.name])).toEqual([...m.nodes()].map((n) => [n.opType, n.name, n.output.name]));
  expect(copy.graph.initializers.get('w')!.constant).toBe(m.graph.initializers.get('w')!.constant);
  expect(copy.revision).toBe(0);
});

test('a branch of a clone reads the values of the clone', () => {
  const m = model();
  const copy = m.clone();
  expect(inner(copy).value('sum')!.producer!.inputs).toEqual([copy.graph.value('x'), copy.graph.value('w')]);
  expect(copy.graph.value('w')!.useCount).toBe(1);
  expect(m.graph.value('w')!.useCount).toBe(1);
});

test('what is done to a clone leaves the model as it was', () => {
  const m = model();
  const copy = m.clone();
  copy.graph.replace(copy.graph.value('z')!, copy.graph.inputs[0]!);
  copy.graph.prune();
  copy.opsets.set('', 18);
  copy.metadata.set('a', 'b');
  expect([m.revision, m.graph.nodeCount, m.opsets.get(''), m.metadata.size]).toEqual([0, 2, 17, 0]);
});

test('notes of a clone are its own', () => {
  const m = model();
  m.graph.value('y')!.producer!.notes = { metadata: new Map([['from', 'here']]) };
  const copy = m.clone();
  copy.graph.value('y')!.producer!.notes!.metadata!.clear();
  expect(m.graph.value('y')!.producer!.notes!.metadata!.size).toBe(1);
});

test('notes of a function of a clone are its own', () => {
  const m = model();
  const key = functionKey('acme', 'Double');
  m.functions.set(key, { ...double(), notes: { docString: 'adds' } });
  m.clone().functions.get(key)!.notes!.docString = 'doubles';
  expect(m.functions.get(key)!.notes!.docString).toBe('adds');
});

test('a clone knows what was inferred, and declares no more than the model', () => {
  const m = model();
  m.graph.value('y')!.infer(tensorType('float32', ['n']));
  const y = m.clone().graph.value('y')!;
  expect([y.declared, y.type]).toEqual([undefined, tensorType('float32', ['n'])]);
});

test('a clone puts nodes in order', () => {
  const m = model();
  const [abs] = m.graph.nodes;
  m.graph.add(new Node('Neg', [abs!.output], { outputs: ['first'] }), { before: abs });
  expect([...m.clone().graph.nodes].map((n) => n.opType)).toEqual(['Abs', 'Neg', 'If']);
});
