import { expect, test } from 'vitest';
import { colorsFor } from './colors.ts';
import { failureLines, headLine, reportLines } from './table.ts';
import { facts, MADE, report, variant } from './testing.ts';

const style = { colors: colorsFor(false), now: MADE };
const table = (given = report, reportFile?: string): string => `\n${reportLines(given, style, reportFile).join('\n')}\n`;

test('the head names the run and weighs the model', () => {
  expect(headLine('retriever-int8', facts, style)).toMatchInlineSnapshot(`"retriever-int8  models/minilm/onnx/model.onnx  90.4 MB · 22.6 M weights · opset 14"`);
});

test('a passed run is a table of metrics and gates, and where the result lies', () => {
  expect(table(report, 'out/report.json')).toMatchInlineSnapshot(`
    "
                   original  result   change       gate
      size         90.4 MB   23.0 MB  25.4 %       ≤ 30 %  ✔
      ndcg@10      0.3733    0.3726   99.8 %       ≥ 97 %  ✔  (95 %: 98.1–101.4 %, n = 225)
      latency p50  10.2 ms   4.6 ms   2.2× faster  ≤ 60 %  ✔
      → out/minilm-int8.onnx   report: out/report.json
    "
  `);
});

test('a failed gate has its mark, and an interval that contains the bound is said', () => {
  const [size, ndcg] = variant.gates;
  const gates = [size!, { ...ndcg!, ok: false, inconclusive: true, detail: '95 %: 96.2–99.1 %, n = 60' }];
  expect(table({ ...report, ok: false, output: undefined, variants: [{ ...variant, ok: false, gates }] })).toMatchInlineSnapshot(`
    "
                   original  result   change       gate
      size         90.4 MB   23.0 MB  25.4 %       ≤ 30 %  ✔
      ndcg@10      0.3733    0.3726   99.8 %       ≥ 97 %  ✘  (inconclusive, 95 %: 96.2–99.1 %, n = 60)
      latency p50  10.2 ms   4.6 ms   2.2× faster
    "
  `);
});

test('two gates on one metric have a line each, and a gate on no metric has its own', () => {
  const [size, ndcg] = variant.gates;
  const gates = [size!, { ...size!, bound: '≤ 30 MB' }, { ...ndcg!, metric: 'drift', bound: 'none', ok: false }];
  expect(table({ ...report, variants: [{ ...variant, gates }] })).toMatchInlineSnapshot(`
    "
                   original  result   change       gate
      size         90.4 MB   23.0 MB  25.4 %       ≤ 30 %   ✔
                                                   ≤ 30 MB  ✔
      ndcg@10      0.3733    0.3726   99.8 %
      latency p50  10.2 ms   4.6 ms   2.2× faster
      drift                                        none     ✘  (95 %: 98.1–101.4 %, n = 225)
      → out/minilm-int8.onnx
    "
  `);
});

test('a gate finds the metric of a named evaluator where there is only one', () => {
  const metrics = [{ ...variant.metrics[1]!, metric: 'cranfield.ndcg@10' }];
  expect(table({ ...report, output: undefined, variants: [{ ...variant, metrics, gates: [variant.gates[1]!] }] })).toMatchInlineSnapshot(`
    "
                         original  result  change  gate
      cranfield ndcg@10  0.3733    0.3726  99.8 %  ≥ 97 %  ✔  (95 %: 98.1–101.4 %, n = 225)
    "
  `);
});

test('numbers from the cache say how old they are, and remarks follow the table', () => {
  const hours = 3 * 3600_000;
  const evaluations = variant.evaluations.map((e, i) => ({ ...e, cached: i > 0, at: MADE - hours, remarks: i === 2 ? ['Timing stopped after 20 s with 9 of 50 rounds.'] : [] }));
  expect(table({ ...report, variants: [{ ...variant, evaluations }] })).toMatchInlineSnapshot(`
    "
                   original  result   change       gate
      size         90.4 MB   23.0 MB  25.4 %       ≤ 30 %  ✔
      ndcg@10      0.3733    0.3726   99.8 %       ≥ 97 %  ✔  (95 %: 98.1–101.4 %, n = 225)
      latency p50  10.2 ms   4.6 ms   2.2× faster  ≤ 60 %  ✔
      eval/latency: Timing stopped after 20 s with 9 of 50 rounds.
      eval/retrieval, eval/latency: measured 3 h ago, from the cache (--fresh measures anew)
      → out/minilm-int8.onnx
    "
  `);
});

