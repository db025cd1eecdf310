import { bitsOf, codeOf, dtypeOf, isFloat, isInteger, nodeRule, type DType, type Node, type Value } from '@onnxpress/core';

/** Cast and CastLike to the type that the value has. */
export const castToSame = nodeRule('cast-to-same', {
  operators: ['Cast', 'CastLike'],
  depth: 1,
  apply(node) {
    const [x] = node.inputs;
    const [from, to] = [dtypeOfValue(x), target(node)];
    if (!x || !from || !to) return 'its types are not known';
    return from === to ? x : `it makes ${to} of ${from}`;
  },
});

/** CastLike where the type is known: a Cast that reads nothing but its data, so that it can be folded. */
export const castLike = nodeRule('cast-like', {
  operators: ['CastLike'],
  depth: 1,
  apply(node, op) {
    const [x] = node.inputs;
    const to = target(node);
    if (!x || !to) return 'the type is not known';
    const saturate = node.int('saturate', 1);
    return op.Cast(x, { to: codeOf(to), ...(saturate === 1 ? {} : { saturate }) });
  },
});

/** Cast of a Cast that lost nothing. */
export const castOfCast = nodeRule('cast-of-cast', {
  operators: ['Cast'],
  depth: 2,
  apply(node, op) {
    const inner = node.inputs[0]?.producer;
    const x = inner?.inputs[0];
    if (!inner?.is('Cast') || !x) return 'what it reads is no Cast';
    const [from, between, to] = [dtypeOfValue(x), target(inner), target(node)];
    if (!from || !between || !to) return 'its types are not known';
    if (!holdsAll(between, from)) return `${between} cannot hold every ${from}`;
    if (from === to) return x;
    if (to === 'string' || from === 'bool') return `${from} and ${between} need not become the same ${to}`;
    if (between === 'bool' || bitsOf(to) < 16 && isFloat(to)) return `${to} is not made of ${from} and ${between} alike`;
    return op.Cast(x, { to: codeOf(to) });
  },
});

const dtypeOfValue = (v: Value | undefined): DType | undefined => (v?.type?.kind === 'tensor' ? v.type.dtype : undefined);

function target(node: Node): DType | undefined {
  if (node.is('CastLike')) return dtypeOfValue(node.inputs[1]);
  return dtypeOf(node.int('to', 0));
}

/** Floats by the integers that they hold without a gap: up to 2^these. */
const EXACT_BITS: Readonly<Partial<Record<DType, number>>> = { float64: 53, float32: 24, float16: 11, bfloat16: 8 };
const EXPONENTS: Readonly<Partial<Record<DType, number>>> = { float64: 11, float32: 8, bfloat16: 8, float16: 5 };

/** Whether every value of `from` is one of `to`. */
function holdsAll(to: DType, from: DType): boolean {
  if (to === from) return true;
  if (from === 'bool') return isInteger(to) || to in EXACT_BITS;
  const [exactTo, exactFrom] = [EXACT_BITS[to], EXACT_BITS[from]];
  if (isInteger(from)) {
    const bits = bitsOf(from) - (from.startsWith('int') ? 1 : 0);
    if (exactTo !== undefined) return exactTo >= bits;
    if (!isInteger(to) || (from.startsWith('int') && !to.startsWith('int'))) return false;
    return bitsOf(to) - (to.startsWith('int') ? 1 : 0) >= bits;
  }
  return exactTo !== undefined && exactFrom !== undefined && exactTo >= exactFrom && EXPONENTS[to]! >= EXPONENTS[from]!;
}
