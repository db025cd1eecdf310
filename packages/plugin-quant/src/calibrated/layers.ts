import { float32sOf, OnnxError, stagesOf, type Mapping, type Model, type PassContext, type Stage, type Use } from '@onnxpress/core';
import { checkFinite, transpose } from '@onnxpress/kernels';
import { reasonAgainstBlocks, type WeightGroup } from '../blocks/group.ts';
import { chosenGroups } from '../chosen.ts';
import type { Choice } from '../options.ts';
import type { Target } from '../target.ts';

/** A weight, and which of its stage's observations is its input. */
export interface Layer extends WeightGroup {
  readonly observed: number;
}

/** Weights that are quantized together: nothing between the first activation and the last weight is final before all are known. */
export interface LayerStage extends Stage {
  readonly layers: readonly Layer[];
  /** Whose scales are to be found before any weight of the stage is quantized, in the order of computation. */
  readonly mappings: readonly Mapping[];
}

/**
 * The products of the main graph that can be quantized with calibration, by the activation that they read, in the order of computation. A weight that several
 * nodes read is calibrated on what the first of them reads. Where a mapping ties a weight to the weights that read its outputs, they share a stage.
 * What is left out, and why, goes to `ctx.missed`.
 */
export function layerStages(model: Model, choice: Choice, ctx: Pick<PassContext, 'missed'>, mappings: readonly Mapping[] = []): LayerStage[] {
  const groups = new Map(chosenGroups(model, choice, (why) => ctx.missed(why), (target) => reasonAgainst(target, model), (node) => !node.is('Gather')).map((g) => [g.targets[0]!.node, g])); // no group is empty
  const single = stagesOf(model, [...groups.keys()].map((node) => ({ node, index: 0 })));
  const used = mappings.filter((m) => m.consumers.some((c) => groups.has(c.node)));
  return merged(single, used).map((stages) => {
    const nodes = new Set(stages.flatMap((s) => s.changes));
    const own = used.filter((m) => m.consumers.some((c) => nodes.has(c.node)));
    const layers = stages.flatMap(({ changes }, observed) => changes.map((node): Layer => ({ ...groups.get(node)!, observed }))); // the nodes that were asked for
    const folded = own.flatMap((m) => [...(m.linear ? [m.linear.node] : []), ...m.vectors.map((v) => v.place.node), ...m.consumers.map((c) => c.node)]);
    return { observe: stages.flatMap((s): readonly Use[] => s.observe), changes: [...new Set([...layers.flatMap((g) => g.targets.map((t) => t.node)), ...folded])], layers, mappings: own };
  });
}

function reasonAgainst(target: Target, model: Model): string | undefined {
  return target.node.graph === model.graph ? reasonAgainstBlocks(target) : 'it lies in a subgraph or function, where nothing can be observed';
}

/** Stages that mappings tie together, joined: those of a mapping's consumers, and that of the weight which makes its channels. */
function merged(stages: readonly Stage[], mappings: readonly Mapping[]): Stage[][] {
  const home = new Map(stages.flatMap((s, i) => s.changes.map((node) => [node, i] as const)));
  const first = stages.map((_, i) => i);
  const rootOf = (i: number): number => (first[i] === i ? i : rootOf(first[i]!));
  for (const { consumers, linear } of mappings) {
    const tied = [...consumers.map((c) => c.node), ...(linear ? [linear.node] : [])].flatMap((node) => home.get(node) ?? []).map(rootOf);
    const root = Math.min(...tied);
    for (const i of tied) first[i] = root;
  }
  const joined = new Map<number, Stage[]>();
  for (const [i, stage] of stages.entries()) joined.set(rootOf(i), [...(joined.get(rootOf(i)) ?? []), stage]);
  return [...joined.values()];
}

/** The weights of a stage that read a mapping's channels. */
export const layersBehind = ({ consumers }: Mapping, { layers }: LayerStage): readonly Layer[] => layers.filter((l) => consumers.some((c) => l.targets.some((t) => t.node === c.node)));

/** The weight as it is by now, [K, N], inputs first. Throws `unsupported` for a NaN or an infinity. */
export function matrixOf({ weight, tensor, n, k, alongRows }: WeightGroup): Float32Array {
  const stored = float32sOf(weight.constant ?? tensor);
  const at = checkFinite(stored);
  if (at >= 0) throw new OnnxError('unsupported', `Weight "${weight.name}" holds ${stored[at]} at index ${at}, so no scale can be found for it. Exclude it, or repair the model.`);
  return alongRows ? transpose(stored, n, k) : stored;
}
