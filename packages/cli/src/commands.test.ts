import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseModel, writeModel } from '@onnxpress/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { call, LARGER_MODEL, MODEL, project, type Called, type CallOptions } from './testing-cli.ts';

let cwd: string;
let remove: () => void;
beforeEach(async () => {
  ({ cwd, remove } = await project());
});
afterEach(() => remove());

const cli = (argv: string, options: Partial<CallOptions> = {}): Promise<Called> => call(argv.split(' '), { cwd, ...options });
const read = (path: string): string => readFileSync(join(cwd, path), 'utf8');
const model = (path: string, text: string): Promise<unknown> => {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  return writeModel(parseModel(text), join(cwd, path));
};

describe('inspect', () => {
  test('shows inputs, operators, types and weights', async () => {
    const { code, stdout } = await cli('inspect model.onnx');
    expect(code).toBe(0);
    expect(stdout.replace(/^.*model.onnx {2}\d+ B/, 'model.onnx  model.onnx  n B')).toMatchInlineSnapshot(`
      "model.onnx  model.onnx  n B · 4 weights · opset 17
        format              IR 8, ai.onnx 17
        dynamic dimensions  N
        quantization        none

        inputs
          x  float32[N, 2]

        outputs
          y  float32[N, 2]

        operators (2 types, 2 nodes)
          Identity  1
          MatMul    1

        element types of weights
          float32  1 weight  4 elements  16 B

        weights by size
          w  float32  [2, 2]  16 B  100.0 %  MatMul
      "
    `);
  });

  test('--json is data', async () => {
    expect(JSON.parse((await cli('inspect model.onnx --json')).stdout)).toMatchObject({
      nodes: 2, opsets: { 'ai.onnx': 17 }, dynamicDimensions: ['N'], operators: [{ operator: 'Identity', count: 1 }, { operator: 'MatMul', count: 1 }],
      weights: [{ name: 'w', dtype: 'float32', dims: [2, 2], bytes: 16, readers: ['MatMul'] }], externalData: {},
    });
  });

  test('--top limits the weights', async () => {
    expect((await cli('inspect model.onnx --top 0')).stdout).not.toMatch(/^ +w /m);
    expect(await cli('inspect model.onnx --top many')).toMatchObject({ code: 2, stderr: expect.stringContaining('--top must be a whole number') as string });
  });

  test('a model that is not there is a mistake in the call', async () => {
    expect(await cli('inspect nothing.onnx')).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing.onnx does not exist') as string });
  });
});

