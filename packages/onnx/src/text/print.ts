import { graphsIn, type Attr } from '../ir/attr.ts';
import { countOf, textOf } from '../ir/dtype.ts';
import type { Graph, Node, Value } from '../ir/graph.ts';
import type { FunctionDef, Model } from '../ir/model.ts';
import { isSparse, type Tensor } from '../ir/tensor.ts';
import type { Dim, ValueType } from '../ir/types.ts';
import { printElements, printFloat32, quoted } from './elements.ts';
import { isIdentifier, isNumberWord, isTypeWord, KIND_WORDS } from './words.ts';

export interface PrintOptions {
  /** Of a tensor with more elements only the first so many are shown, then "…": for display, it cannot be parsed. Default: all. */
  readonly maxElements?: number;
  /** Whether the types of what nodes make are listed. Default true. */
  readonly types?: boolean;
}

/**
 * The model in the ONNX textual syntax. `parseModel` gives the same model back, except for what the syntax has no place for: documentation and
 * metadata of anything but the model, quantization annotations, files, unknown fields of the file, bytes in strings that are not UTF-8, and the payloads of NaN.
 * All numbers are printed: for a model with real weights give `maxElements`. Nodes come in an order in which everything is made before it is read. onnx.parser reads the text too, unless it has sparse constants, or names of
 * subgraphs, operators, domains or attributes that are no identifiers.
 */
export function printModel(model: Model, options: PrintOptions = {}): string {
  const { info } = model;
  const fields = [
    `ir_version: ${info.irVersion}`,
    `opset_import: ${printImports(model.opsets)}`,
    ...(info.producerName ? [`producer_name: ${quoted(info.producerName)}`] : []),
    ...(info.producerVersion ? [`producer_version: ${quoted(info.producerVersion)}`] : []),
    ...(info.domain ? [`domain: ${quoted(info.domain)}`] : []),
    ...(info.modelVersion ? [`model_version: ${info.modelVersion}`] : []),
    ...(model.notes?.docString ? [`doc_string: ${quoted(model.notes.docString)}`] : []),
    ...(model.metadata.size ? [`metadata_props: [${[...model.metadata].map(([key, text]) => `${quoted(key)}: ${quoted(text)}`).join(', ')}]`] : []),
  ];
  const functions = [...model.functions.values()].map((f) => printFunction(f, options));
  return [`${printHeader(fields)}\n${printGraph(model.graph, options)}`, ...functions].join('\n');
}

/** The graph alone, without a header. `parseGraph` gives the same graph back where it is told the opsets. */
export function printGraph(graph: Graph, options: PrintOptions = {}): string {
  return `${graphText(graph, '', options)}\n`;
}

function printFunction(f: FunctionDef, options: PrintOptions): string {
  const { body } = f;
  const fields = [
    `domain: ${quoted(f.domain)}`,
    ...(f.overload ? [`overload: ${quoted(f.overload)}`] : []),
    `opset_import: ${printImports(body.opsets)}`,
    ...(f.notes?.docString ? [`doc_string: ${quoted(f.notes.docString)}`] : []),
  ];
  const attributes = [...f.attributes.map(name), ...[...f.defaults].map(([key, a]) => printAttr(key, a, '', options))];
  const head = `${name(f.name)} ${attributes.length ? `<${attributes.join(', ')}>` : ''}(${body.inputs.map(typed).join(', ')}) => (${body.outputs.map(typed).join(', ')})`;
  const types = options.types === false ? [] : typedValues(body).map(typed);
  const constants = [...body.initializers.values()].map((v) => `  ${name(v.name)} = Constant <value: tensor = ${printTensor(v.constant, options)}> ()`); // a function has no initializers
  return `${printHeader(fields)}\n${head}${block(types, '')} {\n${[...constants, ...printNodes(body, '', options)].map((line) => `${line}\n`).join('')}}\n`;
}

function graphText(graph: Graph, indent: string, options: PrintOptions): string {
  const inputs = graph.inputs.map((v) => (v.default ? `${typed(v)} = ${numbersOf(v.default, options)}` : typed(v)));
  const initializers = [...graph.initializers.values()].map((v) => `${constantType(v.constant)} ${valueName(v.name)} = ${numbersOf(v.constant, options)}`);
  const types = options.types === false ? [] : typedValues(graph).map(typed);
  const nodes = printNodes(graph, indent, options).map((line) => `${line}\n`);
  return `${graphName(graph.name)} (${inputs.join(', ')}) => (${graph.outputs.map(typed).join(', ')})${block([...initializers, ...types], indent)} {\n${nodes.join('')}${indent}}`;
}

/** What lies between a graph's outputs and its nodes: one line each, or all in one line if that is short. */
function block(entries: readonly string[], indent: string): string {
  if (entries.length === 0) return '';
  const line = entries.join(', ');
  if (line.length <= 100) return `\n${indent}<${line}>`;
  return `\n${indent}<\n${entries.map((entry) => `${indent}  ${entry}`).join(',\n')}\n${indent}>`;
}

/** What nodes make, where the type is declared and not said at the graph's outputs. */
function typedValues(graph: Graph): Value[] {
  const outputs = new Set(graph.outputs);
  return [...graph.nodes].flatMap((n) => n.outputs.filter((v) => v.name !== '' && v.declared && !outputs.has(v)));
}

