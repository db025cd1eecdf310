import type { DType } from '../../dtype.ts';
import type { Dim } from '../../types.ts';
import { tensor, unknowns, type Dims, type Facts, type Rule, type Rules } from '../facts.ts';

/** The shape of a matrix product as numpy has it: vectors lend an axis, leading axes broadcast. */
export function productShape(f: Facts, a: Dims, b: Dims): Dims {
  if (!a || !b || a.length === 0 || b.length === 0) return undefined;
  const rows = a.length === 1 ? [] : [a.at(-2)!];
  const columns = b.length === 1 ? [] : [b.at(-1)!];
  const lead = f.broadcast(a.slice(0, -2), b.slice(0, -2));
  return lead && [...lead, ...rows, ...columns];
}

const swapped = (dims: Dims): Dims => (dims && dims.length >= 2 ? [...dims.slice(0, -2), dims.at(-1)!, dims.at(-2)!] : dims);

/** FusedMatMul's transBatch: the axes before the matrix come from behind the first. */
const rolled = (dims: Dims): Dims => (dims && dims.length >= 2 ? [...dims.slice(1, -1), dims[0]!, dims.at(-1)!] : dims);

/** A product whose operands are inputs `a` and `b`. */
export const product =
  (a: number, b: number, dtype: (f: Facts) => DType | undefined): Rule =>
  (f) => tensor(dtype(f), productShape(f, f.dims(a), f.dims(b)));

export const fusedProduct: Rule = (f) => {
  const turn = (dims: Dims, which: 'A' | 'B'): Dims => {
    const batch = f.node.int(`transBatch${which}`, 0) !== 0 ? rolled(dims) : dims;
    return f.node.int(`trans${which}`, 0) !== 0 ? swapped(batch) : batch;
  };
  return tensor(f.dtype(0), productShape(f, turn(f.dims(0), 'A'), turn(f.dims(1), 'B')));
};

/** `at` holds the matrices' inputs. */
export const gemm =
  (dtype: (f: Facts) => DType | undefined, [a, b] = [0, 1]): Rule =>
  (f) => {
    const rows = f.dim(a, f.node.int('transA', 0) !== 0 ? 1 : 0);
    const columns = f.dim(b, f.node.int('transB', 0) !== 0 ? 0 : 1);
    return tensor(dtype(f), [rows, columns]);
  };

/** Einsum's result by its equation. An ellipsis stands for axes that broadcast. */
const einsum: Rule = (f) => {
  const dtype = f.dtype(0);
  const equation = f.node.string('equation', '').replaceAll(/\s/g, '');
  const [left = '', right] = equation.split('->');
  const operands = left.split(',');
  const sizes = new Map<string, Dim>();
  let dots: Dims = [];
  for (const [i, operand] of operands.entries()) {
    const dims = f.dims(i);
    const [before = '', after] = operand.split('...');
    if (!dims || /[^A-Za-z.]/.test(operand)) return tensor(dtype, undefined);
    const wide = after === undefined ? 0 : dims.length - before.length - after.length;
    if (dims.length !== before.length + wide + (after?.length ?? 0)) return tensor(dtype, undefined);
    dots = f.broadcast(dots, dims.slice(before.length, before.length + wide));
    const named = [...dims.slice(0, before.length), ...dims.slice(before.length + wide)];
    [...before, ...(after ?? '')].forEach((letter, j) => sizes.set(letter, f.sizes.broadcast(sizes.get(letter) ?? 1, named[j]!)));
  }
  if (!dots) return tensor(dtype, undefined);
  const result = right ?? implicitResult(left);
  const [before = '', after] = result.split('...');
  const size = (letter: string): Dim => sizes.get(letter) ?? null;
  return tensor(dtype, [...[...before].map(size), ...(after === undefined ? [] : dots), ...[...(after ?? '')].map(size)]);
};

