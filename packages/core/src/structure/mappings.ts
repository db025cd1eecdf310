import { describe, inferTypes, type Model, type Node, type Use, type Value } from '@onnxpress/onnx';
import { attentionValues } from './attention.ts';
import { linearBehind, pickedBy, unmoved, type LinearBehind, type VectorPart } from './behind.ts';
import { linearOf, ownsWeight, type Linear } from './linear.ts';
import { constantAt, normsOf, type Norm } from './norms.ts';
import { keepsChannels } from './passage.ts';

/** A producer of channels and the linear maps that read them: dividing a channel where it is made and multiplying the weights that read it changes nothing. */
export interface Mapping {
  /** `norm` → q, k, v or gate, up; `values` of an attention → its output; the factor of a `gated` product → down; `linear` → linear. */
  readonly kind: 'norm' | 'values' | 'gated' | 'linear';
  /** What the consumers read; where their statistics are taken. */
  readonly activation: Value;
  readonly consumers: readonly Linear[];
  readonly norm: Norm | undefined;
  /** Outputs `from` on of this map make the channels. */
  readonly linear: Linear | undefined;
  readonly from: number;
  /** Constants per channel that are to be divided too: gains and biases. */
  readonly vectors: readonly VectorPart[];
  /** How many channels the producer makes. */
  readonly channels: number;
  /** The producer's channel behind input `channel` of the consumers: several share one where heads share their values. */
  readonly channelOf: (channel: number) => number;
  /** Why the producer cannot be divided: who else reads its channels, or a factor that it lacks. Then only a Mul before the consumers can. Undefined where it can. */
  readonly unfoldable: string | undefined;
}

export interface SkippedMapping {
  readonly consumers: readonly Linear[];
  readonly reason: string;
}

/** The mappings of the main graph, and for each group of linear maps without one why. Infers types. */
export function mappingsOf(model: Model): { readonly found: readonly Mapping[]; readonly skipped: readonly SkippedMapping[] } {
  inferTypes(model);
  const norms = new Map(normsOf(model.graph).map((n) => [n.output, n] as const));
  const groups = new Map<Value, Linear[]>();
  for (const node of model.graph.nodes) {
    const linear = linearOf(node);
    if (!linear) continue;
    const origin = movedFrom(linear.data);
    groups.set(origin, [...(groups.get(origin) ?? []), linear]);
  }
  const found: Mapping[] = [];
  const skipped: SkippedMapping[] = [];
  for (const [origin, consumers] of groups) {
    const mapping = mappingAt(origin, consumers, norms.get(origin));
    if (typeof mapping === 'string') skipped.push({ consumers, reason: mapping });
    else found.push(mapping);
  }
  return { found, skipped };
}

function movedFrom(value: Value): Value {
  for (let v = value; ; ) {
    const moved = v.producer ? keepsChannels(v.producer) : [];
    if (moved.length !== 1 || moved[0]!.isConstant()) return v;
    v = moved[0]!;
  }
}

function mappingAt(origin: Value, consumers: readonly Linear[], norm: Norm | undefined): Mapping | string {
  const [first] = consumers;
  if (!first) return 'nobody reads it';
  const channels = first.inputs;
  const unowned = consumers.find((c) => !ownsWeight(c));
  if (unowned) return `its weight "${unowned.weight.value.name}" is read elsewhere too`;
  if (norm) return ofNorm(norm, origin, consumers, channels);
  const producer = origin.producer;
  if (!producer) return `"${origin.name}" is given to the graph`;
  const direct = producer.is('Relu') || producer.is('LeakyRelu') ? throughRelu(producer) : linearBehind(origin);
  if (typeof direct !== 'string') return ofLinear('linear', direct, origin, consumers, channels, channels, (c) => c);
  const gated = producer.is('Mul') ? ofGate(producer) : undefined;
  if (gated) return ofLinear('gated', gated, origin, consumers, channels, channels, (c) => c);
  const values = attentionValues(origin);
  if (typeof values !== 'string') {
    const { behind, perHead, repeat } = values;
    return ofLinear('values', behind, origin, consumers, channels, channels / repeat, (c) => Math.floor(c / perHead / repeat) * perHead + (c % perHead));
  }
  const maker = unmoved(origin).value.producer ?? producer;
  return MERGES_HEADS.test(maker.opType) ? values : `${describe(producer)} before it is not linear`;
}

/** What may give the output of an attention: then the reason why it is not understood says more. */
const MERGES_HEADS = /^(Reshape|Transpose|.*Attention)$/;

