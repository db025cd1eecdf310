import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

/** The folder of models for extended tests, where there is one. */
export const shared = process.env['ONNXPRESS_SHARED'];
export const graphs = join(shared ?? '', 'models', 'graphs');
const fixtures = process.env['ONNXPRESS_FIXTURES'] ?? join(homedir(), '.cache', 'onnxpress-fixtures');

/** Whether Python has the module. */
export const python = (module: string): boolean => spawnSync('python3', ['-c', `import ${module}`]).status === 0;

const NEEDS: Readonly<Record<string, readonly string[]>> = { 'super-resolution-prepost': ['onnxruntime_extensions', 'PIL'], 'ppocr-det': ['PIL'] };

const text = (positions: boolean): object => ({
  seed: 0,
  cases: [{ b: 1, s: 7 }, { b: 2, s: 16 }, { b: 3, s: 5 }],
  inputs: [
    { name: 'input_ids', dtype: 'int64', shape: ['b', 's'], kind: 'integers', low: 0, high: 2000 },
    { name: 'attention_mask', dtype: 'int64', shape: ['b', 's'], kind: 'mask' },
    positions ? { name: 'position_ids', dtype: 'int64', shape: ['b', 's'], kind: 'arange', start: 0 } : { name: 'token_type_ids', dtype: 'int64', shape: ['b', 's'], kind: 'integers', low: 0, high: 2 },
  ],
});

/** One real model. */
export interface Subject {
  readonly name: string;
  readonly path: string;
  /** A file that says how to draw inputs, or what to write into one. */
  readonly inputs: string | object;
  /** Modules of Python without which its inputs cannot be made. */
  readonly needs: readonly string[];
}

/** Every model that is there. */
export function subjects(): Subject[] {
  if (!shared) return [];
  const small = readdirSync(graphs).filter((file) => file.endsWith('.onnx')).map((file): Subject => ({ name: basename(file, '.onnx'), path: join(graphs, file), inputs: join(graphs, file.replace(/onnx$/, 'inputs.json')), needs: NEEDS[basename(file, '.onnx')] ?? [] }));
  const all: readonly Subject[] = [
    ...small,
    { name: 'retriever-small', path: join(shared, 'models/retriever-small/onnx/model.onnx'), inputs: text(false), needs: [] },
    { name: 'all-minilm-l6-v2', path: join(fixtures, 'all-minilm-l6-v2/onnx/model.onnx'), inputs: text(false), needs: [] },
    { name: 'smollm2-135m', path: join(fixtures, 'smollm2-135m/model.onnx'), inputs: text(true), needs: [] },
  ];
  return all.filter(({ path }) => existsSync(path));
}
