import { isMap } from '../diagnostics/words.ts';
import type { Kind } from '../plugin/registry.ts';
import type { Call } from './recipe.ts';
import { SECTIONS, THRESHOLD, type Section } from './schema.ts';
import type { Path } from './source.ts';

/** A call as the recipe writes it. What is under `with` may still be anything. */
export interface WrittenCall {
  readonly use: string;
  readonly usePath: Path;
  readonly with: unknown;
  readonly as: string | undefined;
  readonly path: Path;
  readonly optionsPath: Path;
  readonly section: Section;
  readonly kind: Kind;
}

/** Every call of a recipe, section by section, with short forms written out. What is no call is left out: the recipe's schema has told it. */
export function callsIn(data: unknown): readonly WrittenCall[] {
  if (!isMap(data)) return [];
  return (Object.keys(SECTIONS) as Section[]).flatMap((section) => { // the keys of a constant
    const entries = data[section];
    if (section === 'data') return isMap(entries) ? Object.entries(entries).flatMap(([name, item]) => callOf(section, item, [section, name], name)) : [];
    if (section === 'gates') return isMap(entries) ? Object.entries(entries).flatMap(([name, item]) => gateOf(item, [section, name], name)) : [];
    return Array.isArray(entries) ? entries.flatMap((item: unknown, i) => callOf(section, item, [section, i], undefined)) : [];
  });
}

function callOf(section: Section, item: unknown, path: Path, as: string | undefined): readonly WrittenCall[] {
  const kind = SECTIONS[section];
  if (typeof item === 'string') return [{ use: item, usePath: path, with: {}, as, path, optionsPath: path, section, kind }];
  if (!isMap(item) || typeof item['use'] !== 'string') return [];
  const own = as ?? (typeof item['as'] === 'string' ? item['as'] : undefined);
  return [{ use: item['use'], usePath: [...path, 'use'], with: item['with'] ?? {}, as: own, path, optionsPath: [...path, 'with'], section, kind }];
}

/** `metric: { at-least: 97% }` is a call of the threshold gate, with the metric among its options. */
function gateOf(item: unknown, path: Path, name: string): readonly WrittenCall[] {
  if (isMap(item) && 'use' in item) return callOf('gates', item, path, name);
  return isMap(item) ? [{ use: THRESHOLD, usePath: path, with: { metric: name, ...item }, as: name, path, optionsPath: path, section: 'gates', kind: 'gate' }] : [];
}

/** A call with the options that the check has completed. */
export const settled = ({ use, as, path, optionsPath }: WrittenCall, options: Call['with']): Call => ({ use, with: options, as, path, optionsPath });
