import type { Attr } from '../ir/attr.ts';
import type { Notes } from '../ir/graph.ts';
import type { ModelInfo } from '../ir/model.ts';
import type { SparseTensor } from '../ir/tensor.ts';
import type { ValueType } from '../ir/types.ts';
import type { NamedTensor } from './read-tensor.ts';

/*
 * A file as it was read, with names instead of values: a name may be read before the place where it is made, so the graph is
 * built when all is known. See build.ts.
 */

export interface ModelRecord {
  info: Partial<ModelInfo>;
  graph: GraphRecord | undefined;
  opsets: OpsetRecord[];
  functions: FunctionRecord[];
  metadata: Map<string, string>;
  notes: Notes | undefined;
}

export interface OpsetRecord {
  readonly domain: string;
  readonly version: number;
}

export interface ValueRecord {
  readonly name: string;
  readonly type: ValueType | undefined;
  readonly notes: Notes | undefined;
}

export interface GraphRecord {
  name: string;
  readonly nodes: NodeRecord[];
  readonly inputs: ValueRecord[];
  readonly outputs: ValueRecord[];
  readonly values: ValueRecord[];
  readonly initializers: NamedTensor[];
  readonly sparse: { readonly name: string; readonly tensor: SparseTensor }[];
  readonly quantization: Map<string, Map<string, string>>;
  notes: Notes | undefined;
}

export interface NodeRecord {
  opType: string;
  domain: string;
  overload: string;
  name: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly attrs: (readonly [string, AttrRecord])[];
  /** Whether an attribute holds subgraphs. */
  nested: boolean;
  notes: Notes | undefined;
}

/** An attribute whose subgraphs are still to be built. */
export type AttrRecord = Exclude<Attr, { type: 'graph' | 'graphs' }> | { readonly type: 'graph'; readonly record: GraphRecord; readonly extra: Uint8Array | undefined } | { readonly type: 'graphs'; readonly records: readonly GraphRecord[]; readonly extra: Uint8Array | undefined };

export interface FunctionRecord {
  name: string;
  domain: string;
  overload: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly attributes: string[];
  readonly defaults: (readonly [string, AttrRecord])[];
  readonly nodes: NodeRecord[];
  readonly values: ValueRecord[];
  readonly opsets: OpsetRecord[];
  notes: Notes | undefined;
}
