import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel } from '../io/read.ts';
import { codeOf } from '../ir/dtype.ts';
import { inferTypes } from '../ir/shapes/infer.ts';
import { scopeFor } from '../ir/shapes/scope.ts';
import { describeType } from '../ir/types.ts';
import { fold } from './fold.ts';

const hasPython = (process.env['ONNXPRESS_SHARED'] ?? '') !== '' && spawnSync('python3', ['-c', 'import onnx.backend.test']).status === 0;

/** What node-cases.py writes. */
interface Case {
  readonly file: string;
  readonly name: string;
  readonly op: string;
  readonly form: 'given' | 'symbolic' | 'constant';
  readonly names: Readonly<Record<string, number>>;
  readonly outputs: readonly ({ readonly dtype: number; readonly dims: readonly number[]; readonly raw: string | null } | null)[];
}

describe.skipIf(!hasPython)("ONNX's own node tests (needs ONNXPRESS_SHARED and Python with onnx)", () => {
  const folder = mkdtempSync(join(tmpdir(), 'node-cases-'));
  let cases: readonly Case[] = [];

  beforeAll(() => {
    const { status, stderr } = spawnSync('python3', [fileURLToPath(new URL('./node-cases.py', import.meta.url)), folder], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    cases = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Case[]; // node-cases.py writes just this
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  const of = (form: Case['form']): readonly Case[] => cases.filter((c) => c.form === form);

  test.each(['given', 'symbolic'] as const)('no result contradicts the inferred type: %s sizes', (form) => {
    const wrong: string[] = [];
    let told = 0;
    for (const c of of(form)) {
      const { graph } = openModelAndInfer(join(folder, c.file));
      const { sizes } = scopeFor(graph);
      const names = new Map(Object.entries(c.names));
      for (const [i, real] of c.outputs.entries()) {
        const type = graph.outputs[i]?.type;
        if (!real || type?.kind !== 'tensor') continue;
        const dims = type.dims?.map((d) => (typeof d === 'string' ? (sizes.evaluate(d, names) ?? null) : d));
        const fits = codeOf(type.dtype) === real.dtype && (!dims || (dims.length === real.dims.length && dims.every((d, at) => d === null || d === real.dims[at])));
        if (!fits) wrong.push(`${c.name}, output ${i}: ${describeType(type)} has [${real.dims.join(', ')}] of type ${real.dtype}`);
        if (dims?.every((d) => d !== null)) told++;
      }
    }
    expect(wrong).toEqual([]);
    expect(told / of(form).length).toBeGreaterThan(MOSTLY);
  }, 240_000);

  test('what is folded without a runtime has the bytes of the reference', async () => {
    const wrong: string[] = [];
    const folded = new Set<string>();
    for (const c of of('constant')) {
      const model = openModel(join(folder, c.file));
      await fold(model);
      for (const [i, real] of c.outputs.entries()) {
        const constant = model.graph.outputs[i]?.constant;
        if (!constant || !real || constant.dtype === 'string') continue;
        folded.add(c.op);
        const same = codeOf(constant.dtype) === real.dtype && constant.dims.join() === real.dims.join() && (real.raw === null || Buffer.from(constant.bytes()).toString('hex') === real.raw);
        if (!same) wrong.push(`${c.name}, output ${i}`);
      }
    }
    expect(wrong).toEqual([]);
    for (const op of ['Add', 'Cast', 'Concat', 'Expand', 'Gather', 'Mod', 'Pad', 'Reshape', 'Slice', 'Split', 'Transpose', 'Where']) expect(folded).toContain(op);
  }, 240_000);
});

/** What depends on data that is not there has no known size. */
const MOSTLY = 0.75;

function openModelAndInfer(file: string): ReturnType<typeof openModel> {
  const model = openModel(file);
  inferTypes(model);
  return model;
}