describe('diff', () => {
  test('a model does not differ from itself', async () => {
    const { code, stdout } = await cli('diff model.onnx model.onnx');
    expect([code, stdout.includes('the same structure and the same weights'), /y +equal/.test(stdout)]).toEqual([0, true, true]);
  });

  test('operators, weights and outputs that differ are shown', async () => {
    await model('other.onnx', MODEL.replace('a = Identity(x)', 'a = Relu(x)').replace('4}', '5}'));
    const { stdout } = await cli('diff model.onnx other.onnx');
    expect(stdout).toMatch(/Identity +1 → 0/);
    expect(stdout).toMatch(/Relu +0 → 1/);
    expect(stdout).toMatch(/weights changed \(0 others unchanged\)\n +w +float32\[2, 2\]/);
    expect(stdout).toMatch(/y +differs by/);
  });

  test('a weight under another name is renamed, not removed and added', async () => {
    await model('other.onnx', MODEL.replaceAll('w', 'weight'));
    expect(JSON.parse((await cli('diff model.onnx other.onnx --json')).stdout)).toMatchObject({ same: false, weights: { renamed: [{ before: 'w', after: 'weight' }], removed: [], added: [] }, outputs: [{ output: 'y', relative: 0 }] });
  });

  test('an output that is gone is said, and so is a changed type', async () => {
    await model('other.onnx', MODEL.replace('N, 2] y', 'N, 2] z').replace('y = ', 'z = '));
    const { stdout } = await cli('diff model.onnx other.onnx');
    expect([stdout.includes('- output y: float32[N, 2]'), stdout.includes('+ output z: float32[N, 2]'), /y +is gone/.test(stdout)]).toEqual([true, true, true]);
  });

  test('--layers shows in the order of computation where the difference begins', async () => {
    const chain = (b: string): string => `<ir_version: 8, opset_import: ["" : 17]> g (float[N, 2] x) => (float[N, 2] y) <float[2] c = {1, 2}> { a = Relu(x)  b = ${b}  d = Neg(b)  y = Abs(d) }`;
    await model('one.onnx', chain('Add(a, c)'));
    await model('two.onnx', chain('Mul(a, c)'));
    const { stdout } = await cli('diff one.onnx two.onnx --layers');
    expect(stdout).toMatch(/values inside on random inputs \(seed 0\)\n +b +Add → Mul +differs by .*\n +d +Neg +differs by .*\n +y +Abs +differs by/);
    expect(stdout).toContain('4 values compared');
    expect(stdout).toContain('the difference begins at b (Add → Mul)');
    expect(JSON.parse((await cli('diff one.onnx two.onnx --layers --json')).stdout)).toMatchObject({ begins: { output: 'b' }, layers: [{ output: 'a', relative: 0 }, {}, {}, {}] });
    expect((await cli('diff one.onnx one.onnx --layers')).stdout).toContain('equal: 4 values');
  });

  test('--inputs gives the inputs', async () => {
    await model('one.onnx', 'g (float[N, 2] x) => (float[N, 2] y) { y = Relu(x) }');
    await model('two.onnx', 'g (float[N, 2] x) => (float[N, 2] y) { y = Abs(x) }');
    writeFileSync(join(cwd, 'positive.json'), '{"x": [[1, 2], [3, 4]]}');
    writeFileSync(join(cwd, 'negative.json'), '{"x": [[-4, 2]]}');
    writeFileSync(join(cwd, 'wrong.json'), '{"z": [[-4, 2]]}');
    expect((await cli('diff one.onnx two.onnx --inputs positive.json')).stdout).toMatch(/outputs on the inputs of positive\.json\n +y +equal/);
    expect((await cli('diff one.onnx two.onnx --inputs negative.json')).stdout).toMatch(/absolute 4\.0e\+0/);
    expect(await cli('diff one.onnx two.onnx --inputs wrong.json')).toMatchObject({ code: 2, stderr: expect.stringContaining('no tensor as an input "z"') as string });
    expect(await cli('diff one.onnx two.onnx --inputs none.json')).toMatchObject({ code: 2, stderr: expect.stringContaining('none.json does not exist') as string });
  });

  test('--no-run looks at the structure only', async () => {
    expect((await cli('diff model.onnx model.onnx --no-run')).stdout).not.toContain('outputs on random inputs');
  });
});