test('a long table keeps what is judged and the main metric of each evaluator; --all shows it whole', () => {
  const more = ['recall@10', 'mrr@10', 'map', 'overlap@10', 'tau@10', 'cosine', 'cosine.min', 'cross'].map((metric) => ({ ...variant.metrics[1]!, metric }));
  const [size, ndcg, latency] = variant.metrics;
  const long = { ...report, output: undefined, variants: [{ ...variant, metrics: [size!, ndcg!, ...more, latency!], gates: [{ ...variant.gates[1]!, metric: 'map' }] }] };
  expect(table(long)).toMatchInlineSnapshot(`
    "
                   original  result   change       gate
      size         90.4 MB   23.0 MB  25.4 %
      ndcg@10      0.3733    0.3726   99.8 %
      map          0.3733    0.3726   99.8 %       ≥ 97 %  ✔  (95 %: 98.1–101.4 %, n = 225)
      latency p50  10.2 ms   4.6 ms   2.2× faster
      and 7 more metrics: --all shows them
    "
  `);
  expect(reportLines(long, { ...style, all: true })).toHaveLength(1 + long.variants[0]!.metrics.length);
});

test('a gate that only warns has a mark of its own, and says why below', () => {
  const gates = [{ ...variant.gates[1]!, inconclusive: true, warn: true, message: 'the interval contains the bound.' }];
  const warned = { ...report, variants: [{ ...variant, gates }] };
  expect(table(warned)).toMatch(/ndcg@10 .* ≥ 97 % {2}! {2}\(inconclusive/);
  expect(failureLines(warned, style)).toEqual(['! the interval contains the bound.']);
});

test('without a choice the winner is said to be the first that passes', () => {
  expect(table({ ...report, chosen: 'b', variants: [{ ...variant, name: 'a', ok: false }, { ...variant, name: 'b' }] })).toContain('✔ b  23.0 MB  0.3726   4.6 ms       ← the first that passes');
});

test('a run without evaluations has no table', () => {
  expect(table({ ...report, variants: [{ ...variant, metrics: [], evaluations: [], gates: [] }] })).toMatchInlineSnapshot(`
    "
      → out/minilm-int8.onnx
    "
  `);
});

test('a matrix shows its candidates, and the table of the one that was chosen', () => {
  const small = { ...variant, name: 'bits=4', metrics: variant.metrics.map((m) => ({ ...m, result: m.result * 0.9 })), ok: false, gates: variant.gates.map((g) => ({ ...g, ok: g.metric !== 'ndcg@10' })) };
  expect(table({ ...report, chosen: 'bits=8', choose: { by: 'smallest', metric: 'size' }, variants: [small, { ...variant, name: 'bits=8' }] })).toMatchInlineSnapshot(`
    "
                size     ndcg@10  latency p50
      ✘ bits=4  20.7 MB  0.3353   4.1 ms
      ✔ bits=8  23.0 MB  0.3726   4.6 ms       ← chosen

                   original  result   change       gate
      size         90.4 MB   23.0 MB  25.4 %       ≤ 30 %  ✔
      ndcg@10      0.3733    0.3726   99.8 %       ≥ 97 %  ✔  (95 %: 98.1–101.4 %, n = 225)
      latency p50  10.2 ms   4.6 ms   2.2× faster  ≤ 60 %  ✔
      → out/minilm-int8.onnx
    "
  `);
});

test('candidates show the metric that the winner is chosen by, judged or not', () => {
  const variants = ['a', 'b'].map((name, i) => ({ ...variant, name, gates: [], metrics: variant.metrics.map((m) => ({ ...m, result: m.result / (i + 1) })) }));
  const lines = table({ ...report, chosen: 'b', choose: { by: 'smallest', metric: 'size' }, variants }).split('\n');
  expect(lines.slice(1, 4)).toEqual(['       size', '  ✔ a  23.0 MB', '  ✔ b  11.5 MB  ← chosen']);
});

test('each failed gate has one line, which says what now', () => {
  const gates = variant.gates.map((g) => (g.metric === 'size' ? { ...g, ok: false, message: 'size is 41.0 % of the original, and at most 30 % was asked. Quantize more, or allow more.' } : g));
  expect(failureLines({ ...report, ok: false, chosen: undefined, variants: [{ ...variant, gates }] }, style)).toEqual(['✘ size is 41.0 % of the original, and at most 30 % was asked. Quantize more, or allow more.']);
});

test('candidates that failed beside one that passed are no failure', () => {
  const failed = { ...variant, name: 'bits=4', ok: false, gates: variant.gates.map((g) => ({ ...g, ok: false })) };
  expect(failureLines({ ...report, chosen: 'bits=8', variants: [failed, { ...variant, name: 'bits=8' }] }, style)).toEqual([]);
});

test('a long remark is broken where the terminal ends', () => {
  const evaluations = [{ ...variant.evaluations[0]!, remarks: ['One sentence that is longer than the terminal is wide.'] }];
  const lines = reportLines({ ...report, variants: [{ ...variant, evaluations }] }, { ...style, cells: 40 });
  expect(lines.slice(4, 6)).toEqual(['  eval/size: One sentence that is', '    longer than the terminal is wide.']);
});
