import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { isMap } from '../diagnostics/words.ts';
import { checkValue, type Misfit } from '../plugin/schema.ts';
import { recipeSchema } from './schema.ts';
import type { Path, Pointing } from './source.ts';

export interface Shape {
  readonly diagnostics: readonly Diagnostic[];
  /** Where the mistakes are, so that what follows from them is not told as well. */
  readonly wrong: readonly Path[];
}

/** Compares a recipe with its schema, before anything that it names is looked at. */
export function checkShape(source: Pointing): Shape {
  if (!isMap(source.data)) return { diagnostics: [say.notAMap(source.data, source.at([]))], wrong: [[]] };
  const found = checkValue(recipeSchema, source.data).misfits.map((m) => ({ path: m.path, diagnostic: explain(m, source) }));
  const all = [...found, ...gates(source), ...names(source), ...choice(source, source.data)];
  return { diagnostics: all.map((f) => f.diagnostic), wrong: all.map((f) => f.path) };
}

interface Found {
  readonly path: Path;
  readonly diagnostic: Diagnostic;
}

function explain(m: Misfit, source: Pointing): Diagnostic {
  const whose = m.path.length === 0 ? 'A recipe' : `"${m.path.join('.')}"`;
  if (m.kind === 'unknown') return say.unknownKey(m.key, whose, m.known, source.atKey(m.path, m.key));
  if (m.kind === 'missing') return say.missingKey(m.key, whose, m.description, source.at(m.path));
  const near = m.allowed.length > 0 && typeof m.given === 'string' ? say.didYouMean(m.given, m.allowed) : undefined;
  return say.badValue(m.path.join('.'), m.problem, m.given, source.at(m.path), near ?? m.description);
}

const BOUNDS = ['at-least', 'at-most'];
const BESIDES = ['sure', 'inconclusive'];
const LONG = ['use', 'with'];

/** A gate is either bounds for a metric, or a call. */
function gates(source: Pointing): readonly Found[] {
  const section = isMap(source.data) ? source.data['gates'] : undefined;
  if (!isMap(section)) return [];
  return Object.entries(section).flatMap(([name, gate]): readonly Found[] => {
    const path = ['gates', name];
    if (!isMap(gate)) return [];
    const keys = Object.keys(gate);
    if ('use' in gate) return keys.filter((k) => !LONG.includes(k) && [...BOUNDS, ...BESIDES].includes(k)).map((k) => ({ path, diagnostic: say.unknownKey(k, 'A gate with "use"', LONG, source.atKey(path, k)) }));
    if ('with' in gate) return [{ path, diagnostic: say.missingKey('use', `"gates.${name}"`, 'Options under "with" belong to the gate that "use" names.', source.at(path)) }];
    return keys.some((k) => BOUNDS.includes(k) || !BESIDES.includes(k)) ? [] : [{ path, diagnostic: say.gateWithoutBound(name, source.atKey(['gates'], name)) }];
  });
}

/** Two evaluators of one name would have the same metrics. */
function names(source: Pointing): readonly Found[] {
  const section = isMap(source.data) ? source.data['evaluate'] : undefined;
  if (!Array.isArray(section)) return [];
  const seen = new Set<string>();
  return section.flatMap((item: unknown, i): readonly Found[] => {
    const as = isMap(item) ? item['as'] : undefined;
    if (typeof as !== 'string' || seen.size !== seen.add(as).size) return [];
    const path = ['evaluate', i, 'as'];
    return [{ path, diagnostic: say.duplicateAs(as, source.at(path)) }];
  });
}

/** Without a matrix there is one candidate. */
const choice = (source: Pointing, data: Readonly<Record<string, unknown>>): readonly Found[] =>
  'choose' in data && !('matrix' in data) ? [{ path: ['choose'], diagnostic: say.chooseWithoutMatrix(source.atKey([], 'choose')) }] : [];
