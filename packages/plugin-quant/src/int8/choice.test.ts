import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chosenForms, TIMES, type Candidate, type Form } from './choice.ts';

const candidate = (tensor: number, token: number, blocks?: number, work = 100): Candidate => ({ work, errors: { tensor, token, ...(blocks === undefined ? {} : { blocks }) } });

test('without room for anything slower, the fastest form is everywhere', () => {
  expect(chosenForms([candidate(1, 0.1), candidate(2, 0.1)], 0)).toEqual(['tensor', 'tensor']);
});

test('what there is room for goes where it takes away most error', () => {
  const one = (TIMES.token - TIMES.tensor) / (3 * TIMES.tensor);
  expect(chosenForms([candidate(1, 0.5), candidate(3, 0.5), candidate(1, 0.6)], one * 1.01)).toEqual(['tensor', 'token', 'tensor']);
});

test('a small layer goes before a large one with the same gain', () => {
  const small = (TIMES.token - TIMES.tensor) / (11 * TIMES.tensor);
  expect(chosenForms([candidate(1, 0.5, undefined, 10), candidate(1, 0.5, undefined, 1)], small * 1.01)).toEqual(['tensor', 'token']);
});

test('with room for all, a layer takes the best form', () => {
  expect(chosenForms([candidate(1, 0.5, 0.1), candidate(1, 0.2, 0.3)], 1)).toEqual(['blocks', 'token']);
});

test('what hardly takes away any error is not worth its time', () => {
  expect(chosenForms([candidate(1, 0.1), candidate(0.001, 0)], 1)).toEqual(['token', 'tensor']);
});

test('the time is kept to, and no change makes an error larger', () => {
  const error = fc.double({ min: 0, max: 1, noNaN: true });
  const any = fc.record({ work: fc.integer({ min: 1, max: 1000 }), errors: fc.record({ tensor: error, token: error, blocks: error }) });
  fc.assert(fc.property(fc.array(any, { minLength: 1, maxLength: 8 }), fc.double({ min: 0, max: 1, noNaN: true }), (candidates, slowdown) => {
    const forms = chosenForms(candidates, slowdown);
    const time = (of: (i: number) => Form): number => candidates.reduce((sum, { work }, i) => sum + work * TIMES[of(i)], 0);
    expect(time((i) => forms[i]!)).toBeLessThanOrEqual(time(() => 'tensor') * (1 + slowdown) * (1 + 1e-9)); // sums of floats
    for (const [i, form] of forms.entries()) expect(candidates[i]!.errors[form]).toBeLessThanOrEqual(candidates[i]!.errors.tensor);
  }), { numRuns: 200 });
});
