import type { Attr } from './attr.ts';
import { describe, type Graph, type Node } from './graph.ts';
import { functionKey, type FunctionDef, type Model } from './model.ts';
import { knownDomains, latestOpset, schemaOf, versionsOf, type OperatorSchema } from './schema.ts';
import type { Problem, ProblemCode } from './validate.ts';

/** Checks nodes against the operators and functions they name. */
export function nodeChecker(model: Model, report: (problem: Problem) => void): (node: Node, graph: Graph) => void {
  const known = new Set(knownDomains);
  const schemas = new Map<string, OperatorSchema | undefined>();
  const unimported = new Set<string>();

  const schemaFor = (node: Node, opset: number): OperatorSchema | undefined => {
    const key = `${node.domain}|${node.opType}|${opset}`;
    if (!schemas.has(key)) schemas.set(key, schemaOf(node.domain, node.opType, opset));
    return schemas.get(key);
  };

  return (node, graph) => {
    const problem = (code: ProblemCode, message: string): void => report({ code, message, node });
    const opset = graph.opsets.get(node.domain);
    if (opset === undefined) {
      if (unimported.has(node.domain)) return;
      unimported.add(node.domain);
      return problem('opset', `${describe(node)} is of the operator set "${node.domain || 'ai.onnx'}", which is not imported. Set a version in opsets.`);
    }
    const called = model.functions.get(functionKey(node.domain, node.opType, node.overload));
    if (called) return checkCall(node, called, problem);
    if (!known.has(node.domain) || opset > (latestOpset(node.domain) ?? 0)) return;
    const schema = schemaFor(node, opset);
    if (!schema) return problem('unknown-operator', `${describe(node)}: ${absence(node, opset)}`);
    checkArity(node, schema, problem);
    checkAttributes(node, schema, problem);
    checkBodies(node, problem);
  };
}

type Report = (code: ProblemCode, message: string) => void;

function absence(node: Node, opset: number): string {
  const set = `${node.domain || 'ai.onnx'} ${opset}`;
  const first = versionsOf(node.domain, node.opType)[0];
  return first ? `${set} has no ${node.opType}; it came with version ${first.since}.` : `there is no operator ${node.opType} in ${set}.`;
}

function checkCall(node: Node, f: FunctionDef, problem: Report): void {
  if (node.inputs.length > f.body.inputs.length) problem('arity', `${describe(node)} has ${node.inputs.length} inputs, and its function takes ${f.body.inputs.length}.`);
  if (node.outputs.length > f.body.outputs.length) problem('arity', `${describe(node)} has ${node.outputs.length} outputs, and its function gives ${f.body.outputs.length}.`);
  for (const name of f.attributes) if (!node.attrs.has(name)) problem('attribute', `${describe(node)} lacks the attribute "${name}" that its function asks for.`);
}

function checkArity(node: Node, schema: OperatorSchema, problem: Report): void {
  const { inputs, outputs } = node;
  const given = inputs.findLastIndex((value) => value !== undefined) + 1; // further places without a value say nothing
  if (inputs.length < schema.minInputs || given > schema.maxInputs) problem('arity', `${describe(node)} has ${inputs.length} inputs, and takes ${span(schema.minInputs, schema.maxInputs)}.`);
  else schema.inputs.forEach((p, i) => p.option === 'required' && !inputs[i] && problem('arity', `${describe(node)} lacks its input "${p.name}".`));
  if (outputs.length < schema.minOutputs || outputs.length > schema.maxOutputs) problem('arity', `${describe(node)} has ${outputs.length} outputs, and gives ${span(schema.minOutputs, schema.maxOutputs)}.`);
}

const span = (min: number, max: number): string => (min === max ? `${min}` : max === Infinity ? `${min} or more` : `${min} to ${max}`);

function checkAttributes(node: Node, schema: OperatorSchema, problem: Report): void {
  for (const [name, a] of node.attrs) {
    const known = schema.attributes.get(name);
    if (!known) {
      if (!name.startsWith('__')) problem('attribute', `${describe(node)} has an attribute "${name}", which ${schema.opType} of version ${schema.since} does not have.`); // __ is for private use
    } else if (kindOf(a) !== known.type) problem('attribute', `Attribute "${name}" of ${describe(node)} is of type ${kindOf(a)}, not ${known.type}.`);
  }
  for (const { name, required } of schema.attributes.values()) if (required && !node.attrs.has(name)) problem('attribute', `${describe(node)} lacks its attribute "${name}".`);
}

const kindOf = (a: Attr): string => (a.type === 'ref' ? a.of : a.type);

/** Whether the graphs inside take and give what their operator passes and expects. */
function checkBodies(node: Node, problem: Report): void {
  if (node.domain !== '') return;
  const body = (name: string): Graph | undefined => {
    const a = node.attrs.get(name);
    return a?.type === 'graph' ? a.value : undefined;
  };
  const expect = (name: string, what: 'inputs' | 'outputs', fits: (count: number) => boolean, wanted: string): void => {
    const count = body(name)?.[what].length;
    if (count !== undefined && !fits(count)) problem('subgraph', `"${name}" of ${describe(node)} has ${count} ${what}, not ${wanted}.`);
  };
  if (node.opType === 'If') {
    for (const branch of ['then_branch', 'else_branch']) {
      expect(branch, 'inputs', (count) => count === 0, '0');
      expect(branch, 'outputs', (count) => count === node.outputs.length, `${node.outputs.length}`);
    }
  } else if (node.opType === 'Loop') {
    const carried = Math.max(0, node.inputs.length - 2);
    expect('body', 'inputs', (count) => count === carried + 2, `${carried + 2}`);
    expect('body', 'outputs', (count) => count === node.outputs.length + 1, `${node.outputs.length + 1}`);
  } else if (node.opType === 'Scan' && body('body')) {
    const scan = body('body')!;
    const passed = node.int('num_scan_inputs', 0);
    if (passed > scan.inputs.length) problem('subgraph', `"body" of ${describe(node)} has ${scan.inputs.length} inputs, fewer than the ${passed} that are scanned.`);
    expect('body', 'outputs', (count) => count === node.outputs.length, `${node.outputs.length}`);
  }
}