/** A rectifier lets a positive factor through. */
function throughRelu(relu: Node): LinearBehind | string {
  const behind = relu.inputs[0] ? linearBehind(relu.inputs[0]) : 'it has no input';
  return typeof behind === 'string' ? behind : { ...behind, path: [relu, ...behind.path] };
}

/** The linear factor of a product of two values: the up projection, beside an activated gate. */
function ofGate(product: Node): LinearBehind | undefined {
  const [a, b] = product.inputs;
  if (!a || !b || a === b || a.isConstant() || b.isConstant()) return undefined;
  for (const factor of [b, a]) {
    const behind = linearBehind(factor);
    const gates = factor === a ? b : a;
    if (typeof behind !== 'string' && !dependsOn(gates, behind.linear.node)) return { ...behind, path: [product, ...behind.path] };
  }
  return undefined;
}

/** Whether the other factor is made from the same outputs (an activation times its own input): few steps back, as activations are. */
function dependsOn(value: Value, node: Node): boolean {
  let level: readonly Value[] = [value];
  for (let step = 0; step < 12 && level.length > 0; step++) {
    if (level.some((v) => v.producer === node)) return true;
    level = [...new Set(level.flatMap((v) => (v.producer && !linearOf(v.producer) ? v.producer.inputs.flatMap((x) => x ?? []) : [])))];
  }
  return false;
}

function ofNorm(norm: Norm, activation: Value, consumers: readonly Linear[], channels: number): Mapping {
  const places = [norm.gain, norm.bias].flatMap((place) => place ?? []);
  const others = strangers(activation, new Set(), new Set(consumers.map((c) => c.node)));
  const unfoldable = others ?? (norm.gain ? vectorsOwned(places) : 'it has no factor per channel');
  return { kind: 'norm', activation, consumers, norm, linear: undefined, from: 0, vectors: places.map((place) => ({ place, from: 0 })), channels, channelOf: (c) => c, unfoldable };
}

function ofLinear(kind: Mapping['kind'], behind: LinearBehind, activation: Value, consumers: readonly Linear[], inputs: number, channels: number, channelOf: (c: number) => number): Mapping | string {
  const { linear, from, vectors, path } = behind;
  if (channelOf(inputs - 1) >= channels || from + channels > linear.outputs) return `${describe(linear.node)} makes ${linear.outputs} channels, and ${inputs} are read`;
  if (!ownsWeight(linear)) return `the weight "${linear.weight.value.name}" of ${describe(linear.node)} is read elsewhere too`;
  const others = strangers(linear.node.output, new Set(path), new Set(consumers.map((c) => c.node)), linear.node);
  return { kind, activation, consumers, norm: undefined, linear, from, vectors, channels, channelOf, unfoldable: others ?? vectorsOwned(vectors.map((v) => v.place)) };
}

/** Biases that several nodes read are copied when they are divided, so that only one that is computed stands in the way. */
const vectorsOwned = (places: readonly Use[]): string | undefined => {
  const computed = places.find((p) => constantAt(p) === undefined);
  return computed && `"${computed.node.inputs[computed.index]?.name}" is computed`;
};

/** Who reads the channels besides these consumers, through the nodes on the way and what moves them. */
function strangers(start: Value, way: ReadonlySet<Node>, consumers: ReadonlySet<Node>, from?: Node): string | undefined {
  const seen = new Set<Value>();
  const open = [start];
  for (let v = open.pop(); v; v = open.pop()) {
    if (seen.has(v)) continue;
    seen.add(v);
    if (v.isOutput) return `"${v.name}" is an output of the graph`;
    const isTakenApart = v.uses.some((u) => way.has(u.node) && pickedBy(u.node) !== undefined);
    for (const { node, index } of v.uses) {
      if (isTakenApart && !way.has(node) && pickedBy(node) !== undefined) continue; // q or k beside the values
      if (node.is('Shape') || node.is('Size') || (consumers.has(node) && index === 0 && node !== from)) continue;
      const goesOn = way.has(node) || keepsChannels(node).includes(v);
      if (!goesOn) return `${describe(node)} reads it too`;
      const cache = node.outputs.slice(1).find((o) => o.isOutput);
      if (cache && !node.is('Split')) return `"${cache.name}" of ${describe(node)} is an output of the graph`;
      open.push(...(node.is('Split') ? node.outputs.filter((o) => o.uses.some((u) => way.has(u.node))) : [node.output]));
    }
  }
  return undefined;
}
