import { describeType, isSparse, type Dim, type Model, type Node, type Tensor, type ValueType } from '@onnxpress/core';

/* What a model is made of, counted. Pure: reads structure only, never a weight. */

/** How often an operator occurs, in all scopes. */
export interface OperatorCount {
  /** "MatMul", "com.microsoft:FusedMatMul". */
  readonly operator: string;
  readonly count: number;
}

export interface WeightFacts {
  readonly name: string;
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly bytes: number;
  /** Operators that read it. */
  readonly readers: readonly string[];
}

export interface PortFacts {
  readonly name: string;
  readonly type: string;
}

export interface Anatomy {
  readonly producer: string;
  readonly irVersion: number;
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly PortFacts[];
  readonly outputs: readonly PortFacts[];
  /** Names of sizes that are open until the model runs. */
  readonly dynamicDimensions: readonly string[];
  readonly operators: readonly OperatorCount[];
  readonly functions: readonly string[];
  /** Element type → how many weights of it, and their bytes. */
  readonly types: Readonly<Record<string, { readonly weights: number; readonly elements: number; readonly bytes: number }>>;
  readonly weights: readonly WeightFacts[];
  /** What of the numbers is quantized, in words. */
  readonly quantization: readonly string[];
}

export const operatorName = (n: Pick<Node, 'domain' | 'opType'>): string => (n.domain ? `${n.domain}:${n.opType}` : n.opType);

export function anatomyOf(model: Model): Anatomy {
  const weights = weightsOf(model);
  const operators = count([...model.nodes()].map(operatorName));
  return {
    producer: [model.info.producerName, model.info.producerVersion].filter((part) => part !== '').join(' '),
    irVersion: model.info.irVersion,
    opsets: Object.fromEntries([...model.opsets].map(([domain, version]) => [domain || 'ai.onnx', version])),
    inputs: model.graph.inputs.filter((v) => v.default === undefined).map((v) => ({ name: v.name, type: describeType(v.type) })),
    outputs: model.graph.outputs.map((v) => ({ name: v.name, type: describeType(v.type) })),
    dynamicDimensions: [...new Set(model.graph.inputs.flatMap((v) => namesIn(v.type)))],
    operators: [...operators].map(([operator, n]) => ({ operator, count: n })).sort((a, b) => b.count - a.count || (a.operator < b.operator ? -1 : 1)),
    functions: [...model.functions.keys()],
    types: typesOf(weights),
    weights: weights.toSorted((a, b) => b.bytes - a.bytes),
    quantization: quantizationOf(operators, weights),
  };
}

/** How often each word occurs, in the order of first mention. */
export function count(words: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Every tensor that is stored, each once, under the first name that it has. */
function weightsOf(model: Model): WeightFacts[] {
  const found = new Map<Tensor, WeightFacts>();
  const note = (t: Tensor, name: string, readers: readonly string[]): void => {
    if (!found.has(t)) found.set(t, { name, dtype: isSparse(t) ? `sparse ${t.dtype}` : t.dtype, dims: t.dims, bytes: t.byteLength, readers });
  };
  for (const graph of model.graphs()) for (const v of graph.initializers.values()) note(v.constant, v.name, [...new Set(v.uses.map((u) => operatorName(u.node)))]);
  for (const node of model.nodes()) {
    for (const a of node.attrs.values()) {
      if (a.type !== 'tensor' && a.type !== 'sparse') continue;
      note(a.value, node.outputs[0]?.name ?? node.name, node.is('Constant') ? [...new Set(node.output.uses.map((u) => operatorName(u.node)))] : [operatorName(node)]);
    }
  }
  return [...found.values()];
}

function typesOf(weights: readonly WeightFacts[]): Anatomy['types'] {
  const types: Record<string, { weights: number; elements: number; bytes: number }> = {};
  for (const w of weights) {
    const sum = (types[w.dtype] ??= { weights: 0, elements: 0, bytes: 0 });
    sum.weights++;
    sum.elements += w.dims.reduce((a, b) => a * b, 1);
    sum.bytes += w.bytes;
  }
  return Object.fromEntries(Object.entries(types).sort(([, a], [, b]) => b.bytes - a.bytes));
}

/** Operators whose presence says that something is computed or stored in few bits, and what. */
const QUANTIZED: readonly (readonly [RegExp, string])[] = [
  [/^DynamicQuantizeLinear$/, 'activations quantized at run time (DynamicQuantizeLinear)'],
  [/^(com\.microsoft:)?QuantizeLinear$/, 'activations quantized with fixed scales (QuantizeLinear)'],
  [/^(com\.microsoft:)?DequantizeLinear$/, 'values stored quantized (DequantizeLinear)'],
  [/^(MatMulInteger|ConvInteger|com\.microsoft:(MatMulIntegerToFloat|DynamicQuantizeMatMul))$/, 'integer products'],
  [/^(QLinear(MatMul|Conv)|com\.microsoft:QLinear\w+|com\.microsoft:QGemm)$/, 'quantized operators (QLinear)'],
  [/^com\.microsoft:(MatMulNBits|MatMulBnb4|GatherBlockQuantized)$/, 'weights in blocks of few bits'],
];

function quantizationOf(operators: ReadonlyMap<string, number>, weights: readonly WeightFacts[]): string[] {
  const narrow = count(weights.filter((w) => w.dims.length >= 2 && /^u?int[248]$|^float[48]/.test(w.dtype)).map((w) => w.dtype));
  const half = weights.filter((w) => w.dims.length >= 2 && (w.dtype === 'float16' || w.dtype === 'bfloat16')).length;
  return [
    ...[...narrow].map(([dtype, n]) => `${n} weight${n === 1 ? '' : 's'} stored as ${dtype}`),
    ...(half ? [`${half} weight${half === 1 ? '' : 's'} stored in half precision`] : []),
    ...QUANTIZED.flatMap(([pattern, what]) => {
      const times = [...operators].filter(([operator]) => pattern.test(operator)).reduce((sum, [, n]) => sum + n, 0);
      return times ? [`${times} × ${what}`] : [];
    }),
  ];
}

function namesIn(type: ValueType | undefined): string[] {
  return type?.kind === 'tensor' ? (type.dims ?? []).map((d: Dim) => d ?? '?').filter((d): d is string => typeof d === 'string') : [];
}
