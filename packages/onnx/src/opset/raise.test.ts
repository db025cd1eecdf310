import { describe, expect, test } from 'vitest';
import { numbersOf } from '../ir/values.ts';
import type { Model } from '../ir/model.ts';
import { operatorsOf, versionsOf } from '../ir/schema.ts';
import { assertValid } from '../ir/validate.ts';
import { parseModel } from '../text/parse.ts';
import { printModel } from '../text/print.ts';
import { failure } from '../testing/failure.ts';
import { HIGHEST_OPSET, raiseOpset } from './raise.ts';
import { STEPS } from './steps.ts';
import { UNCHANGED } from './unchanged.ts';

const model = (opset: number, graph: string, functions = ''): Model => parseModel(`<ir_version: 8, opset_import: ["" : ${opset}${functions && ', "local" : 1'}]> ${graph} ${functions}`);

function raisedTo(to: number, m: Model): Model {
  raiseOpset(m, to);
  assertValid(m);
  return m;
}

/** Nodes as `y = Op(inputs; attributes)`, with the numbers of constants. */
function lines(m: Model): string[] {
  return [...m.nodes()].filter((n) => !n.is('Constant')).map((n) => {
    const inputs = n.inputs.map((v) => (v?.constant ? `[${[...numbersOf(v.constant)].map((x) => Number(x.toPrecision(4))).join(' ')}]` : (v?.name ?? '')));
    const attrs = [...n.attrs].filter(([, a]) => a.type !== 'graph').map(([name, a]) => `${name}=${a.type === 'ref' ? `@${a.to}` : String((a as { value: unknown }).value)}`);
    return `${n.outputs.map((v) => v.name).join(', ')} = ${n.opType}(${[inputs.join(', '), ...attrs].join('; ')})`;
  });
}

const refusal = (opset: number, to: number, graph: string, functions = ''): string => failure(() => raiseOpset(model(opset, graph, functions), to)).message;

test('every version of every operator is either the same in meaning or has a step, never both', () => {
  for (const opType of operatorsOf('')) {
    for (const { since } of versionsOf('', opType).slice(1).filter((v) => v.since <= HIGHEST_OPSET)) {
      const known = [STEPS[opType]?.[since] !== undefined, UNCHANGED.get(opType)?.has(since) ?? false];
      expect(known.filter(Boolean), `${opType} of opset ${since}`).toHaveLength(1);
    }
  }
});

test('steps and reviewed versions are those of operators that there are', () => {
  const sinces = (opType: string): number[] => versionsOf('', opType).map((v) => v.since);
  for (const [opType, steps] of Object.entries(STEPS)) expect(sinces(opType)).toEqual(expect.arrayContaining(Object.keys(steps).map(Number)));
  for (const [opType, versions] of UNCHANGED) expect(sinces(opType)).toEqual(expect.arrayContaining([...versions]));
});

