import type { Tensor, Value } from '@onnxpress/core';
import type { Target } from '../target.ts';

/** Targets that read one weight the same way, a table and the output head tied to it among them: they share its codes. */
export interface WeightGroup {
  readonly weight: Value;
  readonly tensor: Tensor;
  /** Outputs of a product, rows of a table. */
  readonly n: number;
  /** Inputs of a product, columns of a table. Blocks run along them. */
  readonly k: number;
  /** Whether the tensor is stored as [N, K], so that blocks run along its rows; otherwise it is [K, N]. */
  readonly alongRows: boolean;
  /** What the nodes compute in. */
  readonly computes: 'float32' | 'float16';
  readonly targets: readonly Target[];
}

/** Why a target cannot compute with blocks; undefined where it can. */
export function reasonAgainstBlocks({ computes }: Target): string | undefined {
  return computes === 'float32' || computes === 'float16' ? undefined : `it computes in ${computes}, and blocks are for float32 and float16`;
}

/** The targets by what they share, in the order of their first nodes. A weight that is read both ways around is in two groups. Targets that blocks are not for are left out. */
export function groupsOf(targets: readonly Target[]): WeightGroup[] {
  const groups = new Map<Value, Map<string, WeightGroup & { readonly targets: Target[] }>>();
  for (const target of targets) {
    const { weight, tensor, transposed, kind, computes } = target;
    if (computes !== 'float32' && computes !== 'float16') continue;
    const alongRows = kind === 'embedding' ? !transposed : transposed;
    const [first, second] = tensor.dims as [number, number]; // targets are matrices
    const [n, k] = alongRows ? [first, second] : [second, first];
    const ways = groups.get(weight) ?? new Map<string, WeightGroup & { readonly targets: Target[] }>();
    groups.set(weight, ways);
    const way = `${alongRows} ${computes}`;
    const group = ways.get(way) ?? { weight, tensor, n, k, alongRows, computes, targets: [] };
    ways.set(way, group);
    group.targets.push(target);
  }
  return [...groups.values()].flatMap((ways) => [...ways.values()]);
}

/** Whether a table is looked up in the weight. */
export const holdsTable = (group: WeightGroup): boolean => group.targets.some((t) => t.kind === 'embedding');
/** Whether something is multiplied by the weight. */
export const holdsProduct = (group: WeightGroup): boolean => group.targets.some((t) => t.kind !== 'embedding');
