import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InferenceSession, Tensor as Fed } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { openModel } from '../io/read.ts';
import { modelBytes, writeModel } from '../io/write.ts';
import { dtypeOfText, type DType } from '../ir/dtype.ts';
import type { Model } from '../ir/model.ts';
import { memoryTensor, type Tensor } from '../ir/tensor.ts';
import { fold } from './fold.ts';

const shared = process.env['ONNXPRESS_SHARED'] ?? '';
const fixtures = process.env['ONNXPRESS_FIXTURES'] ?? join(homedir(), '.cache', 'onnxpress-fixtures');
const graphs = shared ? join(shared, 'models/graphs') : '';

/** What the runtime does not have operators for. */
const FOREIGN = ['super-resolution-prepost'];
const names = shared ? readdirSync(graphs).filter((f) => f.endsWith('.onnx') && !FOREIGN.includes(f.slice(0, -5))) : [];
const large = [join(shared, 'models/retriever-small/onnx/model.onnx'), join(fixtures, 'all-minilm-l6-v2/onnx/model.onnx'), join(fixtures, 'smollm2-135m/model.onnx')].filter((f) => shared && existsSync(f));

/** The runtime as fold needs it. */
async function evaluate(model: Model): Promise<Tensor[]> {
  const session = await InferenceSession.create(modelBytes(model), { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 });
  const results = await session.run({});
  const tensors = session.outputNames.map((name): Tensor => {
    const t = results[name] as Fed;
    return memoryTensor(dtypeOf(t), t.dims, t.data as Exclude<Fed['data'], string[]>);
  });
  await session.release();
  return tensors;
}

const dtypeOf = (t: Fed): DType => dtypeOfText({ float32: 'float', float64: 'double' }[t.type as string] ?? t.type)!;

interface InputSpec {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
  readonly kind: string;
  readonly high?: number;
  readonly value?: number | string;
  readonly values?: readonly string[];
}

function feed(spec: InputSpec, sizes: Readonly<Record<string, number>>): Fed {
  const dims = spec.shape.map((d) => (typeof d === 'string' ? sizes[d]! : d));
  const count = dims.reduce((a, b) => a * b, 1);
  const value = typeof spec.value === 'string' ? sizes[spec.value.slice(1)]! : spec.value;
  if (spec.dtype === 'string') return new Fed('string', Array.from({ length: count }, (_, i) => spec.values![i % spec.values!.length]!), dims);
  if (spec.dtype === 'int64') return new Fed('int64', BigInt64Array.from({ length: count }, (_, i) => BigInt(value ?? (spec.kind === 'mask' ? 1 : i % (spec.high ?? 2)))), dims);
  return new Fed('float32', Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898)), dims);
}

async function outputsOf(file: string, feeds: Record<string, Fed>): Promise<[string, readonly number[], unknown][]> {
  const session = await InferenceSession.create(file, { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 });
  const results = await session.run(feeds, session.outputNames);
  await session.release();
  return Object.entries(results).map(([name, v]) => (v instanceof Fed ? [name, v.dims, v.data] : [name, [], v]));
}

/** Folding is exact but where the runtime adds up in another order for constants; then a few units in the last place. */
const ROUNDING = 1e-4;

function assertClose(a: [string, readonly number[], unknown][], b: [string, readonly number[], unknown][]): void {
  expect(b.map(([name, dims]) => [name, dims])).toEqual(a.map(([name, dims]) => [name, dims]));
  for (const [i, [name, , data]] of a.entries()) {
    const other = b[i]![2];
    if (!(data instanceof Float32Array) || !(other instanceof Float32Array)) expect(other, name).toEqual(data);
    else expect(data.reduce((worst, v, at) => Math.max(worst, Math.abs(v - other[at]!) / (1 + Math.abs(v))), 0), name).toBeLessThan(ROUNDING);
  }
}

/** Constants that replace nodes may take more room than the nodes did. */
const HARDLY_LARGER = 1.02;

const bytesIn = (path: string): number => (statSync(path).isFile() ? statSync(path).size : readdirSync(path).filter((f) => f.startsWith('model.onnx')).reduce((sum, f) => sum + statSync(join(path, f)).size, 0));

async function folded(file: string): Promise<{ path: string; done: () => void }> {
  const model = openModel(file);
  await fold(model, { evaluate });
  const folder = mkdtempSync(join(tmpdir(), 'fold-'));
  const path = join(folder, 'model.onnx');
  await writeModel(model, path);
  return { path, done: () => rmSync(folder, { recursive: true }) };
}

describe.skipIf(!shared)('folding real models (needs ONNXPRESS_SHARED)', () => {
  test.each(names)('%s computes the same after folding, on every size', async (name) => {
    const file = join(graphs, name);
    const spec = JSON.parse(readFileSync(file.replace('.onnx', '.inputs.json'), 'utf8')) as { inputs: InputSpec[]; cases: Record<string, number>[] };
    const { path, done } = await folded(file);
    try {
      for (const sizes of spec.cases) {
        const feeds = Object.fromEntries(spec.inputs.map((i) => [i.name, feed(i, sizes)]));
        assertClose(await outputsOf(file, feeds), await outputsOf(path, feeds));
      }
    } finally {
      done();
    }
  }, 120_000);

  test.each(large)('%s computes the same after folding, and is hardly larger', async (file) => {
    const { path, done } = await folded(file);
    try {
      const third = file.includes('smollm') ? 'position_ids' : 'token_type_ids';
      const feeds = Object.fromEntries(['input_ids', 'attention_mask', third].map((name) => [name, feed({ name, dtype: 'int64', shape: [2, 5], kind: 'mask' }, {})]));
      assertClose(await outputsOf(file, feeds), await outputsOf(path, feeds));
      expect(bytesIn(dirname(path)) / bytesIn(file.includes('smollm') ? dirname(file) : file)).toBeLessThan(HARDLY_LARGER);
    } finally {
      done();
    }
  }, 240_000);
});
