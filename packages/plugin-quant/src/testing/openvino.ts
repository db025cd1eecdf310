import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeModel } from '@onnxpress/core';
import { tried, type TriedRuntime } from './tried-runtimes.ts';

/** What is tried: another version may compute something else. */
const VERSION = '2026.4';

/** Answers each line of [path, input, dtype, dims, numbers] with [dims, numbers], or a sentence. Group size 0: no activations of few-bit products in 8 bits, which depends on the processor. */
const PROGRAM = `
import json, sys
import numpy as np
import openvino
core = openvino.Core()
for line in sys.stdin:
    path, name, dtype, dims, data = json.loads(line)
    try:
        config = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}
        out = core.compile_model(core.read_model(path), "CPU", config)({name: np.array(data, dtype).reshape(dims)})[0]
        print(json.dumps([list(out.shape), [float(v) for v in out.ravel()]]), flush=True)
    except Exception as e:
        print(json.dumps(str(e)), flush=True)
`;

/** OpenVINO of Python on the processor, in float32; undefined where this version is not installed. */
export function openvino(): TriedRuntime | undefined {
  const { stdout } = spawnSync('python3', ['-c', 'import openvino; print(openvino.__version__)'], { encoding: 'utf8' });
  if (!stdout?.startsWith(`${VERSION}.`)) return undefined; // null where there is no python3
  const child = spawn('python3', ['-c', PROGRAM], { stdio: ['pipe', 'pipe', 'ignore'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: 'OpenVINO',
    version: VERSION,
    async run(model, feeds) {
      const folder = mkdtempSync(join(tmpdir(), 'onnxpress-openvino-'));
      try {
        const path = join(folder, 'model.onnx');
        await writeModel(model, path);
        const [name, { dtype, dims, data }] = Object.entries(feeds)[0]!; // each subject has one input
        return await tried([['floats', undefined]], async () => {
          child.stdin.write(`${JSON.stringify([path, name, dtype, dims, Array.from(data, Number)])}\n`);
          const { value, done } = await answers.next();
          if (done) throw new Error('OpenVINO ended its process.');
          const made = JSON.parse(value) as string | [number[], number[]]; // what the program prints
          if (typeof made === 'string') throw new Error(made);
          return { dtype: 'float32', dims: made[0], data: Float32Array.from(made[1]) };
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    dispose: () => void child.stdin.end(),
  };
}
