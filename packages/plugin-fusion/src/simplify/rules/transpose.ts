import { nodeRule, type Node } from '@onnxpress/core';

/** The permutation; undefined where it is the reverse of an unknown rank. */
export function permutationOf(node: Node): readonly number[] | undefined {
  const given = node.ints('perm');
  const rank = node.inputs[0]?.rank;
  return given ?? (rank === undefined ? undefined : Array.from({ length: rank }, (_, i) => rank - 1 - i));
}

const isIdentity = (perm: readonly number[]): boolean => perm.every((p, i) => p === i);

/** Transpose that moves nothing. */
export const transposeToSame = nodeRule('transpose-to-same', {
  operators: ['Transpose'],
  depth: 1,
  apply(node) {
    const [x] = node.inputs;
    const perm = permutationOf(node);
    if (!x || !perm) return 'its permutation is not known';
    return isIdentity(perm) ? x : 'it moves axes';
  },
});

/** Transpose of a Transpose: one, or none. */
export const transposeOfTranspose = nodeRule('transpose-of-transpose', {
  operators: ['Transpose'],
  depth: 2,
  apply(node, op) {
    const inner = node.inputs[0]?.producer;
    if (!inner?.is('Transpose')) return 'what it reads is no Transpose';
    const [outer, first] = [permutationOf(node), permutationOf(inner)];
    const [x] = inner.inputs;
    if (!outer || !first || !x || outer.length !== first.length) return 'a permutation is not known';
    const perm = outer.map((p) => first[p]!); // a permutation of as many axes
    return isIdentity(perm) ? x : op.Transpose(x, { perm });
  },
});
