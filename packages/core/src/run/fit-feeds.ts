import { dataMisfit } from '../diagnostics/catalogue.ts';
import { RunError } from '../diagnostics/errors.ts';
import type { Feeds } from '../services/tokens.ts';

/**
 * The feeds of an example as a model with these inputs takes them: one without a name goes to the only input, and what the model does not ask for is left
 * out. Throws `data-misfit` where an input gets nothing.
 */
export function fitFeeds(feeds: Feeds, inputs: readonly string[]): Feeds {
  const [only] = inputs;
  const named: Feeds = inputs.length === 1 && only !== undefined && feeds[only] === undefined && feeds[''] !== undefined ? { [only]: feeds[''] } : feeds;
  const missing = inputs.filter((name) => named[name] === undefined);
  if (missing.length > 0) throw new RunError(dataMisfit(missing, Object.keys(feeds)));
  return Object.fromEntries(inputs.map((name) => [name, named[name]!]));
}
