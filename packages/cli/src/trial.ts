import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInterruption, planRun, previewSteps, run, Source, type Preview, type RunRequest } from '@onnxpress/core';
import type { Shell } from './shell.ts';
import { openSource, withServices } from './workspace.ts';
import { call, scalar } from './yaml.ts';

/* Trying things on a model before a recipe says them. Everything happens in a folder that is thrown away. */

/** What steps without data would do to a model. Throws what a pass throws. */
export function trySteps(shell: Shell, model: string, steps: readonly string[]): Promise<Preview> {
  return inTemporary(shell, model, [`steps: [${steps.map(scalar).join(', ')}]`], async (request, signal) =>
    withServices(shell, async (services) => {
      const plan = await planRun(request, services, signal);
      return previewSteps(plan, plan.variants[0]!, services, signal); // without a matrix there is one
    }, request.registry));
}

/** Whether an evaluator can measure a model, found out by measuring it once against itself. */
export function canMeasure(shell: Shell, model: string, use: string, options: Readonly<Record<string, unknown>>): Promise<boolean> {
  return inTemporary(shell, model, ['steps: []', `evaluate: [${call(use, options)}]`], async (request, signal) =>
    withServices(shell, async (services) => {
      try {
        for await (const _ of run(await planRun(request, services, signal), services, signal));
        return true;
      } catch (e) {
        if (isInterruption(e)) throw e;
        return false;
      }
    }, request.registry));
}

async function inTemporary<T>(shell: Shell, model: string, lines: readonly string[], use: (request: RunRequest, signal: AbortSignal) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'onnxpress-init-'));
  try {
    const file = join(folder, 'onnxpress.yaml');
    const source = new Source(file, [`model: ${scalar(model)}`, ...lines, ''].join('\n'), file);
    const { recipe, registry } = await openSource(shell, source, source.problems, {});
    return await use({ recipe, registry, cache: { folder: join(folder, 'cache'), mode: 'use' } }, shell.host.signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
