import { channelsOf, describe, keepsChannels, linearOf, ownsWeight, weightReaders, type Linear, type Norm, type ResidualStream, type StreamSource, type Use, type Value } from '@onnxpress/core';

/** What is to become of each place where a stream is written or read. */
export interface RotationPlan {
  readonly stream: ResidualStream;
  /** Maps that write to the stream: their outputs are rotated. */
  readonly writers: readonly Linear[];
  readonly tables: readonly Extract<StreamSource, { kind: 'embedding' }>[];
  readonly constants: readonly Extract<StreamSource, { kind: 'constant' }>[];
  readonly convolutions: readonly Extract<StreamSource, { kind: 'convolution' }>[];
  /** Normalizations whose gain and bias go into the maps that read them, and those maps. */
  readonly folded: readonly { readonly norm: Norm; readonly readers: readonly Linear[] }[];
  /** Normalizations that a product of width × width follows, since what reads them cannot change; `tied`: their readers multiply by a table that was rotated. */
  readonly followed: readonly { readonly norm: Norm; readonly tied: boolean }[];
  /** Heads that get a table of their own. */
  readonly untied: readonly { readonly norm: Norm; readonly readers: readonly Linear[] }[];
  /** Maps that read the stream itself. */
  readonly direct: readonly Linear[];
  /** Values that a product turns before they join the stream. */
  readonly turnedIn: readonly Value[];
  /** Places that read the stream and want it as it was. */
  readonly turnedOut: readonly Use[];
}

/** How a stream can be rotated, or why not. `tied` says what becomes of an output head that shares the embedding's table. */
export function planRotation(stream: ResidualStream, { tied, products }: { readonly tied: 'product' | 'untie' | 'refuse'; readonly products: number }): RotationPlan | string {
  const { sources, sinks, width } = stream;
  const of = <K extends StreamSource['kind']>(kind: K): Extract<StreamSource, { kind: K }>[] => sources.filter((s): s is Extract<StreamSource, { kind: K }> => s.kind === kind);
  const norms = of('norm');
  const normSums = stream.blocks.length;
  if (norms.length > 1 || (norms.length > 0 && normSums <= 1)) {
    const [first] = norms;
    return `${describe(first!.norm.nodes.at(-1)!)} writes to the residual stream itself, with a gain per channel that no rotation can pass: post-norm models, as BERT and its kin, cannot be rotated`; // there is one, with nodes
  }
  if (sinks.some((s) => s.kind === 'output')) return `the residual stream is an output of the graph: "${[...stream.values].find((v) => v.isOutput)?.name}"`;
  const writers = of('linear').map((s) => s.linear);
  const unowned = writers.find((l) => !ownsWeight(l));
  if (unowned) return `the weight "${unowned.weight.value.name}" of ${describe(unowned.node)} is read elsewhere too`;
  const tables = of('embedding');
  const rotated = new Set(tables.map((t) => t.weight.value));
  const lookUps = new Set(tables.map((t) => t.node));
  const constants = of('constant');
  const folded: { norm: Norm; readers: Linear[] }[] = [];
  const followed: { norm: Norm; tied: boolean }[] = [];
  const untied: { norm: Norm; readers: Linear[] }[] = [];
  const heads = new Set<Linear>();
  for (const sink of sinks) {
    if (sink.kind !== 'norm') continue;
    const { norm } = sink;
    const readers = readersOf(norm.output);
    if (readers === undefined) followed.push({ norm, tied: false });
    else if (readers.every(ownsWeight)) folded.push({ norm, readers });
    else if (!readers.every((l) => rotated.has(l.weight.value))) return `${describe(readers.find((l) => !ownsWeight(l))!.node)} shares its weight with another node`; // one does not own it
    else if (tied === 'refuse') return `${describe(readers[0]!.node)} shares its weight with the embedding; "tied: product" or "tied: untie" rotates both`; // `every` of none is true above
    else {
      readers.forEach((l) => heads.add(l));
      if (tied === 'untie') untied.push({ norm, readers });
      else followed.push({ norm, tied: true });
    }
  }
  const tableReader = [...rotated].flatMap(weightReaders).find((n) => !lookUps.has(n) && ![...heads].some((l) => l.node === n));
  if (tableReader) return `${describe(tableReader)} reads the table of an embedding of the stream`;
  const turnedIn = [...norms.map((s) => s.value), ...of('other').map((s) => s.value)];
  const direct = sinks.flatMap((s) => (s.kind === 'linear' && ownsWeight(s.linear) ? [s.linear] : []));
  const turnedOut = sinks.flatMap((s) => (s.kind === 'other' ? [s.place] : s.kind === 'linear' && !ownsWeight(s.linear) ? [{ node: s.linear.node, index: 0 }] : []));
  const needed = followed.length + turnedIn.length + new Set(turnedOut.map((u) => u.node.inputs[u.index])).size;
  if (needed > products) return `it would take ${needed} products of ${width} × ${width} at run time, and "products" allows ${products}: ${whatNeedsThem(followed, turnedIn, turnedOut)}`;
  const odd = constants.find((c) => channelsOf(c.value) !== width && channelsOf(c.value) !== 1 && c.value.rank !== 0);
  if (odd) return `"${odd.value.name}" is added to the stream and is neither as wide nor one number`;
  return { stream, writers, tables, constants, convolutions: of('convolution'), folded, followed, untied, direct, turnedIn, turnedOut };
}

/** The linear maps that read a value through movement; undefined where anything else does. */
function readersOf(value: Value): Linear[] | undefined {
  const found: Linear[] = [];
  const open = [value];
  for (let v = open.pop(); v; v = open.pop()) {
    if (v.isOutput) return undefined;
    for (const { node, index } of v.uses) {
      if (node.is('Shape') || node.is('Size')) continue;
      const moved = keepsChannels(node);
      const linear = linearOf(node);
      if (moved.length === 1 && moved[0] === v) open.push(node.output);
      else if (linear && index === 0) found.push(linear);
      else return undefined;
    }
  }
  return found;
}

function whatNeedsThem(followed: RotationPlan['followed'], turnedIn: readonly Value[], turnedOut: readonly Use[]): string {
  const all = [...followed.map((f) => `"${f.norm.output.name}" has readers that stay as they are`), ...turnedIn.map((v) => `"${v.name}" is not made by a constant matrix`), ...turnedOut.map((u) => `${describe(u.node)} reads the stream itself`)];
  return `${all.slice(0, 3).join(', ')}${all.length > 3 ? ` and ${all.length - 3} more` : ''}`;
}