describe('what files of before opset 7 say', () => {
  const cases: Readonly<Record<string, readonly [from: number, to: number, graph: string, ...expected: string[]]>> = {
    'an operand along an axis': [6, 7, 'g (float[2, 3, 4, 5] x, float[3, 4] b) => (float[2, 3, 4, 5] y) { y = Add <broadcast = 1, axis = 1> (x, b) }', 'unsqueeze = Unsqueeze(b; axes=2)', 'y = Add(x, unsqueeze)'],
    'an operand along the last axes': [6, 7, 'g (float[2, 3] x, float[3] b) => (float[2, 3] y) { y = Mul <broadcast = 1> (x, b) }', 'y = Mul(x, b)'],
    'an operand along an axis, in the newest form': [6, 13, 'g (float[2, 3, 4] x, float[2] b) => (bool[2, 3, 4] y) { y = Less <broadcast = 1, axis = 0> (x, b) }', 'unsqueeze = Unsqueeze(b, [1 2])', 'y = Less(x, unsqueeze)'],
    'a slope per channel': [6, 9, 'g (float[1, 3, 4, 5] x) => (float[1, 3, 4, 5] y) <float[3] s = {1, 2, 3}> { y = PRelu (x, s) }', 'unsqueeze = Unsqueeze([1 2 3]; axes=1,2)', 'y = PRelu(x, unsqueeze)'],
    'one slope': [6, 9, 'g (float[1, 3, 4, 5] x) => (float[1, 3, 4, 5] y) <float[1] s = {2}> { y = PRelu (x, s) }', 'y = PRelu(x, [2])'],
    'a type by name': [5, 13, 'g (float[2] x) => (int64[2] y) { y = Cast <to = "INT64"> (x) }', 'y = Cast(x; to=7)'],
    'a shape as an attribute': [4, 13, 'g (float[2, 3] x) => (float[3, 2] y) { y = Reshape <shape = [3, -1], consumed_inputs = [0]> (x) }', 'y = Reshape(x, [3 -1])'],
    'an axis that was meant': [3, 7, 'g (float[2, 3] x) => (float[2, 6] y) { y = Concat (x, x) }', 'y = Concat(x, x; axis=1)'],
    'what inputs are overwritten': [5, 7, 'g (float[2] x) => (float[2] y) { y = Relu <consumed_inputs = [1]> (x) }', 'y = Relu(x)'],
    'constants of fewer digits': [5, 7, 'g (float[2] x) => (float[2] y) { y = Selu (x) }', `y = Selu(x; alpha=${Math.fround(1.6732)}; gamma=${Math.fround(1.0507)})`],
    'that a normalization is for inference': [6, 15, 'g (float[2, 1] x, float[1] s) => (float[2, 1] y) { y = BatchNormalization <is_test = 1> (x, s, s, s, s) }', 'y = BatchNormalization(x, s, s, s, s)'],
    'paddings': [1, 7, 'g (float[2] x) => (float[4] y) { y = Pad <paddings = [1, 1], value = 2.0> (x) }', 'y = Pad(x; value=2; pads=1,1)'],
    'sizes of parts as an input': [1, 13, 'g (float[4] x) => (float[1] y, float[3] z) <float[2] s = {1, 3}> { y, z = Split (x, s) }', 'y, z = Split(x, [1 3])'],
    'tiles along an axis': [5, 6, 'g (float[2, 3] x) => (float[2, 6] y) <float t = {2}, float a = {1}> { y = Tile (x, t, a) }', 'y = Tile(x, [1 2])'],
    'scales of height and width': [6, 11, 'g (float[1, 1, 2, 2] x) => (float[1, 1, 4, 6] y) { y = Upsample <height_scale = 2.0, width_scale = 3.0, mode = "bilinear"> (x) }', 'y = Resize(x, [], [1 1 2 3]; mode=linear; coordinate_transformation_mode=asymmetric)'],
    'a whole norm': [1, 7, 'g (float[1, 1, 4] x) => (float[1, 1, 1] y) { y = GlobalLpPool <p = 2.0> (x) }', 'y = GlobalLpPool(x; p=2)'],
    'that a bias spreads': [6, 7, 'g (float[2, 3] x, float[3, 4] w, float[4] b) => (float[2, 4] y) { y = Gemm <broadcast = 1> (x, w, b) }', 'y = Gemm(x, w, b)'],
  };
  for (const [name, [from, to, graph, ...expected]] of Object.entries(cases)) test(name, () => expect(lines(raisedTo(to, model(from, graph)))).toEqual(expected));
});

test('intermediate values and nodes keep their names, and outputs their types', () => {
  const m = raisedTo(13, model(9, 'g (float[N, 3, 4] x) => (float[N, 3, 4] y) { a = Softmax <axis = 1> (x)  y = Relu (a) }'));
  expect(lines(m)).toEqual(['shape = Shape(x)', 'flatten = Flatten(x; axis=1)', 'softmax = Softmax(flatten; axis=-1)', 'a = Reshape(softmax, shape)', 'y = Relu(a)']);
  expect(m.graph.value('a')?.dims).toEqual(['N', 3, 4]);
});

test('equal numbers become one constant', () => {
  const m = raisedTo(13, model(11, 'g (float[1, 4] x) => (float[4] y, float[4] z) { y = Squeeze <axes = [0]> (x)  a = Relu (x)  z = Squeeze <axes = [0]> (a) }'));
  expect([...m.nodes()].filter((n) => n.is('Constant'))).toHaveLength(1);
});

