import { inferTypes, isRandom, numbersOf, OnnxError, partOf, readsOf, type Model, type Node, type Value } from '@onnxpress/onnx';

/** What is run and compared of a model before and after: all of it, or what lies around nodes that cannot be run or draw random numbers. */
export interface Sides {
  readonly before: Model;
  readonly after: Model;
  /** What is compared: its name in the model before, what to call it, and its name after; undefined where it is gone. */
  readonly outputs: readonly { readonly name: string; readonly shown: string; readonly after: string | undefined }[];
  /** Nodes that were left out, by operator. */
  readonly leftOut: readonly string[];
  /** Outputs that cannot be compared, since what makes them is left out and has become something else. */
  readonly unseen: readonly string[];
}

/** "com.acme.Foo", and "Foo" of ONNX. */
export const operatorOf = (node: Node): string => (node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`);

/** How onnxruntime names an operator that it lacks. */
const LACKS: readonly RegExp[] = [/Fatal error: (?<domain>[^:\s]*):(?<op>[^(]+)\(/, /No Op registered for (?<op>\S+) with domain/, /find an implementation for (?<op>[^(]+)\(\d+\) node/];

/** The operator that the runtime lacks, by what it says of a model; undefined where it says something else. It names the domain in some of its messages only. */
export function lackedOperator(message: string, model: Model): string | undefined {
  for (const pattern of LACKS) {
    const { domain, op } = pattern.exec(message)?.groups ?? {};
    if (op === undefined) continue;
    return [...model.nodes()].filter((n) => n.opType === op && (domain === undefined || n.domain === domain)).map(operatorOf)[0];
  }
  return undefined;
}

/**
 * Both models, or the parts of them that can be compared: nodes of the operators `lacking`, nodes that draw random numbers, and what makes or reads sequences and maps that
 * cross the model's border are left out, and so is what reads something of unknown type from them. What such a node reads is compared; what it gives is made up, the same for both. The model after is cut at the values of
 * the same names. Throws `unsupported` where that is impossible.
 */
export function sidesOf(before: Model, after: Model, lacking: ReadonlySet<string>): Sides {
  const shut = shutNodes(before, lacking);
  if (shut.size === 0) {
    if (before.graph.inputs.some((v) => !v.default && !isTensor(v))) throw new OnnxError('unsupported', 'it has inputs that are no tensors');
    return { before, after, outputs: before.graph.outputs.map(({ name }) => ({ name, shown: `output "${name}"`, after: after.graph.value(name) && name })), leftOut: [], unseen: [] };
  }
  const [was, is] = [typed(before), typed(after)];
  const nodes = [...shutNodes(was, lacking)];
  const made = nodes.flatMap((n) => n.outputs.filter((v) => v.name !== '' && isKnown(v)));
  const here = (name: string): Value | undefined => is.graph.value(name);
  const pairs = new Map<Value, { readonly shown: string; readonly after: Value | undefined }>();
  for (const v of was.graph.outputs) if (isTensor(v) && (isKnown(v) || !(v.producer && nodes.includes(v.producer)))) pairs.set(v, { shown: `output "${v.name}"`, after: here(v.name) });
  const unseen: string[] = [];
  for (const n of nodes) {
    const twin = n.outputs.map((v) => here(v.name)?.producer).find((p) => p?.opType === n.opType && p.domain === n.domain);
    if (!twin) {
      unseen.push(...n.outputs.filter((v) => v.isOutput).map((v) => v.name));
      continue; // what it gave is compared where it went
    }
    n.inputs.forEach((v, i) => {
      if (!v || !isTensor(v) || (v.producer && nodes.includes(v.producer)) || pairs.has(v)) return;
      pairs.set(v, { shown: `input ${i} of ${operatorOf(n)} "${n.name || n.output.name}"`, after: twin.inputs[i] });
    });
  }
  if (pairs.size === 0) throw new OnnxError('unsupported', `the types of what ${[...new Set(nodes.map(operatorOf))].join(', ')} gives are not known`);
  const inputs = (m: Model): Value[] => m.graph.inputs.filter((v) => !v.default && isTensor(v));
  const starts = made.flatMap(({ name }) => here(name) ?? []).filter((v) => !v.isInput && v.constant === undefined);
  const ends = [...pairs.values()].flatMap(({ after: v }) => v ?? []);
  return {
    before: partOf(was, { from: [...inputs(was), ...made], to: [...pairs.keys()] }),
    after: partOf(is, { from: [...inputs(is), ...starts], to: [...new Set(ends)] }),
    outputs: [...pairs].map(([v, { shown, after: twin }]) => ({ name: v.name, shown, after: twin?.name })),
    leftOut: [...new Set(nodes.map(operatorOf))],
    unseen,
  };
}

/** A copy whose values have the types that follow from its inputs. */
function typed(model: Model): Model {
  const copy = model.clone();
  inferTypes(copy);
  return copy;
}

const isTensor = (v: Value): boolean => v.type?.kind === 'tensor';
/** Whether values can be made up for it. */
const isKnown = (v: Value): boolean => v.type?.kind === 'tensor' && v.type.dims !== undefined;

/** The nodes of the main graph that cannot be compared by running them, in order. */
function shutNodes(model: Model, lacking: ReadonlySet<string>): Set<Node> {
  const shut = new Set<Node>();
  const odd = (v: Value | undefined): boolean => v?.type !== undefined && !isTensor(v);
  for (const n of model.graph.ordered()) {
    const readsOdd = readsOf(n).some((v) => odd(v) && (v.isInput || (v.producer && shut.has(v.producer))));
    const givesOdd = n.outputs.some((v) => v.isOutput && odd(v));
    const readsUnknown = readsOf(n).some((v) => v.producer && shut.has(v.producer) && !isKnown(v));
    if (readsOdd || readsUnknown || givesOdd || isShut(n, lacking)) shut.add(n);
  }
  return shut;
}

function isShut(node: Node, lacking: ReadonlySet<string>): boolean {
  if (lacking.has(operatorOf(node)) || isRandom(node.opType, node.domain) || mayTrain(node)) return true;
  return node.graphs().some((g) => [...g.nodes].some((n) => isShut(n, lacking)));
}

/** Whether a Dropout draws. */
function mayTrain(node: Node): boolean {
  const training = node.is('Dropout') ? node.inputs[2] : undefined;
  return training !== undefined && (training.constant === undefined || numbersOf(training.constant)[0] !== 0);
}
