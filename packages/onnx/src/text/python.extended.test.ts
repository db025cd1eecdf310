import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openModel } from '../io/read.ts';
import { knownDomains, operatorsOf, versionsOf } from '../ir/schema.ts';
import { parseModel } from './parse.ts';
import { printModel } from './print.ts';

/* Extended: needs the folder of shared models and Python's onnx of the version whose schemas we have. */
const shared = process.env['ONNXPRESS_SHARED'];
const python = (program: string, ...args: readonly string[]): string => {
  const run = spawnSync('python3', ['-c', program, ...args], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (run.status !== 0) throw new Error(run.stderr || String(run.error));
  return run.stdout;
};
const hasOnnx = shared !== undefined && spawnSync('python3', ['-c', 'import onnx; assert onnx.__version__.startswith("1.23")']).status === 0;

/** Above this, text of weights takes onnx.parser minutes. */
const LARGEST = 2 ** 20;

const PARSE = 'import onnx, onnx.parser, sys; onnx.save(onnx.parser.parse_model(open(sys.argv[1]).read()), sys.argv[2])';
const PRINT = 'import onnx, onnx.printer, sys; open(sys.argv[2], "w").write(onnx.printer.to_text(onnx.load(sys.argv[1])))';

const EVERYTHING = `<ir_version: 10, opset_import: ["" : 20, "com.microsoft" : 1, "local" : 1], producer_name: "p", model_version: 3, doc_string: "d", metadata_props: ["a": "\\"b\\""]>
main (float[N, 2, ?] x, seq(map(int64, string)) s, optional(float[]) o, sparse_tensor(float[3]) z, opaque(a.b, c) q, bool c) => (float y, float[2] e)
<float[5] f = {0.1, -0, inf, nan, 1e-45}, double[2] d = {0.1, 1e300}, float16[2] h = {15360, 48128}, bfloat16[1] b = {16256}, float8e4m3fn[1] g = {56},
 int64[1] i = {-9223372036854775808}, uint64[1] u = {18446744073709551615}, int8[2] j = {-128, 127}, bool[2] k = {1, 0}, string[2] t = {"a \\\\ \\"b\\"", "ü"}, complex64[1] w = {1, -2}, float v> {
  ["/n.1"] v, "" = com.microsoft.FusedMatMul <alpha: float = 0.5, l: floats = [], m: ints = [1, -2], n: strings = ["a", "b"], p: type_proto = seq(float[2]), r: tensor = int32[2] {1, 2}> (f, "", d)
  y = local.fn:over <a: float = 2> (v)
  e = If (c) <then_branch: graph = yes () => (float[2] e1) <float one = {1}> { e1 = Add (v, one) }, else_branch: graph = no () => (float[2] e2) { e2 = Neg (v) }>
}
<domain: "local", overload: "over", opset_import: ["" : 20]>
fn <a> (x1) => (y1) { y1 = Elu <alpha: float = @a> (x1) }`;

const SCHEMAS = `
import json, onnx.defs
def parameter(p): return [p.name.replace('...', ''), p.type_str, p.option.name.lower().replace('single', 'required'), p.min_arity if p.option.name == 'Variadic' else 0, p.option.name == 'Variadic' and not p.is_homogeneous]
print(json.dumps([[s.domain, s.name, s.since_version, s.deprecated, s.has_function or s.has_context_dependent_function, s.min_input, s.min_output, [parameter(p) for p in s.inputs], [parameter(p) for p in s.outputs],
  sorted([a.name, a.type.name.lower(), a.required] for a in s.attributes.values()), sorted([c.type_param_str, sorted(c.allowed_type_strs)] for c in s.type_constraints)] for s in onnx.defs.get_all_schemas_with_history()]))`;

describe.skipIf(!hasOnnx)('against Python (needs ONNXPRESS_SHARED and onnx)', () => {
  test('onnx.parser reads what is printed, and means the same', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onnx-text-'));
    try {
      const names = readdirSync(join(shared!, 'models/graphs')).filter((name) => name.endsWith('.onnx') && statSync(join(shared!, 'models/graphs', name)).size < LARGEST);
      expect(names.length).toBeGreaterThan(4);
      const models = [parseModel(EVERYTHING), ...names.map((name) => openModel(join(shared!, 'models/graphs', name)))];
      for (const [i, model] of models.entries()) {
        const text = printModel(model);
        writeFileSync(join(folder, 'ours.txt'), text);
        python(PARSE, join(folder, 'ours.txt'), join(folder, 'theirs.onnx'));
        expect(printModel(openModel(join(folder, 'theirs.onnx'))) === text, names[i - 1] ?? 'everything').toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);

  test('what onnx.printer prints is parsed, and means the same', () => {
    const folder = mkdtempSync(join(tmpdir(), 'onnx-text-'));
    try {
      const names = readdirSync(join(shared!, 'models/graphs')).filter((name) => name.endsWith('.onnx') && statSync(join(shared!, 'models/graphs', name)).size < LARGEST);
      for (const name of names) {
        const path = join(shared!, 'models/graphs', name);
        python(PRINT, path, join(folder, 'theirs.txt'));
        expect(printModel(parseModel(readFileSync(join(folder, 'theirs.txt'), 'utf8'))) === printModel(openModel(path)), name).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);

  test('the schemas are those of onnx.defs', () => {
    const theirs = new Map((JSON.parse(python(SCHEMAS)) as unknown[][]).map((s) => [s.slice(0, 3).join(), s]));
    const ours = knownDomains.filter((domain) => !domain.startsWith('com.')).flatMap((domain) => operatorsOf(domain).flatMap((opType) => versionsOf(domain, opType)));
    expect(ours.length).toBe(theirs.size);
    const word: Record<string, string> = { sparse: 'sparse_tensor', type: 'type_proto' };
    for (const s of ours) {
      const key = [s.domain, s.opType, s.since].join();
      const parameters = (list: typeof s.inputs): unknown => list.map((p) => [p.name, p.type, p.option, p.minArity, p.heterogeneous]);
      const attributes = [...s.attributes.values()].map((a) => [a.name, word[a.type] ?? a.type, a.required]).sort();
      const constraints = [...s.constraints].map(([name, types]) => [name, [...types].sort()]).sort();
      const [, , , deprecated, body, minInputs, minOutputs, inputs, outputs, theirAttributes, theirConstraints] = theirs.get(key)!;
      expect([s.deprecated, s.hasFunctionBody, s.minInputs, s.minOutputs], key).toEqual([deprecated, body, minInputs, minOutputs]);
      expect([parameters(s.inputs), parameters(s.outputs), attributes, constraints], key).toEqual([inputs, outputs, theirAttributes, theirConstraints]);
    }
  });
});
