import type { Target } from '../target.ts';

/** How a weight lies in the file. */
export interface Sides {
  /** Outputs of a product, rows of a table: what has a scale of its own. */
  readonly n: number;
  /** Inputs of a product, columns of a table. */
  readonly k: number;
  /** Whether it is stored as [N, K]. */
  readonly alongRows: boolean;
}

/** The sides of a target's weight. */
export function sidesOf({ tensor, transposed, kind }: Target): Sides {
  const [first, second] = tensor.dims as [number, number]; // targets are matrices
  const alongRows = (kind === 'embedding') !== transposed;
  return alongRows ? { n: first, k: second, alongRows } : { n: second, k: first, alongRows };
}
