import { inferTypes, partOf, readsOf, type Model, type Node, type Value } from '@onnxpress/onnx';
import { nonFiniteActivation, notObservable } from '../diagnostics/catalogue.ts';
import { RunError } from '../diagnostics/errors.ts';
import type { Context } from '../plugin/kinds.ts';
import { CARRIED } from '../services/ort.ts';
import type { Feed, Session } from '../services/tokens.ts';
import { activationOf, type Activation, type Collector } from './activation.ts';
import { Kept } from './kept.ts';
import type { Padding, Sample } from './samples.ts';
import { before, behind, type Stage } from './stages.ts';

/**
 * A walk through a model, stage by stage, that runs every sample through each part of it about once: what a stage needs is computed from what the stage
 * before it left, through the nodes as they are by then. So the statistics of a layer know what was done to the layers before it, in the time of one or two
 * forward passes. Activations between two stages are kept (in files, where they are many); nothing else is.
 */
export class Calibration {
  readonly #model: Model;
  readonly #stages: readonly Stage[];
  readonly #ctx: Context;
  readonly #samples: (Padding | undefined)[] = [];
  readonly #kept = new Kept();
  /** Nodes whose results depend on the inputs; those that a pass adds later come behind what is kept. */
  readonly #dynamic: ReadonlySet<Node>;
  #known: readonly Value[];
  #next = 0;
  #tokens = 0;

  private constructor(model: Model, stages: readonly Stage[], ctx: Context) {
    inferTypes(model);
    this.#model = model;
    this.#stages = stages;
    this.#ctx = ctx;
    this.#known = model.graph.inputs.filter((v) => !v.default);
    this.#dynamic = behind(model.graph, this.#known);
  }

  /** Takes in the samples. `dispose` ends it. */
  static async open(model: Model, stages: readonly Stage[], samples: AsyncIterable<Sample> | Iterable<Sample>, ctx: Context): Promise<Calibration> {
    const calibration = new Calibration(model, stages, ctx);
    try {
      for await (const sample of samples) await calibration.#take(sample);
      return calibration;
    } catch (e) {
      await calibration.dispose();
      throw e;
    }
  }

  /** How many samples (batches) there are. */
  get samples(): number {
    return this.#samples.length;
  }

  /** Tokens without padding; 0 where samples are no texts. */
  get tokens(): number {
    return this.#tokens;
  }

  /** The most bytes of activations that were in memory between two stages. */
  get peakBytes(): number {
    return this.#kept.peakBytes;
  }

  /**
   * What collectors made of the values that a stage observes, in the order of `stage.observe`. Stages are asked for in their order, and may be left out.
   * Afterwards, and not before, the nodes of `stage.changes` may change. Throws where an activation is no float tensor or holds a NaN.
   */
  async observe<R>(index: number, collectorFor: (value: Value, observed: number) => Collector<R>): Promise<R[]> {
    const stage = this.#stages[index];
    if (!stage || index < this.#next) throw new Error(`Stage ${index} cannot be observed${stage ? ` any more: ${this.#next} comes next` : ''}.`);
    this.#next = index + 1;
    const values = stage.observe.map(({ node, index: input }) => node.inputs[input]!); // stages observe inputs that are there
    const collectors = values.map(collectorFor);
    const frontier = this.#frontier(index);
    await this.#run([...new Set([...frontier, ...values])], async (sample, feedOf) => {
      for (const [i, value] of values.entries()) {
        const activation = activationOf(value.name, sample, await feedOf(value), this.#samples[sample]);
        if (!activation) throw new RunError(notObservable(value.name));
        const collector = collectors[i]!; // one for each value
        assertNumbers(activation, collector.allowsInfinity === true);
        await collector.add(activation);
      }
      for (const value of frontier) if (!this.#known.includes(value)) await this.#kept.put(sample, value.name, await feedOf(value));
      for (const value of this.#known) if (!frontier.includes(value)) await this.#kept.drop(sample, value.name);
    });
    this.#known = frontier;
    return Promise.all(collectors.map((c) => c.done()));
  }

  async dispose(): Promise<void> {
    await this.#kept.dispose();
  }

  async #take({ feeds, padding }: Sample): Promise<void> {
    const sample = this.#samples.push(padding) - 1;
    if (padding) this.#tokens += padding.mask.reduce((sum, one) => sum + one, 0);
    for (const { name } of this.#known) {
      const feed = feeds[name];
      if (feed) await this.#kept.put(sample, name, feed);
    }
  }

  /** The values that nothing changeable comes before, from this stage on, and that what leads to its observations and later ones reads. */
  #frontier(index: number): Value[] {
    const { graph } = this.#model;
    const later = this.#stages.slice(index);
    const changing = behind(graph, [], later.flatMap((s) => s.changes));
    const observed = later.flatMap((s) => s.observe.map((u) => u.node.inputs[u.index]!)); // inputs that are there
    const wanted = before(observed);
    const found = new Set<Value>();
    const seen = new Set<Value>();
    const isStart = (v: Value): boolean => !v.producer || !changing.has(v.producer);
    const need = (v: Value): void => {
      if (seen.has(v) || !this.#depends(v)) return;
      seen.add(v);
      if (!isStart(v)) return;
      if (isCarried(v) || !v.producer) found.add(v);
      else readsOf(v.producer).forEach(need);
    };
    for (const node of changing) if (wanted.has(node)) readsOf(node).forEach(need);
    observed.forEach(need);
    return [...found];
  }

  #depends(v: Value): boolean {
    return v.producer ? this.#dynamic.has(v.producer) : v.isInput && !v.default;
  }

  /** Computes values for every sample from what is known, one after the other. */
  async #run(to: readonly Value[], look: (sample: number, feedOf: (value: Value) => Promise<Feed>) => Promise<void>): Promise<void> {
    const known = new Set(this.#known);
    const missing = to.filter((v) => !known.has(v));
    const part = missing.length > 0 ? partOf(this.#model, { from: this.#known, to: missing }) : undefined;
    for (const input of part?.graph.inputs ?? []) if (input.isUnused) part!.graph.removeInput(input);
    const session = part && (await this.#ctx.runtime.load(part, this.#ctx.settings));
    try {
      for (let sample = 0; sample < this.#samples.length; sample++) {
        this.#ctx.signal.throwIfAborted();
        const made = session && (await this.#runOne(session, sample));
        await look(sample, async (value) => made?.[value.name] ?? this.#kept.get(sample, value.name));
      }
    } finally {
      await session?.dispose();
    }
  }

  async #runOne(session: Session, sample: number): ReturnType<Session['run']> {
    const feeds: Record<string, Feed> = {};
    for (const name of session.inputs) feeds[name] = await this.#kept.get(sample, name);
    return session.run(feeds);
  }
}

const isCarried = (v: Value): boolean => v.type?.kind === 'tensor' && CARRIED.has(v.type.dtype);

function assertNumbers({ name, sample, data, columns, weights }: Activation, allowsInfinity: boolean): void {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]! * 0; // NaN for a NaN and for an infinity, 0 for any other number
  if (sum === 0) return;
  const at = data.findIndex((x, i) => (allowsInfinity ? x !== x : !Number.isFinite(x)) && weights?.[Math.floor(i / columns)] !== 0);
  if (at >= 0) throw new RunError(nonFiniteActivation(name, sample, data[at]!, at));
}
