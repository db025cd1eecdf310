import { contentsOf, float32sOf, lazyTensor, nodeRule, numbersOf, oneOf, optional, rule, value, type Rule, type Value } from '@onnxpress/core';
import { anchored, NOT_TRIED, quiet } from '../anchored.ts';
import { sameShape, sameSize, sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';
import { betaOf, epsilonOf, gammaOf, GROWS, NORMALIZATION, normalized, unfit } from './layer-normalization.ts';

const table = value({ rank: 2, dtype: 'float32' });
const ids = value({ rank: 2, dtype: ['int32', 'int64'] });

/** Rows of a table of words, of one of positions and perhaps of one of kinds, added and normalized: one EmbedLayerNormalization. */
const embedLayerNormalization = rule('embed-layer-normalization', {
  vars: { words: table, ids, types: optional(value({ rank: 2, dtype: 'float32' })), typeIds: optional(value({ rank: 2, dtype: ['int32', 'int64'] })), positions: value({ rank: 2, dtype: 'float32' }), positionIds: value({ rank: 2, dtype: ['int32', 'int64'] }), ...NORMALIZATION },
  match({ words, ids, types, typeIds, positions, positionIds, ...holes }, op) {
    const word = op.Gather(words, ids);
    const type = op.Gather(types, typeIds);
    const position = op.Gather(positions, positionIds);
    return normalized(holes, op, oneOf(op.Add(op.Add(word, type), position), op.Add(op.Add(word, position), type), op.Add(word, op.Add(type, position)), op.Add(word, position)));
  },
  where(found, root) {
    const { words, ids, types, typeIds, positions, positionIds } = found;
    if (typeIds && !sameShape(ids, typeIds)) return `"${typeIds.name}" is not known to have the shape of "${ids.name}"`;
    if (!countsUp(positionIds, ids, positions) && !sameShape(ids, positionIds)) return `"${positionIds.name}" is neither known to count from 0 nor to have the shape of "${ids.name}"`;
    for (const t of [words, types, positions]) if (t && (sizeOf(t, 1) === undefined || sizeOf(t, 1) !== sizeOf(words, 1))) return `"${t.name}" has rows of another size`;
    if (types && (sizeOf(types, 0) ?? 0) > (sizeOf(words, 0) ?? 0)) return `"${types.name}" has more rows than "${words.name}": it holds words`;
    return unfit({ ...found, meanAxes: undefined, varianceAxes: undefined, axis: undefined }, words, root.output) ?? overLast(found);
  },
  grows: GROWS,
  build(found, op) {
    const { words, ids, types, typeIds, positions, positionIds } = found;
    const narrow = (v: Value): Value => (v.type?.kind === 'tensor' && v.type.dtype === 'int32' ? v : op.Cast(v, { to: INT32 }));
    const given = countsUp(positionIds, ids, positions) ? undefined : narrow(positionIds);
    const [y] = op.in('com.microsoft').outputs(2).EmbedLayerNormalization(narrow(ids), typeIds && narrow(typeIds), words, positions, types, gammaOf(found, words, op), betaOf(found, words, op), undefined, given, { epsilon: epsilonOf(found) }); // onnxruntime wants a second output, if without a name
    return y;
  },
});

const INT32 = 6;
/** Axes of the sum of embeddings: batch, sequence, hidden. */
const LAST = 2;

function overLast({ meanAxes, varianceAxes, axis }: { readonly [K in 'meanAxes' | 'varianceAxes']: { readonly constant: Parameters<typeof numbersOf>[0] } | undefined } & { readonly axis: number | undefined }): true | string {
  for (const a of [meanAxes, varianceAxes]) if (a && ![`${LAST}`, '-1'].includes([...numbersOf(a.constant)].join())) return 'mean and variance are not over the last axis';
  return axis === undefined || axis === -1 || axis === LAST || 'it normalizes more than the last axis';
}

/** Whether the indices are 0, 1, 2 … as far as a row of `ids` goes: a Slice from the start of a constant that counts. The runtime counts so itself. */
function countsUp(positionIds: Value, ids: Value, positions: Value): boolean {
  const node = positionIds.producer;
  if (!node?.is('Slice')) return false;
  const [numbers, starts, ends, axes, steps] = node.inputs;
  const rows = numbers?.constant;
  if (!rows || rows.dims.length !== 2 || rows.dims[0] !== 1 || rows.dims[1]! < 2 || rows.dims[1]! > (sizeOf(positions, 0) ?? 0)) return false;
  const says = (v: Value | undefined, ...all: number[]): boolean => v !== undefined && all.some((n) => contentsOf(v)?.join() === String(n));
  const end = ends && contentsOf(ends);
  const length = ids.dims?.[1];
  if (!says(starts, 0) || !says(axes, 1, -1) || (steps && !says(steps, 1)) || end?.length !== 1) return false;
  return end[0] !== null && end[0] === length && numbersOf(rows).every((v, i) => v === i);
}

/** Adding a row that is always the same, as for models that know one kind of token only: the row as a constant. */
const constantRow = nodeRule('constant-embedding', {
  operators: ['Add'],
  depth: 2,
  grows: 'one row of a table comes for the nodes that look it up',
  apply(node, op) {
    const [a, b] = node.inputs;
    const found = rowOf(a, b) ?? rowOf(b, a);
    if (!found) return NOT_TRIED;
    const { other, table, row, width } = found;
    return op.Add(other, op.constant(lazyTensor('float32', [width], () => float32sOf(table).slice(row * width, (row + 1) * width))));
  },
});

function rowOf(v: Value | undefined, other: Value | undefined): { other: Value; table: NonNullable<Value['constant']>; row: number; width: number } | undefined {
  const gather = v?.producer;
  if (!other || !gather?.is('Gather') || gather.int('axis', 0) !== 0 || v?.useCount !== 1 || !sameShape(v, other)) return undefined;
  const [table, indices] = gather.inputs;
  const row = indices && sameNumber(indices);
  const [rows, width] = table?.constant?.dims ?? [];
  if (!table?.constant || table.constant.dtype !== 'float32' || table.constant.dims.length !== 2 || row === undefined || rows === undefined || width === undefined) return undefined;
  return row >= 0 && row < rows ? { other, table: table.constant, row, width } : undefined;
}

/** The integer that every element is, seen through what only repeats and picks elements. */
function sameNumber(v: Value): number | undefined {
  if (v.constant) {
    const [first, ...rest] = new Set(v.constant.dtype === 'int64' || v.constant.dtype === 'int32' ? numbersOf(v.constant) : []);
    return rest.length === 0 ? first : undefined;
  }
  const repeats = v.producer && ['Expand', 'Slice', 'Reshape', 'Unsqueeze', 'Squeeze', 'Identity'].some((name) => v.producer?.is(name));
  const from = repeats ? v.producer?.inputs[0] : undefined;
  return from && sameNumber(from);
}

/** The same row added to every row that is looked up: into the table, rounded once more. */
const rowIntoTable = nodeRule('row-into-table', {
  operators: ['Add'],
  depth: 2,
  apply(node, op) {
    const [a, b] = node.inputs;
    return lookedUp(a, b) ?? lookedUp(b, a) ?? NOT_TRIED;

    function lookedUp(v: Value | undefined, other: Value | undefined): Value | undefined {
      const [sum, gather] = [v?.producer, other?.producer];
      const row = sum?.is('Add') && v?.useCount === 1 ? sum.inputs.find((w) => w?.constant?.dtype === 'float32' && w.rank === 1) : undefined;
      const rest = sum?.inputs.find((w) => w !== row);
      const [table, indices] = gather?.inputs ?? [];
      if (!row?.constant || !rest || !gather?.is('Gather') || gather.int('axis', 0) !== 0 || other?.useCount !== 1 || !table?.constant || table.rank !== 2 || table.constant.dtype !== 'float32' || !indices) return undefined;
      if (table.useCount !== 1 || table.isOutput || !sameSize(table, 1, row, 0) || !sameShape(rest, node.output)) return undefined;
      const [from, added] = [table.constant, row.constant];
      const moved = lazyTensor('float32', from.dims, () => {
        const [rows, once] = [float32sOf(from), float32sOf(added)];
        return rows.map((x, i) => x + once[i % once.length]!);
      });
      return op.Add(rest, op.Gather(op.constant(moved), indices));
    }
  },
});

export const embeddings = (target: Target): readonly Rule[] => forRuntime(target, [constantRow, rowIntoTable, quiet(anchored(embedLayerNormalization, ['Gather'], 8))]);
