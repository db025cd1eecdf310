import type { RunEvent, StepDone } from '@onnxpress/core';
import { expect, test } from 'vitest';
import { colorsFor } from './colors.ts';
import { liveDisplay, plainDisplay, type Display } from './terminal.ts';
import { facts } from './testing.ts';

interface Clock {
  ms: number;
}

const step = (more: Partial<StepDone> = {}): RunEvent => ({
  type: 'step', variant: '', index: 0, use: 'fusion/simplify', key: 'k', numerics: 'rounding', cached: false, changed: true, ms: 1234,
  nodes: [431, 196], bytes: [90_000_000, 90_000_000], counts: {}, warnings: [], verify: 'outputs agree to 2.1e-6', ...more,
});
const started: RunEvent = { type: 'started', name: 'retriever-int8', model: facts, variants: [''], fingerprint: 'f' };
const progress = (done: number): RunEvent => ({ type: 'progress', variant: '', phase: 'step', use: 'quant/static', done, of: 256, what: 'calibrating' });
const style = (clock: Clock) => ({ colors: colorsFor(false), nameWidth: 15, ticks: () => clock.ms });

function plain(events: (show: Display, clock: Clock) => void): string {
  const clock = { ms: 0 };
  let text = '';
  events(plainDisplay({ write: (t) => (text += t) }, style(clock)), clock);
  return `\n${text}`;
}

test('a pipe gets a line for each finished thing', () => {
  expect(plain((display) => {
    display.show(started);
    display.show({ type: 'step-started', variant: '', index: 0, use: 'fusion/simplify' });
    display.show(step());
    display.show(step({ use: 'quant/dynamic', numerics: 'lossy', cached: true, nodes: [196, 250], bytes: [90_000_000, 22_800_000], counts: { products: 36 }, records: [{ name: 'a', values: { error: 0.08125 } }, { name: 'b', values: { error: 0.01 } }, { name: 'c', values: { error: 0.5 } }], verify: 'not compared: the pass changes numbers on purpose' }));
    display.show(step({ use: 'fusion/again', changed: false, nodes: [250, 250], verify: undefined }));
    display.show(step({ use: 'fusion/wrong', changed: false, nodes: [250, 250], rolledBack: 'rolled back. The model before and after compute different things.' }));
    display.show({ type: 'measured', variant: '', use: 'eval/size', measured: { original: { metrics: {} }, result: { metrics: {} } }, ms: 3, cached: false, at: 0 });
    display.stop();
  })).toMatchInlineSnapshot(`
    "
    retriever-int8  models/minilm/onnx/model.onnx  90.4 MB · 22.6 M weights · opset 14
      ✔ fusion/simplify      1.2 s  nodes 431 → 196 · outputs agree to 2.1e-6
      ✔ quant/dynamic       cached  nodes 196 → 250 · weights 90.0 MB → 22.8 MB · 36 products · error .0813, at most .500
      ✔ fusion/again         1.2 s  nothing to change
      ↶ fusion/wrong         1.2 s  rolled back: it changed what the model computes
      ✔ eval/size             3 ms
    "
  `);
});

test('a pipe hears of progress now and then', () => {
  expect(plain((display, clock) => {
    display.show({ type: 'step-started', variant: '', index: 0, use: 'quant/static' });
    for (let done = 0; done <= 256; done += 32) {
      display.show(progress(done));
      clock.ms += 4000;
    }
    display.stop();
  })).toMatchInlineSnapshot(`
    "
        quant/static  calibrating 96/256
        quant/static  calibrating 192/256
    "
  `);
});

test('a warning is said once, though the step repeats it', () => {
  expect(plain((display) => {
    display.show({ type: 'warning', variant: '', message: 'One table is shared.', use: 'fusion/simplify' });
    display.show(step({ warnings: ['One table is shared.'], verify: undefined }));
  })).toMatchInlineSnapshot(`
    "
      ! fusion/simplify: One table is shared.
      ✔ fusion/simplify      1.2 s  nodes 431 → 196
    "
  `);
});

test('what was at work when the run failed is marked', () => {
  expect(plain((display) => {
    display.show({ type: 'step-started', variant: '', index: 0, use: 'quant/static' });
    display.stop(true);
  })).toBe('\n  ✘ quant/static\n');
});

test('candidates of a matrix have a heading each', () => {
  expect(plain((display) => {
    display.show(step({ variant: 'bits=4', verify: undefined } as Partial<StepDone>));
    display.show(step({ variant: 'bits=8', verify: undefined } as Partial<StepDone>));
  })).toMatchInlineSnapshot(`
    "
      bits=4
      ✔ fusion/simplify      1.2 s  nodes 431 → 196
      bits=8
      ✔ fusion/simplify      1.2 s  nodes 431 → 196
    "
  `);
});

/** A terminal that remembers every frame and every line that stays. */
function live(events: (display: Display, clock: Clock, abort: () => void) => void): { frames: string[]; lines: string[] } {
  const clock = { ms: 0 };
  const [frames, lines]: [string[], string[]] = [[], []];
  const abort = new AbortController();
  const update = Object.assign((text: string) => void frames.push(text), { clear() {}, done() {}, persist() {} });
  const display = liveDisplay({ write: (text) => lines.push(text.trimEnd()), columns: 100, isTTY: true }, style(clock), () => update, abort.signal);
  events(display, clock, () => abort.abort());
  display.stop();
  return { frames, lines };
}

test('a terminal sees a spinner, a bar, and the time left once it can be told', () => {
  const { frames } = live((display, clock) => {
    display.show({ type: 'step-started', variant: '', index: 0, use: 'quant/static' });
    display.show(progress(0));
    clock.ms = 5000;
    display.show(progress(160));
  });
  expect(frames).toEqual([
    '  ⠋ quant/static     ',
    '  ⠋ quant/static     ░░░░░░░░░░░░░░░░░░░░  calibrating 0/256',
    '  ⠋ quant/static     █████████████░░░░░░░  calibrating 160/256 · 3 s left',
  ]);
});

test('finished lines stay on a terminal', () => {
  const { lines } = live((display) => {
    display.show(started);
    display.show(step({ verify: undefined }));
    display.say('a word from the pass');
  });
  expect(lines).toEqual(['retriever-int8  models/minilm/onnx/model.onnx  90.4 MB · 22.6 M weights · opset 14', '  ✔ fusion/simplify      1.2 s  nodes 431 → 196', '    a word from the pass']);
});

test('Ctrl-C shows at once that the run is stopping', () => {
  const { frames } = live((display, _, abort) => {
    display.show({ type: 'step-started', variant: '', index: 0, use: 'quant/static' });
    abort();
    display.show(progress(1));
  });
  expect(frames.at(-1)).toContain('stopping');
});

test('a line never wraps: it is cut to the width of the terminal', () => {
  const { frames } = live((display) => {
    display.show({ type: 'step-started', variant: '', index: 0, use: `quant/${'x'.repeat(200)}` });
  });
  expect(frames[0]).toHaveLength(99);
});
