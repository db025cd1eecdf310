/** How a product is computed in 8 bits: activations with one scale, with a scale per token, or with a scale per block of a token (MatMulNBits). */
export type Form = 'tensor' | 'token' | 'blocks';

/**
 * The time of a product relative to float32, the mean of 1 × 32, 8 × 128 and 32 × 128 tokens of an encoder, on a processor with AVX512-VNNI and 2 threads.
 * A table and no clock: the same recipe makes the same file.
 */
export const TIMES: Readonly<Record<Form, number>> = { tensor: 0.49, token: 0.65, blocks: 0.73 };

/** What an upgrade must take away of all the error that is left. */
const WORTH = 0.01;

/** Layers that read one activation: they share how it is quantized, and change form together. */
export interface Candidate {
  /** Multiplications per token. */
  readonly work: number;
  /** Error of the outputs in each form that there is, summed over the layers. */
  readonly errors: Readonly<Partial<Record<Form, number>>>;
}

/**
 * A form for each candidate: the fastest everywhere, then again and again the change that takes away most error for the time it adds, while all products
 * together take at most `slowdown` longer than in the fastest form, and while it takes away a hundredth of what is left. The first of equals.
 */
export function chosenForms(candidates: readonly Candidate[], slowdown: number): Form[] {
  const forms = candidates.map((c) => formsOf(c)[0]!); // a candidate has a form
  const timeOf = (i: number, form: Form): number => candidates[i]!.work * TIMES[form];
  let left = slowdown * forms.reduce((sum, form, i) => sum + timeOf(i, form), 0);
  for (;;) {
    const error = forms.reduce((sum, form, i) => sum + candidates[i]!.errors[form]!, 0);
    const best = bestChange(error * WORTH);
    if (!best) return forms;
    left -= timeOf(best.index, best.form) - timeOf(best.index, forms[best.index]!);
    forms[best.index] = best.form;
  }

  function bestChange(least: number): { readonly index: number; readonly form: Form } | undefined {
    let best: { readonly index: number; readonly form: Form; readonly value: number } | undefined;
    for (const [index, from] of forms.entries()) {
      for (const form of formsOf(candidates[index]!)) {
        const [time, gain] = [timeOf(index, form) - timeOf(index, from), candidates[index]!.errors[from]! - candidates[index]!.errors[form]!];
        if (time <= 0 || time > left || gain <= least) continue;
        if (!best || gain / time > best.value) best = { index, form, value: gain / time };
      }
    }
    return best;
  }
}

/** The forms that a candidate has, the fastest first. */
const formsOf = ({ errors }: Candidate): Form[] => (Object.keys(TIMES) as Form[]).filter((form) => errors[form] !== undefined); // the table's keys are forms
