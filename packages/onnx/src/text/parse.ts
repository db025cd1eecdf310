import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { latestOpset, schemaOf } from '../ir/schema.ts';
import { isSparse, type Tensor } from '../ir/tensor.ts';
import type { ValueType } from '../ir/types.ts';
import { buildModel } from '../io/build.ts';
import { externalFilesOf, noExternalFiles, parseByteCount, type ExternalFiles } from '../io/external.ts';
import { freeNames } from '../io/free-names.ts';
import type { AttrRecord, FunctionRecord, GraphRecord, ModelRecord, NodeRecord, OpsetRecord, ValueRecord } from '../io/records.ts';
import { storedTensor } from '../io/stored-tensor.ts';
import { byteLengthOf, countOf } from '../ir/dtype.ts';
import { parseElements } from './elements.ts';
import { parseAttr, parseSparse, sizesOf, type AttrContext } from './parse-attr.ts';
import { parseType } from './parse-type.ts';
import { Scanner } from './scanner.ts';
import { isTypeWord } from './words.ts';

/** The opset of ai.onnx for a text without a header. */
export const DEFAULT_OPSET = 20;

/** The version of the format for a text that does not say: the same that a model made in memory has. */
const DEFAULT_IR_VERSION = 10;

export interface ParseOptions {
  /** Domain → version where the text's header says none. Default: ai.onnx 20, and every other domain that occurs at its newest. */
  readonly opsets?: ReadonlyMap<string, number>;
  /** The file that the text came from, which must be there: external data lies in its folder. Without it, external data is refused. */
  readonly path?: string;
}

/**
 * A model from the ONNX textual syntax. Header, functions and types of attributes may be missing: an attribute then has the type that the operator's
 * schema says. Beyond onnx.parser, names of every kind may be quoted, and a number with a point in a float16, bfloat16 or float8 tensor is its value.
 * Throws `bad-text` with line, column and what was expected.
 */
export function parseModel(text: string, options: ParseOptions = {}): Model {
  return buildModel(new Parser(text, options).model());
}

/** A graph from the ONNX textual syntax. Throws `bad-text` like parseModel, and where functions follow. */
export function parseGraph(text: string, opsets?: ReadonlyMap<string, number>): Graph {
  const parser = new Parser(text, opsets ? { opsets } : {});
  const record = parser.model();
  if (record.functions.length) parser.scanner.reject('a graph was expected, and this is a model with functions: parse it with parseModel', 0);
  return buildModel(record).graph;
}

/** ai.onnx has two names; the shorter one is used throughout. */
const plain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

class Parser {
  readonly scanner: Scanner;
  readonly #files: ExternalFiles;
  readonly #given: ReadonlyMap<string, number> | undefined;
  /** Of the model or function at hand. */
  #opsets: ReadonlyMap<string, number>;
  readonly #domains = new Set<string>();
  /** Where a name is read first, of the graph or function at hand. */
  #reads = new Map<string, number>();

  constructor(text: string, { opsets, path }: ParseOptions) {
    this.scanner = new Scanner(text);
    this.#files = path === undefined ? noExternalFiles : externalFilesOf(path);
    this.#given = opsets;
    this.#opsets = opsets ?? new Map([['', DEFAULT_OPSET]]);
  }

  model(): ModelRecord & { graph: GraphRecord } {
    const s = this.scanner;
    const record: ModelRecord = { info: { irVersion: DEFAULT_IR_VERSION, producerName: '' }, graph: undefined, opsets: [], functions: [], metadata: new Map(), notes: undefined };
    let imported = false;
    if (s.takes('<')) {
      this.#header({
        ir_version: () => (record.info.irVersion = s.integer('a version number')),
        opset_import: () => {
          imported = true;
          record.opsets = this.#imports();
        },
        producer_name: () => (record.info.producerName = s.string()),
        producer_version: () => (record.info.producerVersion = s.string()),
        domain: () => (record.info.domain = s.string()),
        model_version: () => (record.info.modelVersion = s.integer('a version number')),
        doc_string: () => (record.notes = { ...record.notes, docString: s.string() }),
        metadata_props: () => (record.metadata = this.#strings()),
      });
    }
    const graph = this.#whole(() => this.#graph(s.name('the name of a graph'), 0));
    const opsets = this.#opsets;
    while (!s.isAtEnd) record.functions.push(this.#function(opsets));
    if (!imported) record.opsets = this.#defaultImports();
    return { ...record, graph };
  }

