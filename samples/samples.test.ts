import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from '@onnxpress/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { built, ifBuilt, type Ended } from './testing/cli.ts';
import { plainEvents, plainText } from './testing/normalize.ts';
import { Project } from './testing/project.ts';
import { eventsOf } from './testing/recorder.ts';

/*
 * Every folder here with an onnxpress.yaml is a project that a user could have. It is copied, its commands are called (commands.txt, one to a line, or
 * `onnxpress run`), and what comes out is compared with its folder `expected`. After a change that is meant: npx vitest run samples --update
 */
const here = dirname(fileURLToPath(import.meta.url));
const samples = readdirSync(here).filter((name) => existsSync(join(here, name, 'onnxpress.yaml')));

describe.skipIf(!built)(`samples${ifBuilt}`, () => {
  describe.each(samples)('%s', (name) => {
    const expected = (file: string): string => join(here, name, 'expected', file);
    let project: Project;
    let said: string;
    beforeAll(async () => {
      project = await Project.of(join(here, name));
      said = await transcript(project, commandsOf(join(here, name)));
    });
    afterAll(() => project.remove());

    test('says what it should', async () => {
      await expect(said).toMatchFileSnapshot(expected('stdout.txt'));
    });

    test('leaves the model that it should, and nothing unfinished', async () => {
      await expect(project.text(resultOf(project))).toMatchFileSnapshot(expected('model.onnxtxt'));
      expect(project.leftovers()).toEqual([]);
    });

    test('tells the events that it should', async () => {
      await expect(plainEvents(await eventsOf(project))).toMatchFileSnapshot(expected('events.json'));
    });
  });
});

function commandsOf(sample: string): string[] {
  const file = join(sample, 'commands.txt');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : ['onnxpress run'];
}

/** The model that the report names, or the one that is there: a failed gate leaves the old one. */
function resultOf(project: Project): string {
  const { output } = JSON.parse(readFileSync(project.path('result/report.json'), 'utf8')) as Pick<Report, 'output'>; // a run wrote it
  return output === undefined ? 'result/model.onnx' : relative(project.folder, output);
}

/** What a terminal would show of all commands, with their exit codes. */
async function transcript(project: Project, commands: readonly string[]): Promise<string> {
  let text = '';
  for (const command of commands) text += `$ ${command}\n${shown(await project.run(command.replace(/^onnxpress /, '')))}`;
  return plainText(text, project.folder);
}

const shown = ({ code, stdout, stderr }: Ended): string => `${stdout}${stderr}[exit code ${code}]\n`;
