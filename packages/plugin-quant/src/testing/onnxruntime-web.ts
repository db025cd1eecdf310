import { modelBytes } from '@onnxpress/core';
import { tried, type TriedRuntime } from './tried-runtimes.ts';

/* The only file that knows onnxruntime-web. */

const LEVELS = ['disabled', 'basic', 'all'] as const;

/** onnxruntime-web on WebAssembly in this process, one thread; undefined where it is not installed. */
export async function onnxruntimeWeb(): Promise<TriedRuntime | undefined> {
  const ort = await import('onnxruntime-web').catch(() => undefined);
  if (!ort) return undefined;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'fatal';
  return {
    name: 'onnxruntime-web',
    version: ort.env.versions.web ?? 'of no version',
    run: (model, feeds) => tried(LEVELS.map((level) => [level, level] as const), async (graphOptimizationLevel) => {
      const session = await ort.InferenceSession.create(modelBytes(model), { executionProviders: ['wasm'], graphOptimizationLevel, logSeverityLevel: 4 });
      try {
        const given = Object.fromEntries(Object.entries(feeds).map(([name, { dtype, dims, data }]) => [name, new ort.Tensor(dtype as 'float32', data as Float32Array, [...dims])])); // the library pairs each type with its own array; ours do so too
        const out = Object.values(await session.run(given))[0]!; // it has one
        return { dtype: 'float32', dims: out.dims, data: out.data as Float32Array };
      } finally {
        await session.release();
      }
    }),
  };
}