function printNodes(graph: Graph, indent: string, options: PrintOptions): string[] {
  return graph.ordered().map((n) => printNode(n, `${indent}  `, options));
}

function printNode(n: Node, indent: string, options: PrintOptions): string {
  const label = n.name ? `[${name(n.name)}] ` : '';
  const operator = `${n.domain ? `${printDomain(n.domain)}.` : ''}${name(n.opType)}${n.overload ? `:${name(n.overload)}` : ''}`;
  const attrs = [...n.attrs].map(([key, a]) => printAttr(key, a, indent, options));
  const list = attrs.length ? ` <${attrs.join(', ')}>` : '';
  const inputs = ` (${n.inputs.map((v) => name(v?.name ?? '')).join(', ')})`;
  const isNested = [...n.attrs.values()].some((a) => graphsIn(a).length > 0);
  return `${indent}${label}${n.outputs.map((v) => name(v.name)).join(', ')} = ${operator}${isNested ? inputs + list : list + inputs}`;
}

function printAttr(key: string, a: Attr, indent: string, options: PrintOptions): string {
  const kind = KIND_WORDS[a.type === 'ref' ? a.of : a.type];
  return `${name(key)}: ${kind} = ${attrValue(a, indent, options)}`;
}

function attrValue(a: Attr, indent: string, options: PrintOptions): string {
  switch (a.type) {
    case 'ref':
      return `@${name(a.to)}`;
    case 'int':
      return String(a.value);
    case 'float':
      return printFloat32(a.value);
    case 'string':
      return printText(a.value);
    case 'tensor':
    case 'sparse':
      return printTensor(a.value, options);
    case 'graph':
      return graphText(a.value, indent, options);
    case 'type':
      return printType(a.value);
    case 'ints':
      return list(a.value, String);
    case 'floats':
      return list(a.value, printFloat32);
    case 'strings':
      return list(a.value, printText);
    case 'tensors':
    case 'sparses':
      return list<Tensor>(a.value, (t) => printTensor(t, options));
    case 'graphs':
      return list(a.value, (g) => graphText(g, indent, options));
    case 'types':
      return list(a.value, printType);
  }
}

const list = <T>(items: readonly T[], print: (item: T) => string): string => `[${items.map(print).join(', ')}]`;
const printText = (text: string | Uint8Array): string => quoted(typeof text === 'string' ? text : new TextDecoder('utf-8', { ignoreBOM: true }).decode(text));

/** `float[2] {1, 2}`. */
function printTensor(t: Tensor, options: PrintOptions): string {
  return `${constantType(t)} ${numbersOf(t, options)}`;
}

function constantType(t: Tensor): string {
  return printType({ kind: isSparse(t) ? 'sparse' : 'tensor', dtype: t.dtype, dims: t.dims });
}

function numbersOf(t: Tensor, options: PrintOptions): string {
  if (isSparse(t)) return `${numbersOf(t.values, options)} ${printTensor(t.indices, options)}`;
  const { maxElements = Infinity } = options;
  const shown = [...printElements(t, maxElements)];
  if (countOf(t.dims) > maxElements) shown.push('…');
  return `{${shown.join(', ')}}`;
}

/** A type in the ONNX textual syntax. */
export function printType(t: ValueType): string {
  switch (t.kind) {
    case 'tensor':
      return textOf(t.dtype) + shape(t.dims);
    case 'sparse':
      return `sparse_tensor(${textOf(t.dtype)}${shape(t.dims)})`;
    case 'sequence':
      return `seq(${printType(t.of)})`;
    case 'optional':
      return `optional(${printType(t.of)})`;
    case 'map':
      return `map(${textOf(t.key)}, ${printType(t.of)})`;
    case 'opaque':
      return `opaque(${t.domain ? `${printDomain(t.domain)}, ${name(t.name)}` : printDomain(t.name)})`;
  }
}

function shape(dims: readonly Dim[] | undefined): string {
  if (!dims) return '[]';
  return dims.length ? `[${dims.map((d) => (typeof d === 'string' ? name(d) : (d ?? '?'))).join(', ')}]` : '';
}

const typed = (v: Value): string => (v.declared ? `${printType(v.declared)} ${valueName(v.name)}` : valueName(v.name));

const name = (text: string): string => (isIdentifier(text) ? text : quoted(text));
/** Where a type may stand, a word of a type is quoted. */
const valueName = (text: string): string => (isTypeWord(text) ? quoted(text) : name(text));
/** Where a number or a type may stand, their words are quoted. */
const graphName = (text: string): string => (isNumberWord(text) ? quoted(text) : valueName(text));

/** `com.microsoft`; quoted as one where a part is no identifier. */
const printDomain = (domain: string): string => (domain !== '' && domain.split('.').every(isIdentifier) ? domain : domain === '' ? '' : quoted(domain));

const printHeader = (fields: readonly string[]): string => `<\n${fields.map((field) => `  ${field}`).join(',\n')}\n>`;
const printImports = (opsets: ReadonlyMap<string, number>): string => `[${[...opsets].map(([domain, version]) => `${quoted(domain)} : ${version}`).join(', ')}]`;
