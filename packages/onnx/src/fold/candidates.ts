import type { Graph, Node, Value } from '../ir/graph.ts';
import type { FunctionDef, Model } from '../ir/model.ts';
import { functionKey } from '../ir/model.ts';
import { isRandom, schemaOf } from '../ir/schema.ts';
import { contentsOf, knownContents } from '../ir/shapes/contents.ts';
import { opsetOf } from '../ir/shapes/infer.ts';

/** Nodes whose results are the same in every run. */
export interface Candidates {
  /** In an order in which everything is made before it is read. */
  readonly nodes: ReadonlySet<Node>;
  /** Nodes that read constants alone, and yet are no candidates. */
  readonly refused: ReadonlyMap<Node, string>;
}

/** Operators of quantized models whose constants are meant to be read through them. */
const KEPT: ReadonlyMap<string, string> = new Map([['DequantizeLinear', 'its constant is stored in quantized form on purpose']]);

export function candidatesOf(model: Model): Candidates {
  const nodes = new Set<Node>();
  const refused = new Map<Node, string>();
  const isKnown = (v: Value | undefined): boolean => !v || v.isConstant() || (v.producer !== undefined && nodes.has(v.producer));
  const visit = (graph: Graph): void => {
    for (const n of graph.ordered()) {
      const fromConstants = n.inputs.every(isKnown);
      if (!n.is('Constant') && (fromConstants || n.outputs.every(hasKnownContents))) {
        const reason = refusal(n, model.functions);
        if (reason === undefined) nodes.add(n);
        else if (fromConstants) refused.set(n, reason);
      }
      for (const g of n.graphs()) visit(g);
    }
  };
  visit(model.graph);
  for (const f of model.functions.values()) visit(f.body);
  return { nodes, refused };
}

/** Whether inference found every integer of the value, though its node reads what is not constant: a Shape of known size. */
export const hasKnownContents = (v: Value): boolean => v.name === '' || (contentsOf(v)?.every((d) => typeof d === 'number') === true && knownContents(v) !== undefined);

function refusal(node: Node, functions: ReadonlyMap<string, FunctionDef>): string | undefined {
  if (isRandom(node.opType, node.domain)) return 'it draws random numbers';
  if (node.is('Dropout') && node.inputs[2]) return 'it may draw random numbers';
  if (node.graphs().length > 0) return 'it has subgraphs';
  const isCall = functions.has(functionKey(node.domain, node.opType, node.overload));
  if (!isCall && !schemaOf(node.domain, node.opType, opsetOf(node))) return 'nothing is known of the operator, not even that it computes the same each time';
  if ([...node.attrs.values()].some((a) => a.type === 'ref')) return "it depends on an attribute of the function's caller";
  if (isCall && [...(functions.get(functionKey(node.domain, node.opType, node.overload))?.body.nodes ?? [])].some((n) => refusal(n, functions))) return 'the function does what cannot be computed in advance';
  if (node.outputs.some((v) => v.type && v.type.kind !== 'tensor')) return 'its result is no tensor';
  return KEPT.get(node.opType);
}
