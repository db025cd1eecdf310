import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isCommutative, isRandom, knownDomains, latestOpset, operatorsOf, schemaOf, versionsOf } from './schema.ts';

test('the generated files are what the committed schemas give', () => {
  const script = fileURLToPath(new URL('../../scripts/generate-ops.mjs', import.meta.url));
  expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
});

test('the version in force is the newest one that is not newer than the opset', () => {
  expect([1, 6, 7, 12, 13, 14, 28].map((opset) => schemaOf('', 'Add', opset)?.since)).toEqual([1, 6, 7, 7, 13, 14, 14]);
});

test('an operator has no schema before it came, and "ai.onnx" is the empty domain', () => {
  expect(schemaOf('', 'Gelu', 19)).toBeUndefined();
  expect(schemaOf('ai.onnx', 'Gelu', 20)?.domain).toBe('');
  expect(schemaOf('', 'NoSuchOperator', 28)).toBeUndefined();
});

test('a schema tells inputs, outputs, attributes and type constraints', () => {
  const gemm = schemaOf('', 'Gemm', 13)!;
  expect(gemm.inputs.map((p) => [p.name, p.option])).toEqual([['A', 'required'], ['B', 'required'], ['C', 'optional']]);
  expect([gemm.minInputs, gemm.maxInputs, gemm.minOutputs, gemm.maxOutputs]).toEqual([2, 3, 1, 1]);
  expect(gemm.attributes.get('alpha')).toEqual({ name: 'alpha', type: 'float', required: false, default: 1 });
  expect(gemm.constraints.get('T')?.has('tensor(bfloat16)')).toBe(true);
  expect(gemm.constraints.get('T')?.has('tensor(string)')).toBe(false);
});

test('variadic parameters say how many at least and whether types may differ', () => {
  expect(schemaOf('', 'Concat', 13)?.inputs).toEqual([{ name: 'inputs', type: 'T', option: 'variadic', minArity: 1, heterogeneous: false }]);
  expect(schemaOf('', 'Loop', 21)?.inputs.at(-1)).toEqual({ name: 'v_initial', type: 'V', option: 'variadic', minArity: 0, heterogeneous: true });
  expect([schemaOf('', 'Concat', 13)?.minInputs, schemaOf('', 'Concat', 13)?.maxInputs]).toEqual([1, Infinity]);
  expect(schemaOf('', 'Loop', 21)?.minInputs).toBe(2);
});

test('flags tell deprecation and function bodies', () => {
  expect(schemaOf('', 'Upsample', 10)?.deprecated).toBe(true);
  expect(schemaOf('', 'Upsample', 9)?.deprecated).toBe(false);
  expect(schemaOf('', 'LayerNormalization', 17)?.hasFunctionBody).toBe(true);
  expect(schemaOf('', 'MatMul', 13)?.hasFunctionBody).toBe(false);
});

test('every row of the table parses', () => {
  const all = knownDomains.flatMap((domain) => operatorsOf(domain).flatMap((opType) => versionsOf(domain, opType)));
  expect(all.length).toBe(817);
  for (const s of all) {
    for (const p of [...s.inputs, ...s.outputs]) {
      expect(p.name, `${s.opType}-${s.since}`).toMatch(/^\w+$/);
      expect(s.constraints.has(p.type) || /^tensor\(\w+\)$/.test(p.type), `${s.opType}-${s.since} ${p.name}: ${p.type}`).toBe(true);
    }
    expect(s.minInputs).toBeLessThanOrEqual(s.maxInputs);
  }
});

test('domains know their newest opset', () => {
  expect(latestOpset('')).toBe(28);
  expect(latestOpset('ai.onnx.ml')).toBe(5);
  expect(latestOpset('com.microsoft')).toBe(1);
  expect(latestOpset('org.example')).toBeUndefined();
});

test('commutative operators are those whose result keeps every bit', () => {
  expect(['Add', 'Mul', 'Equal', 'Max', 'BitwiseXor'].every((op) => isCommutative('', op))).toBe(true);
  expect(['Sub', 'Div', 'MatMul', 'Pow', 'Concat', 'Less'].some((op) => isCommutative('', op))).toBe(false);
  expect(isCommutative('', 'Max', 3)).toBe(true);
  expect(isCommutative('', 'Sum', 2)).toBe(true);
  expect(isCommutative('', 'Sum', 3)).toBe(false);
  expect(isCommutative('com.microsoft', 'Add')).toBe(false);
});

test('random operators are those that always draw', () => {
  expect(isRandom('RandomNormalLike')).toBe(true);
  expect(isRandom('Dropout')).toBe(false);
  expect(isRandom('If')).toBe(false);
  expect(isRandom('Bernoulli', 'org.example')).toBe(false);
});
