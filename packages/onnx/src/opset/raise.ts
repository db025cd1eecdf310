import { OnnxError } from '../error.ts';
import { type Graph, type Node } from '../ir/graph.ts';
import { functionKey, type FunctionDef, type Model } from '../ir/model.ts';
import { schemaOf, versionsOf, type OperatorSchema } from '../ir/schema.ts';
import { inferTypes } from '../ir/shapes/infer.ts';
import { textOf } from '../ir/dtype.ts';
import { validate } from '../ir/validate.ts';
import { Raising, type Surroundings } from './raising.ts';
import { STEPS } from './steps.ts';
import { UNCHANGED } from './unchanged.ts';

/** The newest opset of ai.onnx that models are raised to: what the runtime loads. */
export const HIGHEST_OPSET = 26;

export interface Raised {
  /** The opset of the main graph before; undefined where it has none. */
  readonly from: number | undefined;
  /** Operator → how many of its nodes are written differently now. */
  readonly converted: ReadonlyMap<string, number>;
}

/** Problems listed before the rest is counted. */
const MOST_LISTED = 8;

/**
 * Raises ai.onnx to an opset, in the main graph, its subgraphs and functions: each node whose operator changed is written so that it means in the new version what it meant in
 * its own. A function of a newer opset keeps that. Other domains stay. Throws `bad-edit` for an opset that there is not, and `unsupported` where the model is newer or something
 * cannot be said in the new opset, naming each node and what to do; the model is then as it was. What it adds are Constant nodes and a few nodes of shape.
 */
export function raiseOpset(model: Model, to: number): Raised {
  if (!Number.isInteger(to) || to < 1 || to > HIGHEST_OPSET) throw new OnnxError('bad-edit', `There is no opset ${to} to raise to. Give one from 1 to ${HIGHEST_OPSET}.`);
  const from = model.opsets.get('');
  if (from !== undefined && from > to) throw new OnnxError('unsupported', `The model has opset ${from}, and opset ${to} is older: what newer operators say cannot always be said in older ones, so nothing is lowered. Export the model with opset ${to}, or ask for ${from} or more.`);
  if (bodies(model, to).length === 0) return { from, converted: new Map() };
  const trial = model.clone();
  const known = new Set(validate(trial).map((p) => p.message));
  const { problems } = raiseAll(trial, to);
  if (problems.length === 0) problems.push(...validate(trial).map((p) => p.message).filter((message) => !known.has(message)));
  if (problems.length > 0) throw new OnnxError('unsupported', `The model cannot be raised from opset ${from ?? 'none'} to ${to}:\n${listed(problems)}`);
  return { from, converted: raiseAll(model, to).converted };
}

/** The main graph and the functions' bodies that are older, with their functions. */
function bodies(model: Model, to: number): { graph: Graph; of: FunctionDef | undefined }[] {
  const all = [{ graph: model.graph, of: undefined }, ...[...model.functions.values()].map((f) => ({ graph: f.body, of: f }))];
  return all.filter(({ graph }) => (graph.opsets.get('') ?? to) < to);
}

function raiseAll(model: Model, to: number): { problems: string[]; converted: Map<string, number> } {
  const problems: string[] = [];
  const converted = new Map<string, number>();
  inferTypes(model);
  const calls = callsOf(model);
  for (const { graph, of } of bodies(model, to)) {
    const from = graph.opsets.get('')!; // it is older, so it has one
    const around: Surroundings = { to, shared: new Map(), isGiven: (name) => of !== undefined && (of.defaults.has(name) || (calls.get(of) ?? []).every((n) => n.attrs.has(name))) };
    for (const node of [...nodesIn(graph)]) {
      if (node.domain !== '' || !node.graph || model.functions.has(functionKey('', node.opType, node.overload))) continue;
      try {
        if (raised(node, from, around)) converted.set(node.opType, (converted.get(node.opType) ?? 0) + 1);
      } catch (e) {
        if (!(e instanceof OnnxError)) throw e;
        problems.push(of ? `${e.message} (in function ${of.domain}.${of.name})` : e.message);
      }
    }
    graph.opsets.set('', to);
  }
  inferTypes(model);
  return { problems, converted };
}

/** Takes the node, and what is added for it, from version to version. Whether it is written differently now. */
function raised(node: Node, from: number, around: Surroundings): boolean {
  const r = new Raising(node, node.graph!, from, around); // the caller skips nodes that are in no graph
  let changed = false;
  for (let next = nextVersion(r, around.to); next; next = nextVersion(r, around.to)) {
    const step = STEPS[r.node.opType]?.[next.since];
    r.version = next.since;
    if (step) {
      const before = r.graph.revision;
      step(r);
      changed ||= r.graph.revision !== before;
    } else if (!UNCHANGED.get(r.node.opType)?.has(next.since)) r.refuse(`has a new version in opset ${next.since}, and nothing is known of how to say in it what was said before. Stay below, or write the node in that version yourself.`);
  }
  assertAccepted(r, from, around.to);
  for (const { node: extra, version } of r.added.splice(0)) raised(extra, version, around);
  return changed;
}

/** The next version of the node's operator up to that opset. */
function nextVersion(r: Raising, to: number): OperatorSchema | undefined {
  const versions = versionsOf('', r.node.opType);
  const [first] = versions;
  if (!first) r.refuse('is no operator of ai.onnx that is known here, so what a newer opset makes of it is not known either. Replace it first.');
  if (first.since > r.version) r.refuse(`came with opset ${first.since}, so what an older model means by it is not known. Replace it first.`);
  return versions.find((v) => v.since > r.version && v.since <= to);
}

/** An operator may have been taken out of use, or a type off the list that it accepts. */
function assertAccepted(r: Raising, from: number, to: number): void {
  const schema = schemaOf('', r.node.opType, to);
  if (schema?.deprecated && !schemaOf('', r.node.opType, from)?.deprecated) r.refuse(`is no longer an operator in opset ${to}. Replace it first.`);
  r.node.inputs.forEach((value, i) => {
    const type = value?.type;
    const p = schema?.inputs[Math.min(i, schema.inputs.length - 1)];
    if (!p || type?.kind !== 'tensor') return;
    const allowed = schema.constraints.get(p.type);
    const name = `tensor(${textOf(type.dtype)})`;
    if (allowed && !allowed.has(name)) r.refuse(`takes no ${type.dtype} as "${p.name}" in opset ${to}. Put a Cast in front of it and behind it.`);
  });
}

/** Function → the nodes that call it. */
function callsOf(model: Model): Map<FunctionDef, Node[]> {
  const calls = new Map<FunctionDef, Node[]>();
  for (const n of model.nodes()) {
    const f = model.functions.get(functionKey(n.domain, n.opType, n.overload));
    if (!f) continue;
    const list = calls.get(f);
    if (list) list.push(n);
    else calls.set(f, [n]);
  }
  return calls;
}

function* nodesIn(graph: Graph): Generator<Node> {
  for (const n of graph.nodes) {
    yield n;
    for (const inner of n.graphs()) yield* nodesIn(inner);
  }
}

function listed(problems: readonly string[]): string {
  const more = problems.length - MOST_LISTED;
  return [...problems.slice(0, MOST_LISTED), ...(more > 0 ? [`and ${more} more`] : [])].map((text) => `  ${text}`).join('\n');
}