describe('list and schema', () => {
  test('list shows every kind with summaries', async () => {
    const { code, stdout } = await cli('list');
    expect([code, stdout.includes('quant/dynamic'), stdout.includes('eval/size'), stdout.includes('eval/threshold')]).toEqual([0, true, true, true]);
  });

  test('list of one shows its options with type and default', async () => {
    expect((await cli('list quant/dynamic')).stdout).toMatch(/per-channel +boolean +true/);
  });

  test('list of a misspelt name says what was meant', async () => {
    expect(await cli('list quant/dynamik')).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean "quant/dynamic"?') as string });
  });

  test('list --json is data', async () => {
    const all = JSON.parse((await cli('list --json')).stdout) as { name: string; kind: string }[];
    expect(all.find((c) => c.name === 'eval/size')).toMatchObject({ kind: 'evaluator', from: '@onnxpress/plugin-eval' });
  });

  test('schema prints a JSON Schema that knows what is installed', async () => {
    const { stdout } = await cli('schema');
    expect(JSON.parse(stdout)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
    expect(stdout).toContain('quant/dynamic');
  });

  test('schema --write puts it where editors look', async () => {
    expect((await cli('schema --write')).code).toBe(0);
    expect(JSON.parse(read('.onnxpress/recipe.schema.json'))).toMatchObject({ title: 'onnxpress recipe' });
  });
});

describe('cache', () => {
  const RECIPE = 'model: model.onnx\noutput: out/a.onnx\nsteps: [quant/dynamic]\nevaluate: [eval/size]\n';
  beforeEach(async () => {
    writeFileSync(join(cwd, 'onnxpress.yaml'), RECIPE);
    expect((await cli('run')).code).toBe(0);
  });

  test('list shows what is there', async () => {
    const { stdout } = await cli('cache list');
    expect([/step +quant\/dynamic/.test(stdout), /measured +eval\/size/.test(stdout)]).toEqual([true, true]);
  });

  test('prune forgets all that does not fit', async () => {
    expect((await cli('cache prune --keep 0')).code).toBe(0);
    const { entries } = JSON.parse((await cli('cache list --json')).stdout) as { entries: { bytes: number }[] };
    expect(entries.filter((e) => e.bytes > 0)).toEqual([]);
  });

  test('prune refuses a size that is none', async () => {
    expect(await call(['cache', 'prune', '--keep', 'much'], { cwd })).toMatchObject({ code: 2, stderr: expect.stringContaining('"much"') as string });
  });

  test('verify finds a flipped byte and drops the piece', async () => {
    const objects = join(cwd, '.onnxpress/cache/objects');
    const [first] = readdirSync(objects, { recursive: true, encoding: 'utf8' }).filter((f) => f.includes('/') || f.includes('\\')).map((f) => join(objects, f));
    const bytes = readFileSync(first!);
    bytes[0] = bytes[0]! ^ 1;
    writeFileSync(first!, bytes);
    expect(JSON.parse((await cli('cache verify --json')).stdout)).toMatchObject({ damaged: [expect.stringContaining('object')] });
    expect(JSON.parse((await cli('cache verify --json')).stdout)).toMatchObject({ damaged: [] });
    expect((await cli('run')).code).toBe(0);
  });
});

describe('init', () => {
  test('writes a recipe that runs, and the schema beside it', async () => {
    const { code, stdout } = await cli('init model.onnx --yes');
    expect([code, stdout.includes('next: onnxpress run'), existsSync(join(cwd, '.onnxpress/recipe.schema.json'))]).toEqual([0, true, true]);
    expect((await cli('check')).code).toBe(0);
    expect((await cli('run')).code).toBe(0);
  });

  test('quantizes what becomes smaller, with a gate that the result passes', async () => {
    await model('model.onnx', LARGER_MODEL);
    await cli('init model.onnx --yes');
    expect(read('onnxpress.yaml')).toMatch(/- quant\/dynamic[^]*size: { at-most: \d\d% }/);
    expect((await cli('run')).code).toBe(0);
  });

  test('finds the only model that is here', async () => {
    expect((await cli('init --yes')).code).toBe(0);
    expect(read('onnxpress.yaml')).toContain('model: model.onnx');
  });

  test.each([['in a folder', 'minilm/onnx/model.onnx', 'minilm'], ['below models/', 'models/minilm/model.onnx', 'models/minilm/model.onnx'], ['in a folder called onnx', 'onnx/model.onnx', '.']])('finds the only model %s', async (_, path, said) => {
    await model(path, MODEL);
    rmSync(join(cwd, 'model.onnx'));
    expect((await cli('init --yes')).code).toBe(0);
    expect(read('onnxpress.yaml')).toContain(`model: ${said}\n`);
  });

  test('quantization that would do nothing is not written', async () => {
    await model('model.onnx', `<ir_version: 8, opset_import: ["" : 17]> g (float[N, 2] x) => (float[N, 2] y) { a = Identity(x) b = Identity(a) y = Relu(b) }`);
    await cli('init model.onnx --yes');
    expect(read('onnxpress.yaml')).toMatch(/output: out\/.*-tidy\.onnx/);
    expect(read('onnxpress.yaml')).not.toContain('quant/dynamic');
  });

  test('never overwrites a recipe without --force', async () => {
    writeFileSync(join(cwd, 'onnxpress.yaml'), 'mine');
    expect(await cli('init model.onnx --yes')).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') as string });
    expect(read('onnxpress.yaml')).toBe('mine');
    expect((await cli('init model.onnx --yes --force')).code).toBe(0);
    expect(read('onnxpress.yaml')).toContain('model: model.onnx');
  });

  test('asks on a terminal, again where the answer is none, and does what it was told', async () => {
    await model('model.onnx', LARGER_MODEL);
    const { code, stderr } = await cli('init model.onnx', { answers: ['int7', 'exact', 'small/tiny.onnx'] });
    expect([code, stderr.includes('"int7" is none of int8, exact')]).toEqual([0, true]);
    expect(read('onnxpress.yaml')).toContain('output: small/tiny.onnx');
    expect(read('onnxpress.yaml')).not.toContain('quant/dynamic');
  });

  test('a model that cannot be quantized gets a recipe without', async () => {
    await model('old.onnx', MODEL.replace('17', '10').replace('ir_version: 8', 'ir_version: 5'));
    const { code, stderr } = await cli('init old.onnx --yes');
    expect([code, stderr.includes('The recipe goes without.'), read('onnxpress.yaml').includes('quant/dynamic')]).toEqual([0, true, false]);
  });

  test('a text encoder with data beside it is measured by what it finds', async () => {
    await model('model.onnx', `<ir_version: 8, opset_import: ["" : 17]>
      g (int64[batch, sequence] input_ids) => (float[batch, sequence, 2] last_hidden_state) <float[4, 2] table = {1, 2, 3, 4, 5, 6, 7, 8}> { last_hidden_state = Gather(table, input_ids) }`);
    const { cwd: other, remove: removeOther } = await project({ 'tokenizer.json': '{}', 'data/corpus.jsonl': '{"_id":"1","text":"a"}\n', 'data/queries.jsonl': '{"_id":"q","text":"a"}\n', 'data/qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq\t1\t1\n' });
    try {
      writeFileSync(join(other, 'model.onnx'), readFileSync(join(cwd, 'model.onnx')));
      expect((await call(['init', 'model.onnx', '--yes'], { cwd: other })).code).toBe(0);
      const text = readFileSync(join(other, 'onnxpress.yaml'), 'utf8');
      expect(text).toContain('measure: { use: eval/beir, with: { folder: data } }');
      expect(text).toContain('ndcg@10: { at-least: 97% }');
    } finally {
      removeOther();
    }
  });
});

describe('one step', () => {
  test('quantize runs, writes beside the model, and shows the recipe to keep', async () => {
    const { code, stdout } = await cli('quantize model.onnx --option exclude=op:Identity --option per-channel=false');
    expect([code, existsSync(join(cwd, 'model-quantize.onnx')), existsSync(join(cwd, '.onnxpress'))]).toEqual([0, true, false]);
    const recipe = stdout.slice(stdout.indexOf('name: '));
    expect(recipe).toContain('{ use: quant/dynamic, with: { exclude: ["op:Identity"], per-channel: false } }');
    writeFileSync(join(cwd, 'onnxpress.yaml'), recipe);
    expect((await cli('check')).code).toBe(0);
  });

  test('an option that is unknown is pointed at in the recipe that was made', async () => {
    expect(await cli('quantize model.onnx --option per-chanel=true')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Did you mean "per-channel"?') as string });
  });

  test('an option without a value is refused', async () => {
    expect(await cli('quantize model.onnx --option exclude')).toMatchObject({ code: 2, stderr: expect.stringContaining('name=value') as string });
  });

  test('a command whose plugin is absent says what to install', async () => {
    expect(await cli('prune model.onnx')).toMatchObject({ code: 2, stderr: expect.stringContaining('npm install @onnxpress/plugin-prune') as string });
  });

  test('--json is the report and nothing else', async () => {
    expect(JSON.parse((await cli('quantize model.onnx --json')).stdout)).toMatchObject({ schema: 'onnxpress/report/1', ok: true });
  });
});
