import { basename, dirname, extname } from 'node:path';
import * as say from '../diagnostics/catalogue.ts';
import { inOrder, type Diagnostic } from '../diagnostics/diagnostic.ts';
import { isMap } from '../diagnostics/words.ts';
import type { Registry } from '../plugin/registry.ts';
import { callsIn, settled, type WrittenCall } from './calls.ts';
import { dataCycles } from './cycles.ts';
import { checkExpressions, hasExpression, substitute } from './expressions.ts';
import { expandMatrix, type Combination } from './matrix.ts';
import { checkCall, rebase, type CheckedCall, type Surroundings } from './options.ts';
import type { Call, Recipe, Variant } from './recipe.ts';
import type { Section } from './schema.ts';
import { checkShape } from './shape.ts';
import type { Path, Pointing } from './source.ts';

/** Mistakes told at once. */
const MISTAKE_LIMIT = 100;
/** Where each candidate of a matrix may differ. */
const VARYING: ReadonlySet<string> = new Set(['data', 'steps', 'evaluate', 'gates']);

export interface CheckedRecipe {
  /** There, with all options complete, if nothing is wrong. */
  readonly recipe: Recipe | undefined;
  /** Sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Everything wrong with a recipe, not just the first thing: its shape, what it names, every option, for every candidate of its matrix. Never throws. */
export function checkRecipe(source: Pointing, registry: Registry): CheckedRecipe {
  if (source.data === undefined) return { recipe: undefined, diagnostics: [] }; // reading has told why
  const shape = checkShape(source);
  const data = isMap(source.data) ? source.data : {};
  const matrix = expandMatrix(source, data['matrix']);
  const expressions = checkExpressions(source, VARYING, Object.keys(matrix.variables));
  const wrong = [...shape.wrong, ...expressions.wrong];
  const isWrong = (path: Path): boolean => wrong.some((w) => startsWith(w, path) && !(w.length > path.length && expressions.wrong.includes(w)));

  const around: Surroundings = { source, registry, data: isMap(data['data']) ? Object.keys(data['data']) : [], isWrong, candidate: '' };
  const written = callsIn(data);
  const alike = new Map<WrittenCall, CheckedCall>(); // calls without expressions are checked once, however many candidates there are
  const check = (call: WrittenCall, { name, values }: Combination): { readonly call: WrittenCall; readonly checked: CheckedCall } => {
    const concrete = VARYING.has(call.section) && hasExpression(call) ? { ...call, use: String(substitute(call.use, values)), with: substitute(call.with, values) } : call;
    const checked = alike.get(concrete) ?? checkCall(concrete, concrete === call ? around : { ...around, candidate: name });
    if (concrete === call) alike.set(call, checked);
    return { call: concrete, checked };
  };
  const variants = matrix.combinations.map((combination) => ({ combination, calls: written.map((call) => check(call, combination)) }));
  const cycles = variants.flatMap(({ calls }) => dataCycles(new Map(calls.filter(({ call }) => call.section === 'data').map(({ call, checked }) => [call.as ?? '', checked.data])), source));
  const found = [...shape.diagnostics, ...matrix.diagnostics, ...expressions.diagnostics, ...oncePerPlace([...variants.flatMap((v) => v.calls.flatMap((c) => c.checked.diagnostics)), ...cycles])];
  const diagnostics = limited(inOrder(found, [source.file]));
  return { recipe: diagnostics.length === 0 ? recipeOf(source, data, matrix.variables, variants) : undefined, diagnostics };
}

const startsWith = (path: Path, start: Path): boolean => start.every((key, i) => String(path[i]) === String(key));

/** Candidates make the same mistake at the same place: the first tells it. */
function oncePerPlace(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter((d) => {
    const place = JSON.stringify([d.code, d.at?.file, d.at?.start, d.at ? '' : d.message]);
    return !seen.has(place) && seen.add(place);
  });
}

const limited = (all: readonly Diagnostic[]): readonly Diagnostic[] => (all.length > MISTAKE_LIMIT ? [...all.slice(0, MISTAKE_LIMIT), say.tooManyMistakes(all.length - MISTAKE_LIMIT, all[MISTAKE_LIMIT]?.at)] : all);

type CheckedVariant = { readonly combination: Combination; readonly calls: readonly { readonly call: WrittenCall; readonly checked: CheckedCall }[] };

/** The checked data as a Recipe. The casts say what the shape's check has found to be so. */
function recipeOf(source: Pointing, data: Readonly<Record<string, unknown>>, variables: Readonly<Record<string, readonly unknown[]>>, variants: readonly CheckedVariant[]): Recipe {
  const model = data['model'] as string | { readonly from: string; readonly sha256?: string };
  const runtime = (data['runtime'] ?? {}) as { readonly provider?: string; readonly threads?: number };
  const choose = data['choose'] as { readonly smallest?: string; readonly largest?: string } | undefined;
  const requires = (data['requires'] ?? {}) as { readonly cpu?: readonly string[] };
  const output = data['output'] as string | undefined;
  const common = {
    source,
    file: source.originOf([]),
    name: (data['name'] as string | undefined) ?? nameFor(source.originOf([])),
    model: { from: rebase(typeof model === 'string' ? model : model.from, ['model'], source), sha256: typeof model === 'string' ? undefined : model.sha256?.toLowerCase() },
    output: output === undefined ? undefined : rebase(output, ['output'], source),
    seed: (data['seed'] ?? 0) as number,
    runtime: { provider: runtime.provider ?? 'cpu', threads: runtime.threads ?? 0 },
    requires: { cpu: requires.cpu ?? [] },
    verify: (data['verify'] ?? 'auto') as Recipe['verify'],
    plugins: (data['plugins'] ?? []) as readonly string[],
    matrix: undefined,
    choose: choose && (choose.smallest === undefined ? { by: 'largest' as const, metric: choose.largest! } : { by: 'smallest' as const, metric: choose.smallest }),
  };
  const recipes = variants.map(({ combination, calls }): Variant => ({ ...combination, recipe: { ...common, ...bySection(calls.map(({ call, checked }) => settled(call, checked.options))) } }));
  if (!('matrix' in data)) return recipes[0]!.recipe;
  const written = callsIn(data).map((call) => settled(call, isMap(call.with) ? call.with : {}));
  return { ...common, ...bySection(written), matrix: { variables, variants: recipes } };
}

function bySection(calls: readonly Call[]): Pick<Recipe, Section> {
  const of = (section: Section): readonly Call[] => calls.filter((c) => c.path[0] === section);
  return { data: Object.fromEntries(of('data').map((c) => [c.as ?? '', c])), steps: of('steps'), evaluate: of('evaluate'), gates: of('gates'), reports: of('reports') };
}

/** "retriever" for retriever.yaml, and for retriever/onnxpress.yaml. */
function nameFor(file: string): string {
  const name = basename(file, extname(file));
  return name === 'onnxpress' ? basename(dirname(file)) || name : name;
}
