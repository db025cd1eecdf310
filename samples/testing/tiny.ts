import { Project } from './project.ts';

/* The least that can be run: a model of two products, a pass of somebody's own that can be told to wait, and a recipe. */

export const MODEL = `<ir_version: 8, opset_import: ["" : 17]>
tiny (float[N, 16] x) => (float[N, 16] y) <float[16, 16] w = {${Array.from({ length: 256 }, (_, i) => ((i * 37) % 101) - 50).join(', ')}}> {
  a = Identity (x)
  b = MatMul (a, w)
  y = Relu (b)
}`;

export const RECIPE = `name: tiny
model: model.onnx
output: result/tiny.onnx
plugins: [./wait.mjs]
data:
  noise: { use: eval/random, with: { shapes: { x: [2, 16] }, count: 4 } }
steps:
  - fusion/simplify
  - wait/here
  - quant/dynamic
evaluate:
  - { use: eval/cosine, with: { data: noise } }
  - eval/size
gates:
  cosine: { at-least: 0.9, sure: "off" }
`;

/** Tells that it is at work by a file named "waiting", and goes on when that file is gone or it is told to stop. Waits for nothing unless WAIT is set. */
const WAIT = `import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { definePass, definePlugin } from '@onnxpress/core';

const here = definePass({
  name: 'wait/here',
  summary: 'Waits while a file is there.',
  numerics: 'exact',
  async run(model, options, ctx) {
    const file = ctx.resolve('waiting');
    if (process.env.WAIT) writeFileSync(file, '');
    while (existsSync(file)) {
      ctx.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    model.metadata.set('waited', 'yes');
  },
});
export default definePlugin({ name: 'wait', passes: [here] });
`;

/** A new project that `onnxpress run` passes in. */
export async function tinyProject(recipe: string = RECIPE): Promise<Project> {
  const project = new Project().write('onnxpress.yaml', recipe).write('wait.mjs', WAIT);
  return project.model('model.onnx', MODEL);
}
