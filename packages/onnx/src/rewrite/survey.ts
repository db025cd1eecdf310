import { Kept, ListHole, Named, OneOf, OutputPattern, AttributeHole, ValueHole, type CallPattern, type Hole, type Pattern } from './pattern.ts';

/** What can be told about a pattern before any model is seen. */
export interface Survey {
  /** Calls that the whole pattern may be, and the output each stands for. */
  readonly roots: readonly OutputPattern[];
  readonly calls: ReadonlySet<CallPattern>;
  /** Operators below the root. */
  readonly inside: ReadonlySet<string>;
  /** Calls on the longest way down. */
  readonly depth: number;
  /** How often one value can be read at most inside a match. */
  readonly reads: number;
  /** Holes that every way to fit fills. */
  readonly always: ReadonlySet<Hole>;
  /** Every hole. */
  readonly holes: ReadonlySet<Hole>;
  /** A pattern is a variable and nothing else, in one of its forms. */
  readonly bare: boolean;
}

function union<T>(sets: readonly ReadonlySet<T>[]): Set<T> {
  const all = new Set<T>();
  for (const s of sets) for (const x of s) all.add(x);
  return all;
}

/** Patterns never change, and one may be part of many others: each is looked at once. */
const known = new WeakMap<Pattern, Survey>();

export function survey(p: Pattern | undefined): Survey {
  if (!p) return surveyOf(p);
  let found = known.get(p);
  if (!found) known.set(p, (found = surveyOf(p)));
  return found;
}

function surveyOf(p: Pattern | undefined): Survey {
  if (p instanceof OutputPattern) return surveyCall(p);
  if (p instanceof OneOf) return surveyChoices(p.choices.map(survey));
  if (p instanceof Kept) return survey(p.pattern);
  if (p instanceof Named) {
    const inner = survey(p.pattern);
    return { ...inner, always: union([inner.always, new Set([p.hole])]), holes: union([inner.holes, new Set([p.hole])]) };
  }
  const holes = new Set<Hole>(p instanceof ValueHole || p instanceof ListHole ? [p] : []);
  return { roots: [], calls: new Set(), inside: new Set(), depth: 0, reads: 0, always: holes, holes, bare: true };
}

function surveyCall(p: OutputPattern): Survey {
  const { call } = p;
  const inputs = call.inputs.map(survey);
  const own = [...call.attrs.values()].filter((a) => a instanceof AttributeHole);
  return {
    roots: [p],
    calls: union([new Set([call]), ...inputs.map((i) => i.calls)]),
    inside: union(inputs.flatMap((i) => [i.inside, ...i.roots.map((r) => r.call.operators)])),
    depth: 1 + Math.max(0, ...inputs.map((i) => i.depth)),
    reads: inputs.reduce((sum, i) => sum + i.reads, inputs.length),
    always: union<Hole>([new Set(own), ...inputs.map((i) => i.always)]),
    holes: union<Hole>([new Set(own), ...inputs.map((i) => i.holes)]),
    bare: false,
  };
}

function surveyChoices(all: readonly Survey[]): Survey {
  return {
    roots: all.flatMap((s) => s.roots),
    calls: union(all.map((s) => s.calls)),
    inside: union(all.map((s) => s.inside)),
    depth: Math.max(0, ...all.map((s) => s.depth)),
    reads: Math.max(0, ...all.map((s) => s.reads)),
    always: new Set([...(all[0]?.always ?? [])].filter((h) => all.every((s) => s.always.has(h)))),
    holes: union(all.map((s) => s.holes)),
    bare: all.some((s) => s.bare),
  };
}
