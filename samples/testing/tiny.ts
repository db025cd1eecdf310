import { Project } from './project.ts';

/* The least that can be run: a model of one product, a pass of somebody's own that can be told to wait, and a recipe. */

const model = (rows: number, columns: number): string => `<ir_version: 8, opset_import: ["" : 17]>
tiny (float[N, ${rows}] x) => (float[N, ${columns}] y) <float[${rows}, ${columns}] w = {${Array.from({ length: rows * columns }, (_, i) => ((i * 37) % 101) - 50).join(', ')}}> {
  a = Identity (x)
  b = MatMul (a, w)
  y = Relu (b)
}`;

export const MODEL = model(16, 16);
/** The same with weights that take some room: 64 kB, and 16 kB as int8. */
export const LARGER = model(16, 1024);

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

/** Where a file named "hold" is, it says that it has arrived, and goes on when that file is gone or it is told to stop. */
const WAIT = `import { existsSync, writeFileSync } from 'node:fs';
import { definePass, definePlugin } from '@onnxpress/core';

const here = definePass({
  name: 'wait/here',
  summary: 'Waits while a file is there.',
  numerics: 'exact',
  async run(model, options, ctx) {
    const hold = ctx.resolve('hold');
    if (existsSync(hold)) writeFileSync(ctx.resolve(\`arrived-\${process.pid}\`), '');
    while (existsSync(hold)) {
      ctx.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    model.metadata.set('waited', 'yes');
  },
});
export default definePlugin({ name: 'wait', passes: [here] });
`;

/** A new project that `onnxpress run` passes in. */
export async function tinyProject(recipe: string = RECIPE, model: string = MODEL): Promise<Project> {
  const project = new Project().write('onnxpress.yaml', recipe).write('wait.mjs', WAIT);
  return project.model('model.onnx', model);
}
