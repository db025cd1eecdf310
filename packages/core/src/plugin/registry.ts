import * as say from '../diagnostics/catalogue.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import type { Services } from '../services/services.ts';
import type { AnyContribution, Plugin } from './kinds.ts';

/** Where a plugin came from: part of every key that depends on its code. */
export interface PluginOrigin {
  /** "@onnxpress/plugin-quant", or the path in the recipe. */
  readonly packageName: string;
  /** The package's version, and for a plugin that is being worked on, a hash of its code as well. Read when first asked for. */
  readonly version: string;
}

export type Kind = AnyContribution['kind'];
export type OfKind<K extends Kind> = Extract<AnyContribution, { readonly kind: K }>;

export interface Registered {
  readonly contribution: AnyContribution;
  readonly plugin: Plugin;
  readonly origin: PluginOrigin;
}

const LISTS = { pass: 'passes', evaluator: 'evaluators', dataset: 'datasets', gate: 'gates', reporter: 'reporters' } as const satisfies Record<Kind, keyof Plugin>;
/** In the order in which a recipe meets them. */
export const KINDS = Object.keys(LISTS) as readonly Kind[]; // the keys of the line above
const VERBS = { pass: 'run', evaluator: 'measure', dataset: 'open', gate: 'judge', reporter: 'report' } as const satisfies Record<Kind, string>;

/** Everything that the installed plugins offer, by kind and name. Two contributions of one name may differ in kind. */
export class Registry {
  readonly #byKind: Readonly<Record<Kind, Map<string, Registered>>> = { pass: new Map(), evaluator: new Map(), dataset: new Map(), gate: new Map(), reporter: new Map() };
  readonly #plugins = new Map<string, { readonly plugin: Plugin; readonly origin: PluginOrigin }>();
  readonly #absent: ReadonlySet<string>;

  /** `absent`: prefixes of official plugins that are not installed, so that a recipe that uses one can be told what to install. */
  constructor(absent: Iterable<string> = []) {
    this.#absent = new Set(absent);
  }

  /** Takes in a plugin; what is wrong with it, if anything, is returned and left out. */
  add(plugin: Plugin, origin: PluginOrigin, at?: Span): readonly Diagnostic[] {
    const taken = this.#plugins.get(plugin.name);
    if (taken) return taken.plugin === plugin || taken.origin.packageName === origin.packageName ? [] : [say.duplicatePlugin(plugin.name, taken.origin.packageName, origin.packageName, at)];
    this.#plugins.set(plugin.name, { plugin, origin });
    return KINDS.flatMap((kind) => (plugin[LISTS[kind]] ?? []).flatMap((contribution: AnyContribution) => this.#addOne(kind, { contribution, plugin, origin })));
  }

  #addOne(kind: Kind, entry: Registered): readonly Diagnostic[] {
    const { contribution, plugin, origin } = entry;
    const problem = problemWith(kind, contribution, plugin.name);
    if (problem !== undefined) return [say.badPlugin(origin.packageName, problem)];
    if (this.#byKind[kind].has(contribution.name)) return [say.duplicateName(kind, contribution.name, origin.packageName)];
    this.#byKind[kind].set(contribution.name, entry);
    return [];
  }

  get<K extends Kind>(kind: K, name: string): OfKind<K> | undefined {
    return this.entry(kind, name)?.contribution as OfKind<K> | undefined; // #addOne compared the two
  }

  entry(kind: Kind, name: string): Registered | undefined {
    return this.#byKind[kind].get(name);
  }

  /** The kinds under which a name is known. */
  kindsOf(name: string): readonly Kind[] {
    return KINDS.filter((kind) => this.#byKind[kind].has(name));
  }

  /** In the order in which plugins offer them. */
  names(kind: Kind): readonly string[] {
    return [...this.#byKind[kind].keys()];
  }

  all(kind: Kind): readonly Registered[] {
    return [...this.#byKind[kind].values()];
  }

  get plugins(): readonly { readonly plugin: Plugin; readonly origin: PluginOrigin }[] {
    return [...this.#plugins.values()];
  }

  /** Whether a name belongs to an official plugin that is not installed. */
  isAbsent(name: string): boolean {
    const prefix = name.split('/')[0] ?? '';
    return !this.#plugins.has(prefix) && this.#absent.has(prefix);
  }

  /** Lets plugins bind services of their own. */
  bind(services: Services): void {
    for (const { plugin } of this.#plugins.values()) plugin.services?.(services);
  }
}

/** The contribution that a checked recipe names: it is there, or the recipe would have been refused. */
export function registered<K extends Kind>(registry: Registry, kind: K, name: string): OfKind<K> {
  const found = registry.get(kind, name);
  if (!found) throw new Error(`No plugin offers the ${kind} "${name}", though the recipe was checked.`);
  return found;
}

/** Why a contribution cannot be taken in; plugins may come from plain JavaScript, so nothing is taken for granted. */
function problemWith(kind: Kind, contribution: Partial<AnyContribution> | null | undefined, prefix: string): string | undefined {
  const { name, summary, options } = contribution ?? {};
  const what = `${LISTS[kind]}: ${String(name)}`;
  if (typeof name !== 'string' || !name.startsWith(`${prefix}/`) || name.length === prefix.length + 1) return `offers ${what}, which does not start with "${prefix}/"`;
  if (contribution?.kind !== kind) return `offers ${what}, which is of the kind "${String(contribution?.kind)}"`;
  if (typeof summary !== 'string' || summary.trim() === '') return `offers ${what}, which has no summary`;
  if (typeof (contribution as Record<string, unknown>)[VERBS[kind]] !== 'function') return `offers ${what}, which has no ${VERBS[kind]}()`; // the verb is in the type; whether it is there is the question
  if (typeof options !== 'object' || options === null) return `offers ${what}, which has no options: {}`;
  const silent = Object.entries(options).find(([, o]) => typeof o?.description !== 'string' || o.description.trim() === '');
  return silent && `offers ${what}, whose option "${silent[0]}" has no description`;
}
