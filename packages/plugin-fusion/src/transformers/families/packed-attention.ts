import { attribute, codeOf, float32s, lazyTensor, oneOf, optional, rule, value, weightOf, type Ops, type Pattern, type Rule, type Tensor, type Value } from '@onnxpress/core';
import { quiet } from '../anchored.ts';
import { sizeOf } from '../dims.ts';
import { forRuntime, type Target } from '../target.ts';

const weight = (): ReturnType<typeof value> => value({ rank: 2, dtype: 'float32' });
const bias = (): ReturnType<typeof optional<Value>> => optional(value({ rank: 1, dtype: 'float32' }));

/** MultiHeadAttention over three projections of one value by constant weights: one Attention, which has them side by side. */
const packedAttention = rule('packed-attention', {
  vars: {
    x: value({ rank: 3, dtype: 'float32' }),
    wq: weight(), wk: weight(), wv: weight(), bq: bias(), bk: bias(), bv: bias(),
    padding: optional(value()), added: optional(value()),
    heads: attribute.int(), scale: attribute.float({ absent: undefined }), filter: attribute.float({ absent: undefined }),
  },
  match(v, op) {
    const projected = (w: Pattern, b: Pattern): Pattern => oneOf(op.Add(op.MatMul(v.x, w), b), op.MatMul(v.x, w));
    return op.in('com.microsoft').MultiHeadAttention(projected(v.wq, v.bq), projected(v.wk, v.bk), projected(v.wv, v.bv), undefined, v.padding, v.added, { num_heads: v.heads, scale: v.scale, mask_filter_value: v.filter });
  },
  where({ x, wq, wk, wv, bq, bk, bv }) {
    const parts = [wq, wk, wv].map(stored);
    const odd = [wq, wk, wv].find((w, i) => !parts[i] || w.useCount !== 1 || w.isOutput);
    if (odd) return `"${odd.name}" is no constant that it alone reads`;
    if (new Set(parts.map((p) => p!.dtype)).size > 1) return 'its weights are stored in several types'; // each is there, as checked
    if ([wq, wk, wv].some((w) => sizeOf(w, 0) !== sizeOf(x, 2))) return 'its weights do not fit what they multiply';
    const wrong = [bq, bk, bv].find((b, i) => b && (!b.isConstant() || sizeOf(b, 0) !== sizeOf([wq, wk, wv][i]!, 1)));
    return wrong ? `"${wrong.name}" is no constant with one number per column` : sizeOf(wq, 1) === sizeOf(wk, 1) || 'queries and keys have different widths';
  },
  grows: 'weights lie side by side instead of apart; the runtime reads a bias even where there is none, which is one number per column',
  build({ x, wq, wk, wv, bq, bk, bv, padding, added, heads, scale, filter }, op) {
    const widths = [wq, wk, wv].map((w) => sizeOf(w, 1)!); // as checked
    const weights = packed([wq, wk, wv].map((w) => stored(w)!), op); // as checked
    const biases = op.constant(sideBySide([bq, bk, bv].map((b, i) => b?.constant ?? float32s([widths[i]!], new Float32Array(widths[i]!)))));
    const sizes = widths[2] === widths[0] ? {} : { qkv_hidden_sizes: widths };
    return op.in('com.microsoft').Attention(x, weights, biases, padding, undefined, added, { num_heads: heads, scale, mask_filter_value: filter, ...sizes });
  },
});

/** The numbers of a weight that is a constant, or one that was stored in fewer bits and is only cast. */
function stored(w: Value): Tensor | undefined {
  const found = weightOf(w);
  return found?.through.every((n) => n.is('Cast')) && found.through.length <= 1 && found.tensor.dims.length === 2 ? found.tensor : undefined;
}

function packed(parts: readonly Tensor[], op: Ops<Value>): Value {
  const all = op.constant(sideBySide(parts));
  return parts[0]!.dtype === 'float32' ? all : op.Cast(all, { to: codeOf('float32') }); // three
}

/** Tensors of one type joined along their last axis, read when somebody asks for them. */
function sideBySide(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  const { dtype, dims } = first!; // three
  const widths = parts.map((p) => p.dims.at(-1)!); // of rank 1 or 2
  const width = widths.reduce((a, b) => a + b, 0);
  return lazyTensor(dtype, [...dims.slice(0, -1), width], () => {
    const rows = dims.length === 1 ? 1 : dims[0]!;
    const item = first!.byteLength / (rows * widths[0]!);
    const out = new Uint8Array(rows * width * item);
    let left = 0;
    for (const [i, part] of parts.entries()) {
      const [bytes, line] = [part.bytes(), widths[i]! * item];
      for (let r = 0; r < rows; r++) out.set(bytes.subarray(r * line, (r + 1) * line), r * width * item + left);
      left += line;
    }
    return out;
  });
}

export const packedAttentions = (target: Target): readonly Rule[] => forRuntime(target, [quiet(packedAttention)]);