test('other domains and unknown operators in them stay', () => {
  const m = parseModel('<ir_version: 8, opset_import: ["" : 11, "com.acme" : 3]> g (float[1, 4] x) => (float[4] y) { a = com.acme.Squeeze <axes = [0]> (x)  y = Relu (a) }');
  expect(lines(raisedTo(13, m))).toEqual(['a = Squeeze(x; axes=0)', 'y = Relu(a)']);
  expect([...m.opsets]).toEqual([['', 13], ['com.acme', 3]]);
});

describe('functions', () => {
  const call = 'g (float[1, 4] x) => (float[4] y) { y = local.f <a = [0], m = 0.5> (x) }';
  const body = (opset: number, nodes: string, attributes = '<a, m>'): string => `<domain: "local", opset_import: ["" : ${opset}]> f ${attributes} (v) => (w) { ${nodes} }`;

  test('each is raised from an opset of its own', () => {
    const m = raisedTo(13, model(12, call, body(8, 't = Upsample <scales = [1.0, 1.0]> (v)  w = Squeeze <axes = [0]> (t)')));
    expect(lines(m).slice(1)).toEqual(['t = Resize(v, , [1 1]; coordinate_transformation_mode=asymmetric; nearest_mode=floor)', 'w = Squeeze(t, [0])']);
    expect([...m.functions.values()][0]?.body.opsets.get('')).toBe(13);
  });

  test('one of a newer opset stays', () => {
    const m = raisedTo(13, model(11, call, body(17, 'w = LayerNormalization (v, v)')));
    expect([m.opsets.get(''), [...m.functions.values()][0]?.body.opsets.get('')]).toEqual([13, 17]);
  });

  test('what the call says becomes an input that says it', () => {
    const m = raisedTo(18, model(11, call, body(11, 't = LeakyRelu <alpha : float = @m> (v)  w = Squeeze <axes : ints = @a> (t)')));
    expect(printModel(m)).toMatch(/value_ints: ints = @a/);
    expect(lines(m).at(-1)).toMatch(/^w = Squeeze\(t, \w+\)$/);
  });

  test('a bound that the call gives is cast to the type of what it bounds', () => {
    const old = body(8, 'w = Clip <max : float = @m> (v)', '<a, m>');
    expect(lines(raisedTo(18, model(8, 'g (double[4] x) => (double[4] y) { y = local.f <a = [0], m = 0.5> (x) }', old))).slice(1)).toEqual([expect.stringMatching(/^\w+ = CastLike\(\w+, v\)$/), expect.stringMatching(/^w = Clip\(v, \[.*\], \w+\)$/)]);
    expect(refusal(8, 13, 'g (double[4] x) => (double[4] y) { y = local.f <a = [0], m = 0.5> (x) }', old)).toMatch(/Clip "w" needs a constant of the type of its input.*opset 15.*\(in function local\.f\)/s);
  });

  test('what a call may leave out cannot become an input', () => {
    const m = model(11, 'g (float[1, 4] x) => (float[4] y) { y = local.f <a = [0]> (x) }', body(11, 'w = Squeeze <axes : ints = @a> (v)', '<a>'));
    const [f] = m.functions.values();
    m.functions.set('local::f', { ...f!, attributes: [] });
    for (const n of m.nodes()) if (n.opType === 'f') n.setAttr('a', undefined);
    expect(failure(() => raiseOpset(m, 13)).message).toMatch(/Squeeze "w" takes "axes" from the call of its function.*Give "a" in every call.*inline/s);
  });

  test('an axis that decides the form is not guessed', () => {
    expect(refusal(11, 13, 'g (float[1, 4] x) => (float[1, 4] y) { y = local.f <a = 1> (x) }', body(11, 'w = Softmax <axis : int = @a> (v)', '<a>'))).toMatch(/Softmax "w" takes "axis" from the call.*inline.*in function local\.f/s);
  });
});

