import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { OnnxError, type Model } from '@onnxpress/onnx';

/** What the other process does: no more than loading. */
const LOAD = 'const [, library, path, level] = process.argv; require(library).InferenceSession.create(path, { graphOptimizationLevel: level, logSeverityLevel: 4 }).catch(() => {});';

/** Whether loading the model may end the process: onnxruntime 1.30 does so as it moves a Transpose without `perm` before a DequantizeLinear of several scales. */
export const isRisky = (model: Model): boolean => [...model.nodes()].some((n) => n.is('Transpose') && ['DequantizeLinear', 'QuantizeLinear'].includes(n.inputs[0]?.producer?.opType ?? ''));

/** Loads a model in a process of its own. Throws `unsupported` where that ends by a signal; that loading fails in another way is for the caller to find. */
export async function tryToLoad(path: string, level: string): Promise<void> {
  const library = createRequire(import.meta.url).resolve('onnxruntime-node');
  const signal = await new Promise<string | undefined>((done) => {
    execFile(process.execPath, ['-e', LOAD, library, path, level], (error) => done(error?.signal ?? undefined));
  });
  if (signal !== undefined) throw new OnnxError('unsupported', `onnxruntime would end this process as it loads the model: ${signal}.`);
}
