import { readFileSync } from 'node:fs';
import type { RunEvent } from '@onnxpress/core';
import type { Project } from './project.ts';

/** A package that a project may depend on: its reporter writes down every event of a run. */
const RECORDER = `import { writeFileSync } from 'node:fs';
import { definePlugin, defineReporter } from '@onnxpress/core';

const events = defineReporter({
  name: 'recorder/events',
  summary: 'Writes down every event.',
  options: { file: { type: 'string', required: true, description: 'Where to.' } },
  report({ file }, ctx) {
    const all = [];
    return (event) => {
      all.push(event);
      if (event.type === 'done') writeFileSync(ctx.resolve(file), JSON.stringify(all));
    };
  },
});
export default definePlugin({ name: 'recorder', reporters: [events] });
`;

/** Runs a project's recipe once more, without its cache and elsewhere than its output, and gives what happened. */
export async function eventsOf(project: Project): Promise<RunEvent[]> {
  project
    .write('package.json', JSON.stringify({ dependencies: { recorder: '1.0.0' } }))
    .write('node_modules/recorder/package.json', JSON.stringify({ name: 'recorder', version: '1.0.0', type: 'module', main: 'index.js', keywords: ['onnxpress-plugin'] }))
    .write('node_modules/recorder/index.js', RECORDER)
    .write('recorded.yaml', 'extends: ./onnxpress.yaml\noutput: recorded/model.onnx\nreports: [{ use: recorder/events, with: { file: events.json } }]\n');
  const { code, stderr } = await project.run('run recorded.yaml --no-cache');
  if (!project.has('events.json')) throw new Error(`The recorded run ended with ${code}: ${stderr}`);
  return JSON.parse(readFileSync(project.path('events.json'), 'utf8')) as RunEvent[]; // the recorder above wrote them
}