describe('what cannot be said is refused, with the node and what to do', () => {
  const cases: Readonly<Record<string, readonly [from: number, to: number, graph: string, says: RegExp]>> = {
    'a scale that is computed': [10, 11, 'g (float[1, 1, 2, 2] x, float[4] s) => (float[] y) { y = Resize (x, s) }', /Resize "y" takes its scales from "s".*Fold constants first/],
    'scales of both directions': [10, 11, 'g (float[1, 1, 4, 4] x) => (float[] y) <float[4] s = {1, 1, 2, 0.5}> { y = Resize (x, s) }', /Resize "y" enlarges along one axis and shrinks/],
    'a mask that is read': [9, 12, 'g (float[4] x) => (float[4] y, float[4] m) { y, m = Dropout (x) }', /Dropout "y" gives out its mask.*Remove what reads/],
    'training': [6, 7, 'g (float[2, 1] x, float[1] s) => (float[2, 1] y) { y = BatchNormalization (x, s, s, s, s) }', /is written for training.*Set it to 1/],
    'statistics of a run': [9, 15, 'g (float[2, 1] x, float[1] s) => (float[2, 1] y, float[1] m) { y, m, v = BatchNormalization (x, s, s, s, s) }', /statistics of a training run.*Export the model for inference/],
    'a type that is no longer taken': [12, 13, 'g (int32[4] x) => (int32[4] y) { y = Erf (x) }', /Erf "y" takes no int32 as "input" in opset 13\. Put a Cast/],
    'a Scan over batches': [8, 9, 'g (float[1, 2, 3] x) => (float[1, 2, 3] y) { y = Scan <num_scan_inputs = 1, body = b (float[3] v) => (float[3] w) { w = Relu (v) }> (, x) }', /Scan "y" runs over a batch.*Export/],
    'groups of unknown channels': [18, 21, 'g (float[1, C, 3] x, float[2] s) => (float[] y) { y = GroupNormalization <num_groups = 2> (x, s, s) }', /GroupNormalization "y".*Give the input a shape/],
    'padding that is counted beyond its end': [11, 19, 'g (float[1, 1, 6] x) => (float[] y) { y = AveragePool <kernel_shape = [3], strides = [2], ceil_mode = 1, count_include_pad = 1, pads = [1, 1]> (x) }', /AveragePool "y" rounds its size up/],
    'a window in the padding': [12, 22, 'g (float[1, 1, 5] x) => (float[] y) { y = MaxPool <kernel_shape = [2], strides = [3], ceil_mode = 1, pads = [0, 1]> (x) }', /MaxPool "y" rounds its size up.*ceil_mode: 0/],
    'an operator that is not known': [11, 13, 'g (float[4] x) => (float[4] y) { y = ATen (x) }', /ATen "y" is no operator of ai\.onnx that is known here/],
    'an operator that came later': [9, 13, 'g (float[4] x) => (float[4] y) { y = Gelu (x) }', /Gelu "y" came with opset 20/],
    'an operand of unknown rank': [6, 7, 'g (float[] x, float[3] b) => (float[] y) { y = Add <broadcast = 1, axis = 1> (x, b) }', /Add "y" spreads an operand.*Give the model's inputs their shapes/],
  };
  for (const [name, [from, to, graph, says]] of Object.entries(cases)) test(name, () => expect(refusal(from, to, graph)).toMatch(says));

  test('a window that starts inside is fine', () => {
    expect(lines(raisedTo(22, model(12, 'g (float[1, 1, 7] x) => (float[] y) { y = MaxPool <kernel_shape = [2], strides = [3], ceil_mode = 1, pads = [0, 1]> (x) }')))).toHaveLength(1);
  });

  test('all at once, and the model is as it was', () => {
    const m = model(9, 'g (float[4] x, float[4] s) => (float[4] y, float[4] b, float[4] z) { a = Relu (x)  y, b = Dropout (x)  z, c = Dropout (a)  d = Squeeze (a)  e = Relu (c) }').settle();
    const before = printModel(m);
    const { message, code } = failure(() => raiseOpset(m, 13));
    expect([code, message.split('\n')]).toEqual(['unsupported', ['The model cannot be raised from opset 9 to 13:', expect.stringContaining('Dropout "y"'), expect.stringContaining('Dropout "z"')]]);
    expect([printModel(m), m.revision]).toEqual([before, 0]);
  });

  test('a newer model', () => expect(refusal(17, 13, 'g (float[4] x) => (float[4] y) { y = Relu (x) }')).toMatch(/has opset 17, and opset 13 is older.*nothing is lowered/));
  test('an opset that there is not', () => expect(refusal(17, 99, 'g (float[4] x) => (float[4] y) { y = Relu (x) }')).toMatch(/no opset 99.*1 to 26/));
});
