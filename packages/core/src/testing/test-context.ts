import { Services } from '../services/services.ts';
import { Clock, Files, Log, Machine, Runtime } from '../services/tokens.ts';
import { OrtRuntime } from '../services/ort.ts';
import type { Checkpoint, Context, Dataset, PassContext } from '../plugin/kinds.ts';
import { contextOf, passContextOf, type ContextParts } from '../run/context.ts';
import type { StepRecord } from '../run/events.ts';
import { seeded } from '../run/random.ts';

/** What a case gives to the context of a contribution. */
export interface TestContextSpec {
  readonly signal?: AbortSignal;
  readonly seed?: number;
  readonly threads?: number;
  /** The recipe's folder: paths are resolved against it. */
  readonly folder?: string;
  readonly data?: Readonly<Record<string, Dataset>>;
  readonly services?: (services: Services) => void;
  readonly usesRuntime?: boolean;
  readonly said?: string[];
  /** Where the records of a pass go. */
  readonly records?: StepRecord[];
}

/** Services of a test: a clock that only counts calls, a log that is kept, no machine features, and the real runtime. */
export function testServices(said: string[] = []): Services {
  let ticks = 0;
  const log = { info: (m: string) => void said.push(m), warn: (m: string) => void said.push(m) };
  return new Services()
    .set(Clock, { now: () => 0, ticks: () => ticks++ })
    .set(Log, log)
    .set(Machine, { cpu: 'test', features: [], cores: 1, platform: 'test' })
    .set(Files, { readText: refuse, writeText: refuse, exists: async () => false })
    .make(Runtime, OrtRuntime);
}

const refuse = (): never => {
  throw new Error('A test context has no files. Bind the service Files to give it some.');
};

/** A context for a contribution that is no pass. */
export function testContext(spec: TestContextSpec = {}): Context {
  return contextOf(partsOf(spec));
}

/** A context for a pass. What it warns of and misses goes to `said`. */
export function testPassContext(spec: TestContextSpec = {}): PassContext {
  const said = spec.said ?? [];
  return passContextOf(partsOf(spec), {
    use: 'the pass',
    usesRuntime: spec.usesRuntime ?? true,
    random: seeded(spec.seed ?? 0),
    checkpoint: memoryCheckpoint(),
    warn: (m) => void said.push(m),
    count() {},
    missed: (why) => void said.push(why),
    ...(spec.records ? { record: (r) => void spec.records!.push(r) } : {}), // asked for just now
  });
}

function partsOf(spec: TestContextSpec): ContextParts {
  const services = testServices(spec.said);
  spec.services?.(services);
  return {
    services,
    settings: { provider: 'cpu', threads: spec.threads ?? 1 },
    signal: spec.signal ?? new AbortController().signal,
    folder: spec.folder ?? '/',
    store: undefined,
    async dataset(name, kinds) {
      const found = spec.data?.[name];
      if (!found || (kinds.length > 0 && !kinds.includes(found.kind))) throw new Error(`The case has no data set "${name}"${kinds.length > 0 ? ` of kind ${kinds.join(' or ')}` : ''}. Give it under data.`);
      return found;
    },
    progress() {},
  };
}

function memoryCheckpoint(): Checkpoint {
  const kept = new Map<string, Uint8Array>();
  return { load: async (name) => kept.get(name), save: async (name, bytes) => void kept.set(name, bytes) };
}
