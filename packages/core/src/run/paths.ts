import { readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { locateModel, type Model } from '@onnxpress/onnx';
import { modelDiffers, modelSource, noSuchFile, notAFile, outputIsModel } from '../diagnostics/catalogue.ts';
import type { Diagnostic, Span } from '../diagnostics/diagnostic.ts';
import { RecipeError } from '../diagnostics/errors.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { filesOf } from './facts.ts';
import { hashFile } from './store.ts';

/** The parts of a request that say where things lie. `model` and `out` are instead of the recipe's. */
export interface Places {
  readonly recipe: Recipe;
  readonly model?: string | undefined;
  readonly out?: string | undefined;
}

/** What a model is called in an output folder, where its other files lie beside it. */
export const FOLDER_MODEL = 'model.onnx';

/** Absolute path of the model's file. Throws RecipeError where there is nothing of that name, or something else than the recipe pins. */
export async function modelPath({ recipe, model }: Places): Promise<string> {
  const from = model ?? recipe.model.from;
  const at = model === undefined ? recipe.source.at(['model']) : undefined;
  if (/^(hf|npm|https?):/i.test(from)) throw new RecipeError([modelSource(from, at)]);
  const asked = resolve(dirname(recipe.file), from);
  if (!statSync(asked, { throwIfNoEntry: false })) throw new RecipeError([noSuchFile(from, 'The model', at, modelsBeside(from, asked))]);
  const path = locateModel(asked);
  const { sha256 } = recipe.model;
  const found = model === undefined && sha256 !== undefined ? await hashFile(path) : sha256;
  if (found !== sha256) throw new RecipeError([modelDiffers(path, String(found), recipe.source.at(['model', 'sha256']))]);
  return path;
}

/** Paths that could have been meant: what is in the same folder and is a model, or a folder that may hold one. */
function modelsBeside(from: string, asked: string): string[] {
  const folder = dirname(asked);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const found = readdirSync(folder, { withFileTypes: true }).filter((e) => e.name.endsWith('.onnx') || (e.isDirectory() && !e.name.startsWith('.')));
  return found.map((e) => join(dirname(from), e.name)).sort();
}

/** Absolute path of the model to write, where one is asked for: a path that ends in .onnx is that file, any other is a folder that gets a model.onnx. */
export function outputPath({ recipe, out }: Places): string | undefined {
  const given = out !== undefined ? resolve(out) : recipe.output !== undefined ? resolve(dirname(recipe.file), recipe.output) : undefined;
  if (given === undefined) return undefined;
  return extname(given) === '.onnx' ? given : join(given, FOLDER_MODEL);
}

/** `report.json` lies beside the output, or in the recipe's folder where there is none. */
export const reportPath = (places: Places): string => join(dirname(outputPath(places) ?? places.recipe.file), 'report.json');

/** What is wrong with the place for the result. */
export function outputProblems(places: Places, original: Model): Diagnostic[] {
  const path = outputPath(places);
  if (path === undefined) return [];
  const at: Span | undefined = places.out === undefined ? places.recipe.source.at(['output']) : undefined;
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory()) return [notAFile(path, at)];
  return there && filesOf(original).some((file) => realpathSync(file) === realpathSync(path)) ? [outputIsModel(path, at)] : [];
}