/** Without an arrow: the ellipsis, and every letter that occurs once, sorted. */
function implicitResult(left: string): string {
  const letters = [...left].filter((c) => /[A-Za-z]/.test(c));
  const once = letters.filter((c) => letters.indexOf(c) === letters.lastIndexOf(c)).sort();
  return `${left.includes('...') ? '...' : ''}${once.join('')}`;
}

/** Attention whose inputs all have four axes. */
export const PREVIEW: Rules = {
  FlexAttention: (f) => {
    const [q, v] = [f.dims(0), f.dims(2)];
    return tensor(f.dtype(0), q?.length === 4 ? [q[0]!, q[1]!, q[2]!, v?.[3] ?? null] : unknowns(4));
  },
};

export const LINEAR: Rules = {
  MatMul: product(0, 1, (f) => f.dtype(0)),
  MatMulInteger: product(0, 1, () => 'int32'),
  QLinearMatMul: product(0, 3, (f) => f.dtype(7)),
  Gemm: gemm((f) => f.dtype(0)),
  Einsum: einsum,

  Det: (f) => tensor(f.dtype(0), f.dims(0)?.slice(0, -2)),

  Attention: (f) => attention(f),

  LinearAttention: (f) => {
    const [q, v] = [f.dims(0), f.dims(2)];
    const [queries, keys] = [f.node.int('q_num_heads'), f.node.int('kv_num_heads')];
    if (q?.length !== 3 || !queries || !keys) return [tensor(f.dtype(0), unknowns(3)), tensor(f.dtype(3) ?? undefined, unknowns(4))];
    const head = (width: Dim, heads: number): Dim => f.sizes.divideExactly(width, heads);
    const values = head(v?.[2] ?? null, keys);
    return [tensor(f.dtype(0), [q[0]!, q[1]!, head(f.sizes.mul(v?.[2] ?? null, queries), keys)]), tensor(f.dtype(3), [q[0]!, keys, head(q[2]!, queries), values])];
  },

  CausalConvWithState: (f) => {
    const dims = f.dims(0);
    return [f.type(0), tensor(f.dtype(0), dims?.length === 3 ? [dims[0]!, dims[1]!, f.sizes.sub(f.dim(1, 2), 1)] : unknowns(3))];
  },
};

/** Attention of ai.onnx: four axes with heads, or three with the heads side by side. */
function attention(f: Facts): ReturnType<Rule> {
  const { sizes } = f;
  const [q, k, v] = [f.dims(0), f.dims(1), f.dims(2)];
  const dtype = f.dtype(0);
  const [queryHeads, keyHeads] = [f.node.int('q_num_heads', 0), f.node.int('kv_num_heads', 0)];
  if (!q || !k || !v) return [tensor(dtype, q && unknowns(q.length)), tensor(dtype, unknowns(4)), tensor(f.dtype(2), unknowns(4)), tensor(dtype, unknowns(4))];
  const wide = q.length === 4;
  const split = (dims: readonly Dim[], heads: number): readonly Dim[] =>
    dims.length === 4 ? dims : heads > 0 && dims.length === 3 ? [dims[0]!, heads, dims[1]!, sizes.divideExactly(dims[2]!, heads)] : unknowns(4);
  const [q4, k4, v4] = [split(q, queryHeads), split(k, keyHeads), split(v, keyHeads)];
  const past = f.has(4) ? f.dim(4, 2) : 0;
  const total = sizes.add(past, k4[2]!);
  const head = v4[3]!;
  const y = wide ? [q[0]!, q[1]!, q[2]!, head] : [q[0]!, q[1] ?? null, sizes.divideExactly(sizes.mul(v.at(-1)!, queryHeads), keyHeads)];
  return [
    tensor(dtype, y),
    tensor(dtype, [k4[0]!, k4[1]!, total, k4[3]!]),
    tensor(f.dtype(2), [v4[0]!, v4[1]!, total, head]),
    tensor(dtype, [q4[0]!, q4[1]!, q4[2]!, total]),
  ];
}
