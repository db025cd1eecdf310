import picomatch from 'picomatch';
import { weightOf, type Model, type Node } from '@onnxpress/onnx';

/**
 * The nodes that a pattern names: `op:MatMul` by operator type, `domain:com.microsoft` by domain, anything else a glob over the node's name and
 * the names of its constant inputs. `*` does not cross a slash, `**` does.
 */
export function nodesNamed(pattern: string, nodes: Iterable<Node>): Node[] {
  const [, kind, rest] = /^(op|domain):(.*)$/s.exec(pattern) ?? [];
  const fits = picomatch(rest ?? pattern, { dot: true, nonegate: true });
  const named = (n: Node): boolean => {
    if (kind === 'op') return fits(n.opType);
    if (kind === 'domain') return fits(n.domain || 'ai.onnx');
    return namesOf(n).some((name) => fits(name));
  };
  return [...nodes].filter(named);
}

/** The names that a pattern names: itself where there is one, else a glob. `*` does not cross a slash, `**` does. */
export function namesFitting(pattern: string, names: readonly string[]): string[] {
  if (names.includes(pattern)) return [pattern];
  const fits = picomatch(pattern, { dot: true, nonegate: true });
  return names.filter((name) => fits(name));
}

/** Names that a person may know a node by: its own, and those of the weights it reads. */
export function namesOf(n: Node): string[] {
  const weights = n.inputs.flatMap((v) => (v && weightOf(v) ? [weightOf(v)!.value.name] : []));
  return [n.name, ...weights, ...n.outputs.map((v) => v.name)].filter((name) => name !== '');
}

/** Whether a node is chosen: by some pattern of `include` (all where it is empty) and by none of `exclude`. */
export function selector(model: Model, include: readonly string[], exclude: readonly string[]): (n: Node) => boolean {
  const nodes = [...model.nodes()];
  const of = (patterns: readonly string[]): Set<Node> => new Set(patterns.flatMap((p) => nodesNamed(p, nodes)));
  const [wanted, unwanted] = [of(include), of(exclude)];
  return (n) => (include.length === 0 || wanted.has(n)) && !unwanted.has(n);
}

/** What a pattern could have meant: operator types or names of the model. */
export function namesLike(pattern: string, model: Model): string[] {
  const nodes = [...model.nodes()];
  if (pattern.startsWith('op:')) return [...new Set(nodes.map((n) => `op:${n.opType}`))];
  if (pattern.startsWith('domain:')) return [...new Set(nodes.map((n) => `domain:${n.domain || 'ai.onnx'}`))];
  return [...new Set(nodes.flatMap(namesOf))];
}
