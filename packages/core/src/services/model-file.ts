import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxError, writeModel, type Model } from '@onnxpress/onnx';

/** A file that holds a model, with more outputs where asked for: its own where it is unchanged, else a temporary one that `clean` removes. */
export async function fileOf(model: Model, extraOutputs: readonly string[]): Promise<{ readonly path: string; clean(): Promise<void> }> {
  if (model.origin && model.revision === 0 && extraOutputs.length === 0) return { path: model.origin, clean: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'onnxpress-'));
  const clean = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'model.onnx');
    await writeModel(extraOutputs.length ? withOutputs(model, extraOutputs) : model, path);
    return { path, clean };
  } catch (e) {
    await clean();
    throw e;
  }
}

function withOutputs(model: Model, names: readonly string[]): Model {
  const copy = model.clone();
  for (const name of names) {
    const value = copy.graph.value(name);
    if (!value) throw new OnnxError('bad-edit', `The model has no value "${name}" to give out.`);
    if (!value.isOutput) copy.graph.addOutput(value);
  }
  return copy;
}
