import { Clock, Log, type Recipe, type Services } from '@onnxpress/core';
import type { Shell } from './shell.ts';
import { liveDisplay, plainDisplay, type Display } from './terminal.ts';
import { width } from './columns.ts';
import { nameOf } from './run-lines.ts';

/** Starts the display that fits whoever looks, and sends what passes say through it. */
export async function startDisplay(shell: Shell, recipe: Recipe, services: Services): Promise<Display> {
  const out = shell.speech;
  const clock = services.get(Clock);
  const style = {
    colors: shell.colorsOf(out),
    nameWidth: Math.max(...[...recipe.steps, ...recipe.evaluate].map((call) => width(nameOf(call))), 0),
    ticks: () => clock.ticks(),
  };
  const live = out.isTTY === true && (out.columns ?? 0) > 0 && (out.rows ?? 0) > 0 && !shell.host.env['CI'] && shell.host.env['TERM'] !== 'dumb';
  const display = live ? liveDisplay(out, style, (await import('log-update')).createLogUpdate, shell.host.signal) : plainDisplay(out, style);
  services.set(Log, { info: (message) => display.say(message), warn: (message) => display.warn(message) });
  return display;
}
