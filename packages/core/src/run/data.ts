import type { Context, Dataset, DatasetKind } from '../plugin/kinds.ts';
import { registered, type Registry } from '../plugin/registry.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { dataWrongKind, unknownData } from '../diagnostics/catalogue.ts';
import { RecipeError } from '../diagnostics/errors.ts';
import { canonical } from './keys.ts';
import { placed } from './placed.ts';

const KIND_WORDS: Readonly<Record<DatasetKind, string>> = { texts: 'texts', pairs: 'pairs of texts', retrieval: 'a retrieval collection', tensors: 'tensors' };

/** Opens the data sets of a run's recipes, each once, however many variants and steps use it. */
export class Datasets {
  readonly #registry: Registry;
  readonly #opened = new Map<string, Promise<Dataset>>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** The data set of that name; `by` is who asks, for messages. Any kind but those of `kinds` is an error; where that is empty, none is. */
  async open(recipe: Recipe, name: string, ctx: Context, by: string, kinds: readonly DatasetKind[]): Promise<Dataset> {
    const call = recipe.data[name];
    if (!call) throw new RecipeError([unknownData(by, 'data', name, Object.keys(recipe.data))]);
    const id = canonical([call.use, call.with]);
    let dataset = this.#opened.get(id);
    if (!dataset) {
      dataset = placed(recipe, call, () => registered(this.#registry, 'dataset', call.use).open(call.with as never, ctx)); // checked against its own schema with the recipe
      this.#opened.set(id, dataset);
    }
    const found = await dataset;
    if (kinds.length > 0 && !kinds.includes(found.kind)) throw new RecipeError([dataWrongKind(name, KIND_WORDS[found.kind], kinds.map((k) => KIND_WORDS[k]).join(' or '), recipe.source.at(call.path))]);
    return found;
  }
}
