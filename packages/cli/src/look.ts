import { isFloat, weightOf, type Model, type Value } from '@onnxpress/core';

/* What kind of model this is, as far as a first recipe needs to know. */

export type ModelKind = 'text encoder' | 'text decoder' | 'convolutional network' | 'network';

export interface Look {
  readonly kind: ModelKind;
  readonly hasTokenizer: boolean;
  /** Whether large weights are stored in fewer bits than floats have. */
  readonly quantized: boolean;
  /** Whether most weights are float16 or bfloat16. */
  readonly half: boolean;
  /** Tokens of a text to measure with; undefined where the model reads no texts. */
  readonly tokens: number | undefined;
  /** Sizes that latency must be told: symbolic dimensions behind the first, with a guess for each. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** Inputs of text models, by the names that exporters give them. */
const TEXT = /^(input_ids|attention_mask|token_type_ids|position_ids)$/;
/** A cache of keys and values: only models that write text token by token have one. */
const CACHE = /^(past|present)|past_key_values|cache/;
/** A sentence or two for encoders, a prompt for decoders. */
const TOKENS = { 'text encoder': 128, 'text decoder': 32 } as const;
const PIXELS = 224;
const OTHER = 8;

export function lookAt(model: Model): Look {
  const inputs = model.graph.inputs.filter((v) => v.default === undefined);
  const kind = kindOf(model, inputs);
  const tokens = kind in TOKENS ? Math.min(TOKENS[kind as keyof typeof TOKENS], positionsOf(model)) : undefined; // asked in the line itself
  return { kind, hasTokenizer: model.files.has('tokenizer.json'), ...weightsOf(model), tokens, sizes: sizesOf(inputs, tokens ?? OTHER) };
}

function kindOf(model: Model, inputs: readonly Value[]): ModelKind {
  if (inputs.some((v) => v.name === 'input_ids')) {
    const writes = [...inputs, ...model.graph.outputs].some((v) => CACHE.test(v.name)) || model.graph.outputs.some((v) => v.name === 'logits' && v.rank === 3);
    return writes ? 'text decoder' : 'text encoder';
  }
  return [...model.nodes()].some((n) => n.is('Conv')) ? 'convolutional network' : 'network';
}

function weightsOf(model: Model): Pick<Look, 'quantized' | 'half'> {
  const bytes = { float: 0, half: 0, narrow: 0 };
  for (const graph of model.graphs()) {
    for (const { constant: t } of graph.initializers.values()) {
      if (t.dims.length < 2) continue; // scales and biases say nothing
      if (t.dtype === 'float16' || t.dtype === 'bfloat16') bytes.half += t.byteLength;
      else if (/^u?int[248]$|^float[48]/.test(t.dtype)) bytes.narrow += t.byteLength;
      else if (isFloat(t.dtype)) bytes.float += t.byteLength;
    }
  }
  return { quantized: bytes.narrow > bytes.half + bytes.float, half: bytes.half > bytes.float + bytes.narrow };
}

/** Some models keep the first rows of their table of positions for padding. */
const RESERVED_POSITIONS = 2;

/** How long a text the model's table of positions allows. */
function positionsOf(model: Model): number {
  const tables = [...model.nodes()].flatMap((n) => {
    const weight = n.is('Gather') && n.inputs[0] ? weightOf(n.inputs[0]) : undefined;
    return weight && /position/i.test(weight.value.name) && weight.tensor.dims.length === 2 ? [weight.tensor.dims[0]!] : [];
  });
  return Math.max(1, Math.min(...tables, Infinity) - RESERVED_POSITIONS);
}

/** eval/latency sizes the first dimension, and both dimensions of the inputs of texts. */
function sizesOf(inputs: readonly Value[], tokens: number): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const v of inputs) {
    (v.dims ?? []).forEach((dim, axis) => {
      if (typeof dim !== 'string' || axis === 0 || TEXT.test(v.name)) return;
      sizes[dim] ??= /past|cache/.test(dim) || CACHE.test(v.name) ? 0 : v.rank === 4 ? PIXELS : /seq|len|token/.test(dim) ? tokens : OTHER;
    });
  }
  return sizes;
}
