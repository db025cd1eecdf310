import { OnnxError, tensorOf, type Dim, type DType, type Model, type Node, type Value } from '@onnxpress/onnx';
import type { Feed, FeedData, Feeds } from '../services/tokens.ts';
import { normal } from './random.ts';

export interface FeedSpec {
  readonly random: () => number;
  /** Sizes of symbolic dimensions by name. Others are 1 for the first dimension of an input and 8 for the rest, equal names equal. */
  readonly dims?: Readonly<Record<string, number>>;
  /** Sizes of dimensions without a name: the first of an input, and the rest. */
  readonly unnamed?: { readonly leading: number; readonly rest: number };
  /**
   * Every kind of value that callers may give, rather than what they give most of the time: masks with padding, segments, caches that hold something, flags of both
   * values.
   */
  readonly varied?: boolean;
}

type Filling = 'ones' | 'zeros' | 'ramp' | 'prefix';
interface Named {
  readonly name: RegExp;
  readonly usual: Filling;
  /** Undefined: drawn at random. */
  readonly varied: Filling | undefined;
}
/** Names that exporters give to the inputs of text models, and what may go in there. */
const BY_NAME: readonly Named[] = [
  { name: /attention_mask|padding_mask/, usual: 'ones', varied: 'prefix' },
  { name: /token_type_ids|segment_ids|past_key_values|use_cache/, usual: 'zeros', varied: undefined },
  { name: /position_ids|cache_position/, usual: 'ramp', varied: 'ramp' },
];
/** A byte that indexes nothing is a colour. */
const COLOURS = 256;
/** After so many numbers, a prime, what was drawn repeats: to draw millions takes longer than to run most models on them. */
const PERIOD = 65_537;
const DEFAULT_LEADING = 1;
const DEFAULT_REST = 8;

/**
 * Inputs that a model can run on, drawn at random: floats from a normal distribution, integers within the rows of the table that they look up.
 * Inputs that have a default are left to it.
 * Throws `unsupported` for an input that is no tensor.
 */
export function randomFeeds(model: Model, { random, dims = {}, unnamed = { leading: DEFAULT_LEADING, rest: DEFAULT_REST }, varied = false }: FeedSpec): Feeds {
  return Object.fromEntries(model.graph.inputs.filter((v) => !v.default).map((v) => [v.name, feed(v)]));

  function feed(v: Value): Feed {
    const type = v.type;
    if (type?.kind !== 'tensor') throw new OnnxError('unsupported', `Input "${v.name}" is no tensor, so no random values can be made for it.`);
    const shape = (type.dims ?? []).map((d, i) => (typeof d === 'number' ? d : ((d === null ? undefined : dims[d]) ?? (isBatch(type.dims!, i) ? unnamed.leading : unnamed.rest))));
    const count = shape.reduce((a, b) => a * b, 1);
    const known = BY_NAME.find(({ name }) => name.test(v.name));
    const filling = varied ? known?.varied : known?.usual;
    const last = shape.at(-1) ?? 1;
    const isWhole = WHOLE.test(type.dtype);
    const at = (i: number): number => (filling === 'ones' ? 1 : filling === 'zeros' ? 0 : filling === 'ramp' ? i % last : Number(i % last < last - (Math.floor(i / last) % last)));
    const limit = filling ? 0 : rowsOf(v, varied && !known && type.dtype === 'uint8' ? COLOURS : 2);
    return { dtype: type.dtype, dims: shape, data: fill(type.dtype, count, filling ? at : isWhole ? () => Math.floor(random() * limit) : () => normal(random), filling ? Infinity : PERIOD) };
  }
}

/** Whether an axis is the batch, as a rule: the first, or the second of a recurrent network's state, [layers, batch, size]. */
export const isBatch = (dims: readonly Dim[], axis: number): boolean => axis === 0 || (axis === 1 && dims.length === 3 && typeof dims[0] === 'number');

const WHOLE = /^(u?int|bool)/;

/** What hands indices on as they are. */
const HANDS_ON: readonly string[] = ['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten', 'Transpose', 'Expand', 'Slice'];

/** The rows of the smallest table that the value indexes; `otherwise` where it indexes none. */
function rowsOf(v: Value, otherwise: number): number {
  const rows = [...tables(v, new Set())];
  return rows.length ? Math.min(...rows) : otherwise;
}

function* tables(v: Value, seen: Set<Value>): Generator<number> {
  if (seen.has(v)) return;
  seen.add(v);
  for (const { node, index } of v.uses) {
    if (index === 0 && HANDS_ON.some((op) => node.is(op))) yield* tables(node.output, seen);
    else {
      const table = tableOf(node, index);
      const rows = table?.dims?.[axisOf(node, table)];
      if (typeof rows === 'number') yield rows;
    }
  }
}

/** The table that a node looks up with its input `index`. */
function tableOf(node: Node, index: number): Value | undefined {
  if ((node.is('Gather') || node.is('GatherBlockQuantized', 'com.microsoft')) && index === 1) return node.inputs[0];
  // the ids of tokens, then those of segments, and their tables
  return node.is('EmbedLayerNormalization', 'com.microsoft') && index < 2 ? node.inputs[index === 0 ? 2 : 4] : undefined;
}

function axisOf(node: Node, table: Value): number {
  const axis = node.int('axis', node.int('gather_axis', 0));
  return axis < 0 ? axis + (table.rank ?? 0) : axis;
}

interface Repeatable {
  copyWithin(target: number, start: number, end: number): unknown;
}

function fill(dtype: DType, count: number, at: (i: number) => number, period: number): FeedData {
  const once = Math.min(count, period);
  const repeated = <T extends Repeatable>(data: T): T => {
    for (let i = once; i < count; i += once) data.copyWithin(i, 0, Math.min(once, count - i));
    return data;
  };
  const filled = <T extends Repeatable & { [i: number]: number }>(data: T): T => {
    for (let i = 0; i < once; i++) data[i] = at(i);
    return repeated(data);
  };
  const filledBig = <T extends Repeatable & { [i: number]: bigint }>(data: T): T => {
    for (let i = 0; i < once; i++) data[i] = BigInt(at(i));
    return repeated(data);
  };
  switch (dtype) {
    case 'float32': return filled(new Float32Array(count));
    case 'float64': return filled(new Float64Array(count));
    case 'int64': return filledBig(new BigInt64Array(count));
    case 'uint64': return filledBig(new BigUint64Array(count));
    case 'int32': return filled(new Int32Array(count));
    case 'uint32': return filled(new Uint32Array(count));
    case 'int16': return filled(new Int16Array(count));
    case 'uint16': return filled(new Uint16Array(count));
    case 'int8': return filled(new Int8Array(count));
    case 'uint8': case 'bool': return filled(new Uint8Array(count));
    case 'float16': return halves(filled(new Float32Array(count)));
    case 'string': return Array.from({ length: count }, (_, i) => String(at(i)));
    default: throw new OnnxError('unsupported', `No random values are made for inputs of type ${dtype}.`);
  }
}

/** The bits of the nearest numbers of half precision. */
function halves(numbers: Float32Array): Uint16Array {
  const bytes = tensorOf('float16', [numbers.length], numbers).bytes();
  return new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
