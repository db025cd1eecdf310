import { expect, test } from 'vitest';
import plugin from './index.ts';

test('every contribution carries the prefix of the plugin, and no two share a name', () => {
  const names = [...plugin.datasets!, ...plugin.evaluators!, ...plugin.gates!].map(({ name }) => name);
  expect(names).toEqual(['eval/beir', 'eval/texts', 'eval/tensors', 'eval/images', 'eval/random', 'eval/retrieval', 'eval/latency', 'eval/size', 'eval/cosine', 'eval/perplexity', 'eval/threshold']);
  expect(names.every((name) => name.startsWith(`${plugin.name}/`))).toBe(true);
});