  #function(ofModel: ReadonlyMap<string, number>): FunctionRecord {
    const s = this.scanner;
    const record: FunctionRecord = { name: '', domain: '', overload: '', inputs: [], outputs: [], attributes: [], defaults: [], nodes: [], values: [], opsets: [], notes: undefined };
    let opsets: OpsetRecord[] | undefined;
    if (s.takes('<')) {
      this.#header({
        domain: () => (record.domain = s.string()),
        overload: () => (record.overload = s.string()),
        opset_import: () => (opsets = this.#imports()),
        doc_string: () => (record.notes = { docString: s.string() }),
      });
    }
    record.name = s.name('the name of a function');
    record.opsets.push(...(opsets ?? [...ofModel].map(([domain, version]) => ({ domain, version }))));
    this.#opsets = new Map(record.opsets.map((o) => [o.domain, o.version]));
    if (s.takes('<')) this.#functionAttributes(record);
    this.#whole(() => {
      record.inputs.push(...this.#functionValues(record));
      this.#arrow();
      record.outputs.push(...this.#functionValues(record));
      if (s.takes('<') && !s.takes('>')) {
        record.values.push(...s.list(() => this.#value()));
        s.expect('>', '"," or ');
      }
      record.nodes.push(...this.#nodes(0));
      const inputs = record.inputs.map((name) => ({ name, type: undefined, notes: undefined }));
      const outputs = record.outputs.map((name) => ({ name, type: undefined, notes: undefined }));
      return { name: record.name, nodes: record.nodes, inputs, outputs, values: [], initializers: [], sparse: [], quantization: new Map<string, Map<string, string>>(), notes: undefined };
    });
    return record;
  }

  /** What a call must give, and what it may give with the value it has otherwise. */
  #functionAttributes(record: FunctionRecord): void {
    const s = this.scanner;
    s.list(() => {
      const name = s.name('the name of an attribute');
      if (s.peek() === ':' || s.peek() === '=') record.defaults.push([name, parseAttr(name, this.#attrContext(0), undefined)]);
      else record.attributes.push(name);
    });
    s.expect('>', '"," or ');
  }

  #functionValues(record: FunctionRecord): string[] {
    return this.#parentheses(() => {
      const value = this.#value();
      if (value.type) record.values.push(value);
      return value.name;
    });
  }

  /** A graph behind its name: inputs, outputs, initializers and types, nodes. */
  #graph(name: string, depth: number): GraphRecord {
    const s = this.scanner;
    const record: GraphRecord = { name, nodes: [], inputs: [], outputs: [], values: [], initializers: [], sparse: [], quantization: new Map(), notes: undefined };
    record.inputs.push(...this.#parentheses(() => {
      const value = this.#value();
      if (this.#isGiven()) this.#initializer(record, value);
      return value;
    }));
    this.#arrow();
    record.outputs.push(...this.#parentheses(() => {
      const start = s.at;
      const value = this.#value();
      this.#read(value.name, start);
      return value;
    }));
    if (s.takes('<') && !s.takes('>')) {
      s.list(() => {
        const value = this.#value();
        if (this.#isGiven()) this.#initializer(record, value);
        else record.values.push(value);
      });
      s.expect('>', '"," or ');
    }
    record.nodes.push(...this.#nodes(depth));
    return record;
  }

  /** Whether a value follows: the arrow after a missing parenthesis is no equals sign. */
  #isGiven(): boolean {
    return !this.scanner.text.startsWith('=>', this.scanner.at) && this.scanner.takes('=');
  }

  #initializer(record: GraphRecord, { name, type }: ValueRecord): void {
    const s = this.scanner;
    const start = s.at;
    if (!type) return s.reject(`"${name}" needs a type before its name to have a value`, start);
    const tensor = type.kind === 'sparse' ? parseSparse(s, type, start) : this.#tensor(type, start, name);
    if (isSparse(tensor)) record.sparse.push({ name, tensor });
    else record.initializers.push({ name, tensor, notes: undefined });
  }

  #nodes(depth: number): NodeRecord[] {
    const s = this.scanner;
    const nodes: NodeRecord[] = [];
    s.expect('{');
    while (!s.takes('}')) nodes.push(this.#node(depth));
    return nodes;
  }

  #node(depth: number): NodeRecord {
    const s = this.scanner;
    let name = '';
    if (s.takes('[')) {
      name = s.optionalName() ?? '';
      s.expect(']');
    }
    const outputs = this.#names();
    if (!outputs.length && s.peek() !== '=') s.fail('a node, as y = Relu(x), or "}"');
    s.expect('=', '"," or ');
    const parts = [s.name('an operator, as Relu or com.microsoft.FusedMatMul')];
    while (s.takes('.')) parts.push(s.name('an operator'));
    const opType = parts.pop()!;
    const domain = plain(parts.join('.'));
    this.#domains.add(domain);
    const overload = s.takes(':') ? s.name('the name of an overload') : '';
    const schema = schemaOf(domain, opType, this.#opsets.get(domain) ?? latestOpset(domain) ?? 1);
    const read = (): (readonly [string, AttrRecord])[] => this.#attrs(depth, schema);
    const before = s.takes('<') ? read() : undefined;
    s.expect('(', before ? '' : '"<" or ');
    const inputs = this.#names((input, at) => this.#read(input, at));
    s.expect(')', '"," or ');
    const attrs = before ?? (s.takes('<') ? read() : []);
    const nested = attrs.some(([, a]) => a.type === 'graph' || a.type === 'graphs');
    return { opType, domain, overload, name, inputs, outputs, attrs, nested, notes: undefined };
  }

  #attrs(depth: number, schema: ReturnType<typeof schemaOf>): (readonly [string, AttrRecord])[] {
    const s = this.scanner;
    const context = this.#attrContext(depth);
    const attrs = s.list((): readonly [string, AttrRecord] => {
      const name = s.name('the name of an attribute');
      return [name, parseAttr(name, context, schema)];
    });
    s.expect('>', '"," or ');
    return attrs;
  }

  #attrContext(depth: number): AttrContext {
    return { scanner: this.scanner, depth, graph: (name, at) => this.#graph(name, at), tensor: (type, start) => this.#tensor(type, start) };
  }

  /** The numbers behind a type: in braces, or in another file. */
  #tensor(type: ValueType, start: number, name = ''): Tensor {
    const s = this.scanner;
    const dims = sizesOf(s, type, start);
    const { dtype } = type as Extract<ValueType, { kind: 'tensor' }>; // sizesOf refuses the others
    if (s.takes('{')) return parseElements(s, dtype, dims);
    if (s.peek() !== '[') s.fail('"{" or "["');
    const entry = this.#strings();
    const location = entry.get('location') ?? '';
    const length = byteLengthOf(dtype, countOf(dims));
    const offset = parseByteCount(name, location, 'offset', entry.get('offset') ?? '0');
    return storedTensor(dtype, dims, this.#files.open({ tensor: name, location, offset, length }), offset);
  }

  /** Names separated by commas; nothing before a comma is a name left out. */
  #names(seen: (name: string, at: number) => void = () => undefined): string[] {
    const s = this.scanner;
    const names: string[] = [];
    for (;;) {
      const start = s.at;
      const name = s.optionalName();
      if (name === undefined && s.peek() !== ',') return names;
      names.push(name ?? '');
      if (name) seen(name, start);
      if (!s.takes(',')) return names;
    }
  }

  /** `float[N] x`, or a name alone. */
  #value(): ValueRecord {
    const s = this.scanner;
    const start = s.at;
    const type = isTypeWord(s.peekWord()) ? parseType(s) : undefined;
    const name = s.name(type ? 'a name' : 'a type and a name, as float[N] x');
    if (!type && /[[("\w]/.test(s.peek())) s.reject(`"${name}" is no type`, start);
    return { name, type, notes: undefined };
  }

  #parentheses<T>(read: () => T): T[] {
    const s = this.scanner;
    s.expect('(');
    if (s.takes(')')) return [];
    const items = s.list(read);
    s.expect(')', '"," or ');
    return items;
  }

  #arrow(): void {
    this.scanner.expect('=>');
  }

  #header(fields: Readonly<Record<string, () => unknown>>): void {
    const s = this.scanner;
    s.list(() => {
      const start = s.at;
      const key = s.word();
      const read = Object.hasOwn(fields, key) ? fields[key]! : s.fail(`one of ${Object.keys(fields).join(', ')}`, start);
      s.expect(':');
      read();
    });
    s.expect('>', '"," or ');
  }

  #imports(): OpsetRecord[] {
    const s = this.scanner;
    s.expect('[');
    if (s.takes(']')) return [];
    const imports = s.list(() => {
      const domain = s.string('a domain in quotes');
      s.expect(':');
      return { domain: plain(domain), version: s.integer('an opset version') };
    });
    s.expect(']', '"," or ');
    this.#opsets = new Map(imports.map((o) => [o.domain, o.version]));
    return imports;
  }

  #strings(): Map<string, string> {
    const s = this.scanner;
    s.expect('[');
    if (s.takes(']')) return new Map();
    const entries = s.list((): [string, string] => {
      const key = s.string();
      s.expect(':');
      return [key, s.string()];
    });
    s.expect(']', '"," or ');
    return new Map(entries);
  }

  #defaultImports(): OpsetRecord[] {
    const opsets = new Map(this.#given ?? [['', DEFAULT_OPSET]]);
    if (!this.#given) for (const domain of this.#domains) if (!opsets.has(domain)) opsets.set(domain, latestOpset(domain) ?? 1);
    return [...opsets].map(([domain, version]) => ({ domain, version }));
  }

  #read(name: string, at: number): void {
    if (!this.#reads.has(name)) this.#reads.set(name, at);
  }

  /** Checks that every name a graph or function reads is made in it, where the place in the text is still known. */
  #whole(read: () => GraphRecord): GraphRecord {
    this.#reads = new Map();
    const record = read();
    for (const name of freeNames({ type: 'graph', record, extra: undefined })) {
      if (name !== '') this.scanner.reject(`nothing makes "${name}"`, this.#reads.get(name));
    }
    return record;
  }
}

