import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashTensor } from '../ir/compare.ts';
import type { Model } from '../ir/model.ts';
import { validate } from '../ir/validate.ts';
import { folderWith } from '../testing/files.ts';
import { openModel } from './read.ts';
import { structureBytes, weightsOf, writeModel } from './write.ts';

/** The extended tests: real models, and judges that share no code with this package. */
const SHARED = process.env['ONNXPRESS_SHARED'] ?? '';
const FIXTURES = process.env['ONNXPRESS_FIXTURES'] ?? join(homedir(), '.cache/onnxpress-fixtures');
const GRAPHS = join(SHARED, 'models/graphs');
const CHECK = join(SHARED, 'tools/check_equal.py');
const MINUTES = 60_000;

const graphs = SHARED === '' ? [] : readdirSync(GRAPHS).filter((name) => name.endsWith('.onnx')).map((name) => join(GRAPHS, name));
const others = SHARED === '' ? [] : [join(SHARED, 'models/retriever-small/onnx/model.onnx'), join(FIXTURES, 'all-minilm-l6-v2/onnx/model.onnx'), join(FIXTURES, 'smollm2-135m/model.onnx')];
/** "models/graphs/bert-dynamo.onnx": the last three steps of the path tell models apart. */
const named = (path: string): [string, string] => [path.split('/').slice(-3).join('/'), path];
const models = [...graphs, ...others.filter(existsSync)].map(named);

const numbers = (model: Model): string[] => weightsOf(model).map((tensor) => `${tensor.dtype} ${tensor.dims.join('x')} ${hashTensor(tensor)}`);

const hasPython = SHARED !== '' && spawnSync('python3', ['-c', 'import onnx, onnxruntime, numpy']).status === 0;

/** Compares what the onnx package makes of two files, field by field; how a tensor stores its numbers does not count. */
const COMPARE = `
import hashlib, sys, onnx
from onnx import TensorProto, numpy_helper
def tensor(t):
    if t.data_type == TensorProto.STRING: return list(t.string_data)
    return hashlib.sha256(t.raw_data if t.HasField('raw_data') else numpy_helper.to_array(t).tobytes()).hexdigest()
def fields(m, ir):
    if isinstance(m, TensorProto):
        return [t for t in (m.name, m.data_type, list(m.dims), tensor(m), m.doc_string, [(p.key, p.value) for p in m.metadata_props])]
    found = {}
    for f, v in m.ListFields():
        many = not isinstance(v, (str, bytes, int, float)) and not hasattr(v, 'ListFields')
        found[f.name] = [fields(x, ir) if hasattr(x, 'ListFields') else x for x in v] if many else fields(v, ir) if hasattr(v, 'ListFields') else v
    if isinstance(m, onnx.GraphProto):
        made = {o for n in m.node for o in n.output} | {t.name for t in m.initializer}
        found['value_info'] = sorted((fields(v, ir) for v in m.value_info if v.name in made and v.name not in {o.name for o in m.output}), key=repr)
        constants = {t.name for t in m.initializer} if ir < 4 else set()
        found['input'] = [fields(v, ir) for v in m.input if v.name not in constants] + sorted((fields(v, ir) for v in m.input if v.name in constants), key=repr)
        found['initializer'] = sorted((fields(t, ir) for t in m.initializer), key=repr)
    return {k: v for k, v in found.items() if v not in ('', [], 0) or k in ('i', 'f', 's', 'dim_value')}
a, b = onnx.load(sys.argv[1]), onnx.load(sys.argv[2])
a, b = repr(fields(a, a.ir_version)), repr(fields(b, b.ir_version))
if a != b:
    at = next((i for i, (p, q) in enumerate(zip(a, b)) if p != q), min(len(a), len(b)))
    sys.exit(f'{a[max(0, at - 100):at + 100]}\\n{b[max(0, at - 100):at + 100]}')
`;

describe.skipIf(SHARED === '')('a model that was read and written unchanged', () => {
  test.each(models)('%s is the same, to us and to the onnx package', { timeout: 5 * MINUTES }, async (_, path) => {
    const model = openModel(path);
    expect(validate(model)).toEqual([]);
    const { path: written } = await writeModel(model, join(folderWith(), 'model.onnx'));
    const again = openModel(written);
    expect(Buffer.from(structureBytes(again)).equals(structureBytes(model))).toBe(true);
    expect(numbers(again)).toEqual(numbers(model));
    if (!hasPython) return;
    expect(spawnSync('python3', ['-c', COMPARE, path, written], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  test.skipIf(!hasPython).for(graphs.map(named))('%s computes the same', { timeout: 10 * MINUTES }, async ([, path], { skip }) => {
    const { path: written } = await writeModel(openModel(path), join(folderWith(), 'model.onnx'), { external: 'always' });
    const judged = spawnSync('python3', [CHECK, path, written, path.replace(/\.onnx$/, '.inputs.json')], { encoding: 'utf8' });
    if (judged.stdout.includes('BEFORE: ModuleNotFoundError')) skip(judged.stdout); // the judge lacks a Python package for this model
    expect(judged.status, judged.stdout + judged.stderr).toBe(0);
  });
});
