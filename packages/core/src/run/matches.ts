import type { Model, Node } from '@onnxpress/onnx';
import { patternMatchesNothing } from '../diagnostics/catalogue.ts';
import { RecipeError } from '../diagnostics/errors.ts';
import { nearest } from '../diagnostics/nearest.ts';
import { ofFormat } from '../plugin/formats.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Path } from '../recipe/source.ts';
import { namesLike, nodesNamed } from './patterns.ts';
import type { Step } from './plan.ts';

/** What one pattern of a step's options names in the model that the step gets. */
export interface Match {
  readonly option: string;
  readonly pattern: string;
  readonly nodes: readonly Node[];
  /** Where the pattern stands among the options. */
  readonly path: Path;
}

/** Every pattern of a step's options with the nodes that it names. */
export function matchesOf({ call, pass }: Pick<Step, 'call' | 'pass'>, model: Model): Match[] {
  const nodes = [...model.nodes()];
  return ofFormat('nodes', pass.options, call.with).map(({ text, path }) => ({ option: String(path[0]), pattern: text, nodes: nodesNamed(text, nodes), path }));
}

/** A pattern that matches nothing is a mistake in the recipe, and the model knows what it could have meant. Throws RecipeError with all of them. */
export function assertMatches({ call }: Pick<Step, 'call'>, matches: readonly Match[], model: Model, { source }: Recipe): void {
  const problems = matches.filter((m) => m.nodes.length === 0).map(({ option, pattern, path }) => {
    const near = namesLike(pattern, model);
    const close = nearest(pattern, near);
    return patternMatchesNothing(call.use, option, pattern, close === undefined ? near.slice(0, NEAR) : [close], source.at([...call.optionsPath, ...path]));
  });
  if (problems.length > 0) throw new RecipeError(problems);
}

/** Names that a message lists where none is near. */
const NEAR = 5;
