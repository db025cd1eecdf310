import { attr, type Attr, type Int } from './attr.ts';
import { constantInput, dtypeOfInput, refuse, type Draft } from './draft.ts';
import type { Tensor } from './tensor.ts';
import { bigintsOf, float32sOf, int64s, scalar, tensorOf } from './values.ts';

/** A parameter that is an attribute in old versions of its operator and an input in new ones. */
interface Moved {
  readonly attr: string;
  /** Its place among the inputs of the newest version. */
  readonly input: number;
  toAttr(tensor: Tensor): Attr;
  toTensor(a: Attr, draft: Draft): Tensor | undefined;
}

const ints = (attribute: string, input: number): Moved => ({
  attr: attribute,
  input,
  toAttr: (t) => attr.ints([...bigintsOf(t)]),
  toTensor: (a) => (a.type === 'ints' ? int64s(a.value) : undefined),
});
const int = (attribute: string, input: number, asTensor: (value: Int) => Tensor): Moved => ({
  attr: attribute,
  input,
  toAttr: (t) => attr.int(bigintsOf(t)[0]!),
  toTensor: (a) => (a.type === 'int' ? asTensor(a.value) : undefined),
});
/** A single number of the type of the operator's first input. */
const float = (attribute: string, input: number): Moved => ({
  attr: attribute,
  input,
  toAttr: (t) => attr.float(float32sOf(t)[0]!),
  toTensor: (a, draft) => (a.type === 'float' ? scalar(dtypeOfInput(draft, `"${draft.newest.inputs[input]!.name}"`), a.value) : undefined),
});

const AXES = [ints('axes', 1)];

/** Operator of ai.onnx → its parameters that moved. */
export const MOVED: Readonly<Record<string, readonly Moved[]>> = {
  Squeeze: AXES,
  Unsqueeze: AXES,
  ReduceL1: AXES,
  ReduceL2: AXES,
  ReduceLogSum: AXES,
  ReduceLogSumExp: AXES,
  ReduceMax: AXES,
  ReduceMean: AXES,
  ReduceMin: AXES,
  ReduceProd: AXES,
  ReduceSum: AXES,
  ReduceSumSquare: AXES,
  Split: [ints('split', 1)],
  Slice: [ints('starts', 1), ints('ends', 2), ints('axes', 3)],
  Reshape: [ints('shape', 1)],
  Pad: [ints('pads', 1), float('value', 2)],
  Clip: [float('min', 1), float('max', 2)],
  TopK: [int('k', 1, (k) => int64s([k]))],
  DFT: [int('axis', 2, (axis) => scalar('int64', axis))],
  Dropout: [
    {
      attr: 'ratio',
      input: 1,
      toAttr: (t) => attr.float(float32sOf(t)[0]!),
      toTensor: (a) => (a.type === 'float' ? scalar('float32', a.value) : undefined), // any float type is allowed
    },
  ],
  Upsample: [
    {
      attr: 'scales',
      input: 1,
      toAttr: (t) => attr.floats([...float32sOf(t)]),
      toTensor: (a) => (a.type === 'floats' ? tensorOf('float32', [a.value.length], a.value) : undefined),
    },
  ],
};

/** Writes each moved parameter in the place it has in the version in force, from whichever place it was given in. */
export function placeMoved(draft: Draft): void {
  for (const moved of draft.schema.domain === '' ? (MOVED[draft.schema.opType] ?? []) : []) {
    const given = draft.attrs.get(moved.attr);
    if (given && draft.inputs[moved.input]) refuse(draft, `got "${moved.attr}" as an attribute and as an input. Give one of them.`, 'bad-edit');
    if (draft.schema.attributes.has(moved.attr)) {
      const tensor = constantInput(draft, moved.input);
      if (!tensor) continue;
      draft.attrs.set(moved.attr, moved.toAttr(tensor));
      draft.inputs[moved.input] = undefined;
    } else if (given) {
      const tensor = moved.toTensor(given, draft) ?? refuse(draft, `takes "${moved.attr}" as an input, so a reference to an attribute of the function around it cannot be given.`);
      draft.attrs.delete(moved.attr);
      while (draft.inputs.length < moved.input) draft.inputs.push(undefined);
      draft.inputs[moved.input] = draft.constant(tensor);
    }
  }
}
