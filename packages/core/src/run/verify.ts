import { mkdtemp, rm } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxError, openModel, writeModel, type Model, type Node } from '@onnxpress/onnx';
import type { Numerics } from '../plugin/kinds.ts';
import type { Clock, Feeds, Runtime, RuntimeSettings, Session, SessionOptions } from '../services/tokens.ts';
import { distance, toleranceFor } from './distance.ts';
import { weightBytes } from './facts.ts';
import { seeded } from './random.ts';
import { casesFor, sizesText, WANTED, type Case } from './verify-cases.ts';
import { lackedOperator, sidesOf, type Sides } from './verify-pieces.ts';

/** `strict`: as `always`, and what does not hold, or cannot be compared, ends the run rather than being rolled back. */
export type VerifyMode = 'auto' | 'always' | 'strict' | 'off';

/** Under `auto` a larger model is not run twice: loading it would take longer than most steps. */
const AUTO_LIMIT_BYTES = 1e9;
/** A loaded model holds its weights, the runtime's packed copy of them, and the file it was read from. */
const MEMORY_PER_WEIGHT = 3;
/** Under `auto` no more comparisons are begun after this. What was found until then counts. */
const AUTO_LIMIT_MS = 30_000;
/** A model that amplifies rounding (quantized activations) may be apart by this much more than it is from itself. */
const SELF_FACTOR = 3;
/** Half of the last bit of a float32, as a share of the number, some times over: what an input is moved by to see what the model makes of rounding. */
const NUDGE = 2 ** -22;

type Level = NonNullable<SessionOptions['optimize']>;
/** A smaller model runs on one thread: it takes hardly longer, and nearly half of the processor's time, since threads of the runtime wait for work by spinning. */
const SMALL_BYTES = 64 * 2 ** 20;
const LEVELS: readonly Level[] = ['none', 'basic', 'all'];
const NAMED: Readonly<Record<Level, string>> = { none: 'without the runtime’s optimizations', basic: 'under the runtime’s basic optimizations', all: 'under all of the runtime’s optimizations' };

export interface VerifyRequest {
  readonly before: Model;
  readonly after: Model;
  readonly numerics: Numerics;
  readonly mode: VerifyMode;
  readonly runtime: Runtime;
  readonly settings: RuntimeSettings;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

export interface Verified {
  /** `different` only where a difference was seen. */
  readonly verdict: 'equal' | 'different' | 'not compared';
  /** For the report: what was compared, or why nothing was. */
  readonly finding: string;
  /** Whether another result of the same step shows the difference too: for finding where it comes from. */
  readonly recheck?: (after: Model) => Promise<boolean>;
  /** Where the difference was seen. */
  readonly seen?: { readonly feeds: Feeds; readonly level: Level };
}

/**
 * Runs both models on the same generated inputs, at three sizes of each symbolic dimension where the model runs at them, and compares every output within what `numerics`
 * allows: the model before as it is, the model after as it is and as the runtime optimizes it. What the runtime's own optimizations do to the model before
 * is not held against the step.
 */
export async function verify(request: VerifyRequest): Promise<Verified> {
  const { before, after, numerics, mode, runtime } = request;
  const skip = (why: string): Verified => ({ verdict: 'not compared', finding: `not compared: ${why}` });
  if (mode === 'off') return skip('verify is off');
  if (numerics === 'lossy') return skip('the pass changes numbers on purpose');
  const bytes = weightBytes(before);
  if (mode === 'auto' && bytes > AUTO_LIMIT_BYTES) return skip(`weights above ${AUTO_LIMIT_BYTES / 1e9} GB; "verify: always" compares all the same`);
  if (mode === 'auto' && bytes * MEMORY_PER_WEIGHT > freemem()) return skip(`it takes about ${gigabytes(bytes * MEMORY_PER_WEIGHT)}, and ${gigabytes(freemem())} of memory are free; "verify: always" compares all the same`);
  const lacking = new Set<string>();
  for (;;) {
    try {
      const files = new Filed();
      try {
        return await new Comparison(request, orNotCompared(() => sidesOf(before, after, lacking)), files).run();
      } finally {
        await files.clean();
      }
    } catch (e) {
      if (!(e instanceof NotCompared)) throw e;
      const lacked = lackedOperator(e.message, before);
      if (lacked === undefined || lacking.has(lacked)) return skip(`${e.message}${lacking.size > 0 ? ` (${runtime.version} has no ${[...lacking].join(', ')})` : ''}`);
      lacking.add(lacked);
    }
  }
}

/** Nothing can be said: the model before is at fault, or the runtime. */
class NotCompared extends Error {}

function orNotCompared<T>(act: () => T): T {
  try {
    return act();
  } catch (e) {
    throw e instanceof OnnxError ? new NotCompared(e.message) : e;
  }
}

/** Models as files, each written when it is first loaded: they are loaded several times. */
class Filed {
  readonly #files = new Map<Model, Promise<Model>>();
  #folder: Promise<string> | undefined;
  #isOver = false;

