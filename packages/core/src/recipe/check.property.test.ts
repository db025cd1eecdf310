import fc from 'fast-check';
import { expect, test } from 'vitest';
import { render } from '../diagnostics/diagnostic.ts';
import { isMap } from '../diagnostics/words.ts';
import { check } from './recipes.fixture.ts';

const VALID = {
  name: 'r', model: 'm', seed: 1,
  data: { c: { use: 'demo/texts', with: { file: 'a' } }, p: { use: 'demo/part', with: { of: 'c' } } },
  steps: ['demo/gemm', { use: 'demo/static', with: { data: 'c', mix: ['p'], range: { low: 1 } } }, { use: 'demo/magnitude', with: { sparsity: '${{ matrix.share }}' } }],
  evaluate: ['demo/size', { use: 'demo/size', as: 'b' }],
  gates: { size: { 'at-most': '30%' }, g: { use: 'eval/threshold', with: { metric: 'b.size' } } },
  reports: ['demo/file'], matrix: { share: [0.1, 0.2], exclude: [{ share: 0.2 }] }, choose: { smallest: 'size' }, runtime: { threads: 1 }, requires: { cpu: [] }, plugins: [],
};
/** Small enough for every run of the tests; a longer one takes more of the same. */
const RUNS = 200;

const anything = fc.oneof(
  fc.constantFrom<unknown>(null, '', 'demo/gemm', 'demo/size', '${{ matrix.share }}', '${{ matrix.x }}', '${{', -1, 0.5, 1e300, true, [], {}, [[]], { use: 'demo/gemm' }, { use: {} }, { with: [] }, '__proto__', 'c'),
  fc.jsonValue({ maxDepth: 3 }),
);
const key = fc.constantFrom('use', 'with', 'as', 'data', 'matrix', 'exclude', 'gates', '__proto__', 'constructor', 'toString', 'at-most', 'share', 'c', '0', 'extends', '<<', '${{ matrix.share }}');

type Edit = { readonly pick: number; readonly value: unknown; readonly key: string; readonly act: 'replace' | 'remove' | 'add' };
const edit: fc.Arbitrary<Edit> = fc.record({ pick: fc.nat(1000), value: anything, key, act: fc.constantFrom('replace', 'remove', 'add') });

/** One change anywhere in a tree. */
function changed(tree: unknown, { pick, value, key: name, act }: Edit): unknown {
  const places = placesIn(tree, []);
  const place = places[pick % places.length]!;
  const at = (node: unknown, [head, ...rest]: readonly (string | number)[]): unknown => {
    if (head === undefined) return act === 'add' && isMap(node) ? Object.fromEntries([...Object.entries(node), [name, value]]) : act === 'add' && Array.isArray(node) ? [...node, value] : value;
    if (Array.isArray(node)) return act === 'remove' && rest.length === 0 ? node.filter((_, i) => i !== head) : node.map((v: unknown, i) => (i === head ? at(v, rest) : v));
    if (!isMap(node)) return node;
    const entries = Object.entries(node);
    return Object.fromEntries(act === 'remove' && rest.length === 0 ? entries.filter(([k]) => k !== head) : entries.map(([k, v]) => [k, k === head ? at(v, rest) : v]));
  };
  return at(tree, place);
}

function placesIn(tree: unknown, path: readonly (string | number)[]): (readonly (string | number)[])[] {
  const inner: [string | number, unknown][] = Array.isArray(tree) ? [...tree.entries()] : isMap(tree) ? Object.entries(tree) : [];
  return [path, ...inner.flatMap(([k, v]) => placesIn(v, [...path, k]))];
}

/** Checks a text; every mistake must have a place within it and can be shown. */
function survives(text: string): void {
  const { recipe, diagnostics } = check(text);
  expect(recipe === undefined).toBe(diagnostics.length > 0);
  for (const d of diagnostics) {
    expect(d.at, d.code).toBeDefined();
    expect(d.at!.start).toBeLessThanOrEqual(d.at!.end);
    expect(d.at!.end).toBeLessThanOrEqual(d.at!.text.length);
    expect(render(d)).toContain(d.message);
  }
}

test('the recipe that is changed below is right', () => {
  expect(check(JSON.stringify(VALID)).diagnostics).toEqual([]);
});

test('a recipe with things replaced, removed and added is checked to its end', () => {
  fc.assert(fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => survives(JSON.stringify(edits.reduce<unknown>(changed, VALID), undefined, 1))), { numRuns: RUNS });
});

test('a recipe with characters changed is checked to its end', () => {
  const text = 'name: r\nmodel: m\ndata:\n  c: &c { use: demo/texts, with: { file: a } }\nsteps:\n  - demo/gemm\n  - use: demo/static\n    with: { data: c, mix: [*c] }\ngates: { size: { at-most: 30% } }\n';
  const slip = fc.record({ at: fc.nat(text.length), length: fc.nat(4), by: fc.constantFrom('', ' ', '\n', '\t', ':', '- ', '{', '}', '[', ']', '"', "'", '#', '&a ', '*a', '!x ', '|', '>', '%', '@', '? ', '---\n', '...\n', '\ufeff', '\r', '\u0000', '\u0085', '🙂') });
  fc.assert(fc.property(fc.array(slip, { minLength: 1, maxLength: 8 }), (slips) => survives(slips.reduce((t, { at, length, by }) => t.slice(0, at) + by + t.slice(at + length), text))), { numRuns: RUNS });
});
