import { OnnxError } from '../error.ts';
import { guessAttr, toAttr, type AttrInput } from './attr-input.ts';
import type { Attr } from './attr.ts';
import { sameAttr } from './compare.ts';
import { refuse, type Draft } from './draft.ts';
import { Node, type Graph, type Value } from './graph.ts';
import { placeMoved } from './moved.ts';
import { makeOps, type Call, type Ops } from './ops.ts';
import { applyForms } from './opset-forms.ts';
import { latestOpset, operatorsOf, schemaOf, versionsOf, type OperatorSchema } from './schema.ts';
import { tensorType } from './types.ts';

/**
 * Operators that build nodes for the opset of `graph`. The graph is only asked for its opsets and is not touched: each new node, in order, is
 * handed to `place`, which adds it now or keeps it until a replacement is complete; types that `place` infers are seen by later calls. Constants are
 * Constant nodes, also handed over: one that only served to give an attribute is read by nobody, and `graph.prune` drops it.
 *
 * Calls are written as the operator's newest version has it. Where the version in force differs, the node says the same in that version's way:
 * a constant input becomes the attribute it used to be, an attribute becomes a constant input. Throws `unknown-operator` where the opset has no
 * such operator, input or attribute, and `unsupported` where it cannot say the same.
 */
export function valueOps(graph: Graph, place: (node: Node) => void): Ops<Value> {
  const emit = (call: Call<Value>): readonly Value[] => {
    const node = build(call, graph, (tensor) => emit({ domain: '', opType: 'Constant', inputs: [], attrs: { value: tensor }, outputs: 1 })[0]!);
    const constant = node.output.constant;
    if (constant) node.output.infer(tensorType(constant.dtype, constant.dims));
    place(node);
    return node.outputs;
  };
  return makeOps(emit);
}

/** Imports the domain of a node into the graph that takes it, where it is not imported yet. */
export function importDomainOf(node: Node, graph: Graph): void {
  if (!graph.opsets.has(node.domain)) graph.opsets.set(node.domain, latestOpset(node.domain) ?? 1);
}

function build(call: Call<Value>, graph: Graph, constant: Draft['constant']): Node {
  const { domain, opType, outputs } = call;
  const opset = opsetOf(graph, domain);
  const versions = versionsOf(domain, opType);
  const newest = versions.at(-1);
  if (!newest && latestOpset(domain) !== undefined && !isFunctionDomain(domain)) throw new OnnxError('unknown-operator', `There is no operator "${opType}" in ${domain || 'ai.onnx'}.${nearest(domain, opType)}`);
  if (!newest) return new Node(opType, call.inputs, { domain, outputs, attrs: Object.entries(call.attrs).map(([name, x]) => [name, guessAttr(name, x)] as const) });
  const schema = schemaOf(domain, opType, opset) ?? tooOld(newest, versions[0]!, opset);
  const draft: Draft = { opset, schema, newest, inputs: [...call.inputs], attrs: typed(call, versions), outputs, constant };
  if (schema.deprecated) refuse(draft, `is deprecated since opset ${schema.since}.`, 'unknown-operator');
  applyForms(draft);
  placeMoved(draft);
  while (draft.inputs.length && draft.inputs.at(-1) === undefined) draft.inputs.pop();
  checkInputs(draft, versions);
  checkAttributes(draft, versions);
  if (outputs > schema.maxOutputs) refuse(draft, `has ${schema.maxOutputs} outputs at most, not ${outputs}.`, 'bad-edit');
  return new Node(opType, draft.inputs, { domain, outputs, attrs: draft.attrs });
}

function opsetOf(graph: Graph, domain: string): number {
  const opset = graph.opsets.get(domain) ?? (domain === '' ? undefined : (latestOpset(domain) ?? 1));
  if (opset !== undefined) return opset;
  throw new OnnxError('bad-edit', `Graph "${graph.name}" says no opset of ai.onnx, so no operator can be built for it. Make a subgraph with the opsets of the graph around it: new Graph(name, outer.opsets).`);
}