  /** After `clean` the model itself. */
  of(model: Model): Promise<Model> {
    if (this.#isOver || (model.origin && model.revision === 0)) return Promise.resolve(model);
    const filed = this.#files.get(model) ?? this.#write(model, `${this.#files.size}.onnx`);
    this.#files.set(model, filed);
    return filed;
  }

  async clean(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#files.values());
    if (this.#folder) await rm(await this.#folder, { recursive: true, force: true });
  }

  async #write(model: Model, name: string): Promise<Model> {
    const path = join(await (this.#folder ??= mkdtemp(join(tmpdir(), 'onnxpress-verify-'))), name);
    await writeModel(model, path);
    return openModel(path);
  }
}

const gigabytes = (n: number): string => `${(n / 1e9).toFixed(1)} GB`;

interface Expected extends Case {
  readonly outputs: Feeds;
}

/** What a model that was verified gave: it is the model before of the next step, and need not be run again for it. */
const given = new WeakMap<Model, { readonly level: Level; readonly cases: readonly Expected[] }>();

interface Found {
  readonly text: string;
  /** Infinite where no number tells it. */
  readonly apart: number;
}

class Comparison {
  readonly #request: VerifyRequest;
  readonly #sides: Sides;
  readonly #files: Filed;
  readonly #settings: RuntimeSettings;
  readonly #tolerance: number;
  readonly #notes: string[] = [];
  /** Why differences are not the step's, and how large what is to blame is. */
  readonly #excused = new Map<string, number>();
  readonly #deadline: number;
  readonly #draws: Iterator<Case[]>;
  readonly #drawn: Case[][] = [];
  /** At which level the model before tells what is right. */
  #reference: Level;
  #worst = 0;
  /** What the model before gives. */
  #expected: readonly Expected[] = [];
  /** What the model after gives as it is. */
  readonly #gave: Expected[] = [];
  /** How far the model before is from itself in each case, by how it is run. */
  readonly #own = new Map<string, Promise<readonly number[]>>();

  constructor(request: VerifyRequest, sides: Sides, files: Filed) {
    this.#request = request;
    this.#sides = sides;
    this.#files = files;
    const { settings } = request;
    this.#settings = settings.threads === 0 && weightBytes(request.before) < SMALL_BYTES ? { ...settings, threads: 1 } : settings;
    this.#tolerance = toleranceFor(request.before);
    this.#reference = [sides.before, sides.after].some(hasCastIntoBlocks) ? 'basic' : 'none';
    this.#draws = casesFor(sides.before, sides.leftOut.length > 0);
    this.#deadline = request.mode === 'auto' ? request.clock.ticks() + AUTO_LIMIT_MS : Infinity;
  }

  async run(): Promise<Verified> {
    const expected = (this.#expected = await this.#runBefore());
    for (const level of LEVELS.slice(LEVELS.indexOf(this.#reference))) {
      if (this.#isLate()) {
        this.#notes.push(`not compared ${NAMED[level]}: that took too long`);
        break;
      }
      const different = await this.#compareAt(level, expected);
      if (different) return different;
    }
    this.#remember();
    const sizes = sizesText(expected);
    const agree = this.#worst === 0 ? 'outputs are bit-equal' : `outputs agree to ${this.#worst.toExponential(1)}`;
    const excuses = [...this.#excused].map(([why, moved]) => `${why}${moved > 0 ? `, by ${moved.toExponential(1)}` : ''}`);
    const { leftOut, unseen } = this.#sides;
    const around = [...(leftOut.length > 0 ? [`compared around ${leftOut.join(', ')}`] : []), ...unseen.map((name) => `"${name}" not compared`)];
    return { verdict: 'equal', finding: [agree, ...around, ...(sizes === '' ? [] : [`at ${sizes}`]), ...excuses, ...this.#notes].join('; ') };
  }

  /** Keeps what the model after gave for the next step, where that is all that it has. */
  #remember(): void {
    const { after } = this.#request;
    const [first] = this.#gave;
    if (!first || this.#sides.leftOut.length > 0 || this.#gave.length < this.#expected.length) return;
    const isWhole = after.graph.outputs.every((v) => first.outputs[v.name]) && after.graph.inputs.every((v) => v.default || first.feeds[v.name]);
    if (isWhole) given.set(after, { level: this.#reference, cases: this.#gave });
  }

  /** What the model before gives, at the first level at which it runs: known where it was the model after of the step before. */
  async #runBefore(): Promise<readonly Expected[]> {
    const known = given.get(this.#request.before);
    if (known?.level === this.#reference && this.#sides.leftOut.length === 0) return known.cases;
    let why = '';
    for (const level of LEVELS.slice(LEVELS.indexOf(this.#reference))) {
      this.#reference = level;
      try {
        return await this.#with(this.#sides.before, level, (session) => this.#expectedFrom(session));
      } catch (e) {
        if (!(e instanceof OnnxError)) throw e;
        why ||= e.message;
      }
    }
    throw new NotCompared(`the model before the step does not run on generated inputs: ${why}`);
  }

  async #expectedFrom(session: Session): Promise<Expected[]> {
    const found: Expected[] = [];
    let why: OnnxError | undefined;
    for (let i = 0; ; i++) {
      const group = this.#cases(i);
      if (group === undefined) break;
      for (const c of group) {
        if (found.length >= WANTED || this.#isLate()) break;
        try {
          found.push({ ...c, outputs: await session.run(c.feeds, this.#names()) });
        } catch (e) {
          if (!(e instanceof OnnxError)) throw e;
          why ??= e;
        }
      }
      if (found.length >= Math.min(WANTED, group.length)) break;
    }
    if (found.length === 0) throw why ?? new OnnxError('unsupported', 'no inputs could be made in time');
    return found;
  }

  /** The groups of inputs: drawn as they are needed, and once for all levels. */
  #cases(i: number): readonly Case[] | undefined {
    if (this.#drawn.length <= i) {
      const next = this.#draws.next();
      if (next.done) return undefined;
      this.#drawn.push(next.value);
    }
    return this.#drawn[i];
  }

  #names(): string[] {
    return this.#sides.outputs.map((o) => o.name);
  }

  async #compareAt(level: Level, expected: readonly Expected[]): Promise<Verified | undefined> {
    for (const { c, found } of await this.#differences(level, expected, this.#sides)) {
      const excuse = await this.#excuse(level, c, found);
      if (excuse === undefined) {
        const sizes = sizesText([c]);
        return { verdict: 'different', finding: `${found.text}${sizes === '' ? '' : ` at ${sizes}`}${level === this.#reference ? '' : `, ${NAMED[level]}`}`, recheck: (model) => this.#recheck(model, level, c), seen: { feeds: c.feeds, level } };
      }
      this.#excused.set(excuse.why, Math.max(excuse.moved, this.#excused.get(excuse.why) ?? 0));
      if (Number.isFinite(found.apart)) this.#worst = Math.max(this.#worst, found.apart);
    }
    return undefined;
  }

  /** For each set of inputs the first output that is further from what is right than allowed. */
  async #differences(level: Level, expected: readonly Expected[], sides: Sides): Promise<{ c: Expected; found: Found }[]> {
    const gone = sides.outputs.find((o) => o.after === undefined);
    if (gone) return expected.slice(0, 1).map((c) => ({ c, found: { text: `${gone.shown} is gone`, apart: Infinity } }));
    const different: { c: Expected; found: Found }[] = [];
    let at = expected[0]!; // there is one
    try {
      await this.#with(sides.after, level, async (session) => {
        for (const c of expected) {
          if (c !== expected[0] && this.#isLate()) return;
          at = c;
          const is = await session.run(this.#fed(c.feeds, sides.after), [...new Set(sides.outputs.map((o) => o.after!))]); // none is gone
          if (level === this.#reference && sides === this.#sides) this.#gave.push({ ...c, feeds: this.#fed(c.feeds, sides.after), outputs: is });
          const found = this.#difference(level, c, is, sides);
          if (found) different.push({ c, found });
        }
      });
    } catch (e) {
      if (!(e instanceof OnnxError)) throw e;
      different.push({ c: at, found: { text: `the model after the step does not run: ${e.message}`, apart: Infinity } });
    }
    return different;
  }

  #difference(level: Level, c: Expected, is: Feeds, sides: Sides): Found | undefined {
    const allowed = this.#request.numerics === 'exact' && level === this.#reference ? 0 : this.#tolerance;
    for (const { name, shown, after } of sides.outputs) {
      const apart = distance(c.outputs[name]!, is[after!]!); // both were asked for
      if (typeof apart === 'string') return { text: `${shown} ${apart}`, apart: Infinity };
      if (apart > allowed) return { text: `${shown} differs by ${apart.toExponential(1)} of its largest entry`, apart };
      this.#worst = Math.max(this.#worst, apart);
    }
    return undefined;
  }

  #fed(feeds: Feeds, model: Model): Feeds {
    const wanted = new Set(model.graph.inputs.map((v) => v.name));
    return Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name)));
  }

  /** Why a difference is not the step's: the runtime makes it of the model before as well. */
  async #excuse(level: Level, c: Expected, found: Found): Promise<{ why: string; moved: number } | undefined> {
    const at = this.#expected.indexOf(c);
    const own = async (where: Level, nudge = false): Promise<number> => (await this.#apart(where, nudge))[at]!; // one for each case
    if ((await own(this.#reference)) > 0) throw new NotCompared('the model before the step gives something else each time');
    if (level !== this.#reference) {
      const moved = await own(level);
      if (found.apart <= SELF_FACTOR * moved) return { why: `${this.#request.runtime.version} itself moves them`, moved: Number.isFinite(moved) ? moved : 0 };
    }
    if (this.#request.numerics === 'exact' || !Number.isFinite(found.apart)) return undefined;
    const moved = Math.max(await own(this.#reference, true), await own('all'));
    return found.apart <= SELF_FACTOR * moved && Number.isFinite(moved) ? { why: 'rounding alone moves them', moved } : undefined;
  }

  /** How far the model before is from what it gave, in each case: run again, under optimizations, on inputs that rounding would move. Loaded once for all cases. */
  #apart(level: Level, nudge: boolean): Promise<readonly number[]> {
    const key = `${level} ${nudge}`;
    const known = this.#own.get(key) ?? this.#runAgain(level, nudge);
    this.#own.set(key, known);
    return known;
  }

  async #runAgain(level: Level, nudge: boolean): Promise<readonly number[]> {
    const unless = async <T>(otherwise: T, act: () => Promise<T>): Promise<T> => act().catch((e: unknown) => {
      if (!(e instanceof OnnxError)) throw e;
      return otherwise;
    });
    return unless(this.#expected.map(() => Infinity), () => this.#with(this.#sides.before, level, async (session) => {
      const all: number[] = [];
      for (const { feeds, outputs } of this.#expected) all.push(await unless(Infinity, async () => {
        const is = await session.run(nudge ? nudged(feeds) : feeds, this.#names());
        return Math.max(0, ...this.#names().map((name) => distance(outputs[name]!, is[name]!)).map((d) => (typeof d === 'string' ? Infinity : d))); // both were asked for
      }));
      return all;
    }));
  }

  async #recheck(after: Model, level: Level, c: Expected): Promise<boolean> {
    const { before } = this.#request;
    const sides = this.#sides.leftOut.length === 0 ? { ...this.#sides, after } : sidesOf(before, after, new Set(this.#sides.leftOut));
    return (await this.#differences(level, [c], sides)).length > 0;
  }

  async #with<T>(model: Model, optimize: Level, act: (session: Session) => Promise<T>): Promise<T> {
    this.#request.signal?.throwIfAborted();
    const session = await this.#request.runtime.load(await this.#files.of(model), { ...this.#settings, optimize, guarded: true, signal: this.#request.signal });
    try {
      return await act(session);
    } finally {
      await session.dispose();
    }
  }

  #isLate(): boolean {
    return this.#request.clock.ticks() > this.#deadline;
  }
}

/** Without optimizations the runtime reads what a Cast makes of scales as zeros (accuracy_level 4). */
function hasCastIntoBlocks(model: Model): boolean {
  const isCast = (n: Node | undefined): boolean => n?.is('Cast') === true;
  return [...model.nodes()].some((n) => n.is('MatMulNBits', 'com.microsoft') && n.inputs.some((v) => isCast(v?.producer)));
}

/** The same inputs, each fraction moved by less than anyone measures. */
function nudged(feeds: Feeds): Feeds {
  const random = seeded('nudge');
  return Object.fromEntries(Object.entries(feeds).map(([name, f]) => [name, f.data instanceof Float32Array ? { ...f, data: f.data.map((x) => x * (1 + NUDGE * (2 * random() - 1))) } : f]));
}
