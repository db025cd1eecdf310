import { OnnxError, type DType, type Model, type Value } from '@onnxpress/onnx';
import type { Feed, FeedData, Feeds } from '../services/tokens.ts';
import { normal } from './random.ts';

export interface FeedSpec {
  readonly random: () => number;
  /** Sizes of symbolic dimensions by name. Others are 1 for the first dimension of an input and 8 for the rest, equal names equal. */
  readonly dims?: Readonly<Record<string, number>>;
}

/** Names that exporters give to the inputs of text models, and what may go in there. */
const BY_NAME: readonly (readonly [RegExp, 'ones' | 'zeros' | 'ramp'])[] = [
  [/attention_mask|padding_mask/, 'ones'],
  [/token_type_ids|segment_ids|past_key_values|use_cache/, 'zeros'],
  [/position_ids|cache_position/, 'ramp'],
];
const DEFAULT_LEADING = 1;
const DEFAULT_REST = 8;

/**
 * Inputs that a model can run on, drawn at random: floats from a normal distribution, integers within the rows of the table that they look up.
 * Inputs that have a default are left to it.
 * Throws `unsupported` for an input that is no tensor.
 */
export function randomFeeds(model: Model, { random, dims = {} }: FeedSpec): Feeds {
  return Object.fromEntries(model.graph.inputs.filter((v) => !v.default).map((v) => [v.name, feed(v)]));

  function feed(v: Value): Feed {
    const type = v.type;
    if (type?.kind !== 'tensor') throw new OnnxError('unsupported', `Input "${v.name}" is no tensor, so no random values can be made for it.`);
    const shape = (type.dims ?? []).map((d, i) => (typeof d === 'number' ? d : ((d === null ? undefined : dims[d]) ?? (i === 0 ? DEFAULT_LEADING : DEFAULT_REST))));
    const count = shape.reduce((a, b) => a * b, 1);
    const filling = BY_NAME.find(([name]) => name.test(v.name))?.[1];
    const last = shape.at(-1) ?? 1;
    const at = (i: number): number => (filling === 'ones' ? 1 : filling === 'zeros' ? 0 : filling === 'ramp' ? i % last : NaN);
    const limit = filling ? 0 : rowsOf(v);
    return { dtype: type.dtype, dims: shape, data: fill(type.dtype, count, (i) => (filling ? at(i) : isWhole(type.dtype) ? Math.floor(random() * limit) : normal(random))) };
  }
}

const isWhole = (d: DType): boolean => /^(u?int|bool)/.test(d);

/** The rows of the smallest table that the value indexes directly; 2 where it indexes none. */
function rowsOf(v: Value): number {
  const rows = v.uses.flatMap(({ node, index }) => {
    if (node.is('Cast') || node.is('Identity')) return rowsOf(node.output);
    const table = node.is('Gather') && index === 1 ? node.inputs[0]?.dims?.[node.int('axis', 0)] : undefined;
    return typeof table === 'number' ? [table] : [];
  });
  return rows.length ? Math.min(...rows) : 2;
}

function fill(dtype: DType, count: number, at: (i: number) => number): FeedData {
  switch (dtype) {
    case 'float32': return Float32Array.from({ length: count }, (_, i) => at(i));
    case 'float64': return Float64Array.from({ length: count }, (_, i) => at(i));
    case 'int64': return BigInt64Array.from({ length: count }, (_, i) => BigInt(at(i)));
    case 'uint64': return BigUint64Array.from({ length: count }, (_, i) => BigInt(at(i)));
    case 'int32': return Int32Array.from({ length: count }, (_, i) => at(i));
    case 'uint32': return Uint32Array.from({ length: count }, (_, i) => at(i));
    case 'int16': return Int16Array.from({ length: count }, (_, i) => at(i));
    case 'uint16': return Uint16Array.from({ length: count }, (_, i) => at(i));
    case 'int8': return Int8Array.from({ length: count }, (_, i) => at(i));
    case 'uint8': case 'bool': return Uint8Array.from({ length: count }, (_, i) => at(i));
    case 'string': return Array.from({ length: count }, (_, i) => String(at(i)));
    default: throw new OnnxError('unsupported', `No random values are made for inputs of type ${dtype}.`);
  }
}