/** A domain that has schemas may hold a model's own functions too, except ai.onnx and its relatives. */
const isFunctionDomain = (domain: string): boolean => domain !== '' && !domain.startsWith('ai.onnx');

function tooOld(newest: OperatorSchema, first: OperatorSchema, opset: number): never {
  const domain = newest.domain ? ` of ${newest.domain}` : '';
  throw new OnnxError('unknown-operator', `${newest.opType} needs opset ${first.since}${domain}, the model has ${opset}. Raise the model's opset, or build it from older operators.`);
}

function nearest(domain: string, opType: string): string {
  const wanted = opType.toLowerCase();
  const found = operatorsOf(domain).find((name) => name.toLowerCase() === wanted);
  return found ? ` Did you mean "${found}"?` : '';
}

/** The attributes with their types, as the newest version that has each of them says. */
function typed({ opType, attrs }: Call<Value>, versions: readonly OperatorSchema[]): Map<string, Attr> {
  const result = new Map<string, Attr>();
  for (const [name, x] of Object.entries(attrs)) {
    const schema = versions.findLast((v) => v.attributes.has(name))?.attributes.get(name);
    if (!schema) throw new OnnxError('unknown-operator', `${opType} has no attribute "${name}". There are: ${[...versions.at(-1)!.attributes.keys()].join(', ') || 'none'}.`);
    result.set(name, toAttr(schema.type, x) ?? notOfType(opType, name, schema.type, x));
  }
  return result;
}

function notOfType(opType: string, name: string, type: string, x: AttrInput): never {
  throw new OnnxError('bad-edit', `Attribute "${name}" of ${opType} is ${type}, and ${typeof x === 'object' ? 'something else was given' : `${String(x)} is not`}.`);
}

function checkInputs(draft: Draft, versions: readonly OperatorSchema[]): void {
  const { schema, inputs } = draft;
  inputs.forEach((value, i) => {
    if (!value || i < schema.maxInputs) return;
    const first = versions.find((v) => v.maxInputs > i);
    const name = draft.newest.inputs[i]?.name;
    if (first && name) refuse(draft, `has no input "${name}": it came with opset ${first.since}.`, 'unknown-operator');
    refuse(draft, `has ${schema.maxInputs} inputs at most, not ${inputs.length}.`, 'bad-edit');
  });
  schema.inputs.forEach((p, i) => {
    if (p.option === 'required' && !inputs[i]) refuse(draft, `needs input "${p.name}".`, 'bad-edit');
  });
  while (inputs.length < schema.minInputs) {
    if (schema.inputs[inputs.length]?.option !== 'optional') refuse(draft, `needs ${schema.minInputs} inputs, not ${inputs.length}.`, 'bad-edit');
    inputs.push(undefined);
  }
}

/** What this version does not know goes where it says what the version does anyway, and is refused otherwise. */
function checkAttributes(draft: Draft, versions: readonly OperatorSchema[]): void {
  const { schema, newest, attrs } = draft;
  for (const [name, a] of attrs) {
    const known = schema.attributes.get(name);
    if (known && (a.type === known.type || a.type === 'ref')) continue;
    if (known) refuse(draft, `wants "${name}" as ${known.type}, not ${a.type}.`);
    const later = newest.attributes.get(name);
    const usual = later?.default === undefined ? undefined : toAttr(later.type, later.default);
    if (usual && sameAttr(a, usual)) attrs.delete(name);
    else refuse(draft, `has no attribute "${name}": ${whenItWas(name, versions)}.`, 'unknown-operator');
  }
  for (const p of schema.attributes.values()) if (p.required && !attrs.has(p.name)) refuse(draft, `needs attribute "${p.name}".`, 'bad-edit');
}

function whenItWas(name: string, versions: readonly OperatorSchema[]): string {
  const having = versions.filter((v) => v.attributes.has(name));
  const gone = versions.find((v) => v.since > having.at(-1)!.since);
  return gone ? `it went with opset ${gone.since}` : `it came with opset ${having[0]!.since}`;
}
