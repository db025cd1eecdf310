import { cosineOf, least } from '../statistics.ts';
import { vectorAt, type Encoder, type Vectors } from './encoder.ts';

/** How many texts are compared, and how many of them share a batch with the long one. */
const sample = 64;
const together = 8;

/**
 * How much a text's vector depends on its batch: the smallest cosine between the vectors of a text alone and in a batch beside a long text.
 * 1, but for rounding, unless kernels look at the whole batch, as DynamicQuantizeLinear does, which takes one scale for it; a padding that leaks shows too.
 */
export async function batchConsistency(encoder: Encoder, texts: readonly string[], long: string): Promise<number> {
  const some = texts.slice(0, sample);
  const cosines: number[] = [];
  for (let start = 0; start < some.length; start += together) {
    const group = some.slice(start, start + together);
    const beside: Vectors = await encoder.embedTogether([...group, long]);
    for (const [row, text] of group.entries()) {
      const alone = await encoder.embedTogether([text]);
      cosines.push(cosineOf(vectorAt(alone, 0), vectorAt(beside, row)));
    }
  }
  return least(cosines);
}
