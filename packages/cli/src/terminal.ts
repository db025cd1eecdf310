import type { RunEvent } from '@onnxpress/core';
import type { createLogUpdate } from 'log-update';
import type { Output } from './host.ts';
import { fit, pad } from './columns.ts';
import { duration } from './format.ts';
import { failedLine, measuredLine, progressText, stepLine, warningLine, type LineStyle } from './run-lines.ts';
import { headLine } from './table.ts';

/** Shows a run while it goes on. */
export interface Display {
  show(event: RunEvent): void;
  /** What a pass says to a person. */
  say(message: string): void;
  /** What a person should know and no event tells. */
  warn(message: string): void;
  /** Ends the display; `failed` marks what was at work as failed. Nothing may be shown afterwards. */
  stop(failed?: boolean): void;
}

interface Work {
  readonly use: string;
  readonly since: number;
  progress?: Extract<RunEvent, { readonly type: 'progress' }>;
  /** When progress was first told, and how far it was: time left is reckoned from there. */
  first?: { readonly at: number; readonly done: number };
}

/** What a display does with what it wants to say. */
interface Screen {
  line(text: string): void;
  work(now: Work | undefined, told: boolean): void;
}

export type DisplayStyle = LineStyle & {
  /** Milliseconds of a monotonic clock. */
  readonly ticks: () => number;
};

/** Lines only, for a pipe or CI: every finished thing, and progress now and then. */
export function plainDisplay(out: Output, style: DisplayStyle): Display {
  let last = -Infinity;
  return display(style, {
    line: (text) => out.write(`${text}\n`),
    work(now, told) {
      if (!now?.progress || !told) return;
      last = Math.max(last, now.since);
      if (style.ticks() - last < QUIET_MS) return;
      last = style.ticks();
      const { what, done, of } = now.progress;
      out.write(`    ${now.use}  ${[what, `${done}/${of}`].filter((w) => w !== '').join(' ')}\n`);
    },
  });
}

/** Finished lines stay and the one at work moves: a spinner, a bar, the time left. */
export function liveDisplay(out: Output, style: DisplayStyle, logUpdate: typeof createLogUpdate, signal: AbortSignal): Display {
  const update = logUpdate(out as NodeJS.WritableStream); // it calls write and reads columns and rows, no more
  let at: Work | undefined;
  let frame = 0;
  const paint = (): void => {
    if (at) update(fit(workLine(at, FRAMES[frame % FRAMES.length]!, style, signal.aborted), (out.columns ?? 80) - 1));
  };
  const timer = setInterval(() => {
    frame++;
    paint();
  }, FRAME_MS);
  timer.unref();
  const shown = display(style, {
    line(text) {
      update.clear();
      out.write(`${text}\n`); // the terminal wraps it, and wraps it anew when it is resized
      paint();
    },
    work(now) {
      if (!now && at) update.clear();
      at = now;
      paint();
    },
  });
  return {
    ...shown,
    stop(failed) {
      clearInterval(timer);
      shown.stop(failed);
      update.done();
    },
  };
}

/** A line of progress at most this often where lines stay. */
const QUIET_MS = 10_000;
const FRAME_MS = 80;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
/** Before that, a guess at the time left is no better than none. */
const GUESS_AFTER_MS = 1000;

function display(style: DisplayStyle, screen: Screen): Display {
  const warned = new Set<string>();
  let variant = '';
  let work: Work | undefined;

  const begin = (use: string): void => {
    work = { use, since: style.ticks() };
    screen.work(work, false);
  };
  const finish = (line: string): void => {
    work = undefined;
    screen.work(undefined, false);
    screen.line(line);
  };
  const warn = (message: string, use: string | undefined): void => {
    const key = `${variant}\n${use}\n${message}`;
    if (warned.has(key)) return;
    warned.add(key);
    screen.line(warningLine(message, use, style));
  };

  return {
    show(event) {
      if ('variant' in event && event.variant !== variant) {
        variant = event.variant;
        screen.line(`  ${style.colors.bold(variant)}`);
      }
      switch (event.type) {
        case 'started': return screen.line(headLine(event.name, event.model, style));
        case 'step-started': return begin(event.use);
        case 'progress':
          if (work?.use !== event.use) begin(event.use);
          if (work) {
            work.progress = event;
            work.first ??= { at: style.ticks(), done: event.done };
          }
          return screen.work(work, true);
        case 'step':
          finish(stepLine(event, style));
          for (const message of event.warnings) warn(message, event.use);
          return;
        case 'measured': return finish(measuredLine(event, style));
        case 'warning': return warn(event.message, event.use);
        case 'judged': case 'variant-done': case 'done': return;
      }
    },
    say: (message) => screen.line(`    ${style.colors.dim(message)}`),
    warn: (message) => warn(message, undefined),
    stop(failed = false) {
      const use = work?.use;
      work = undefined;
      screen.work(undefined, false);
      if (failed && use !== undefined) screen.line(failedLine(use, style));
    },
  };
}

function workLine(work: Work, spinner: string, style: DisplayStyle, stopping: boolean): string {
  const { colors, nameWidth } = style;
  const now = style.ticks();
  const head = `  ${colors.cyan(spinner)} ${pad(work.use, nameWidth)}  `;
  if (stopping) return `${head}${colors.yellow('stopping; Ctrl-C again ends it at once')}`;
  if (work.progress) return head + progressText(work.progress, timeLeft(work, now), style);
  return head + (now - work.since < GUESS_AFTER_MS ? '' : colors.dim(duration(Math.floor((now - work.since) / 1000) * 1000).replace('.0 s', ' s')));
}

function timeLeft({ progress, first }: Work, now: number): number | undefined {
  if (!progress || !first || now - first.at < GUESS_AFTER_MS || progress.done <= first.done) return undefined;
  return ((now - first.at) / (progress.done - first.done)) * (progress.of - progress.done);
}

