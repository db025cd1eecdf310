import { attr } from './attr.ts';
import { dtypeOf, textOf } from './dtype.ts';
import { constantInput, dtypeOfInput, refuse, type Draft } from './draft.ts';
import { Node } from './graph.ts';
import { bigintsOf, tensorOf } from './values.ts';

/** What versions below an opset want said differently, beside parameters that moved between attributes and inputs. */
interface Form {
  readonly ops: readonly string[];
  /** For versions in force at opsets below this one. */
  readonly below: number;
  apply(draft: Draft): void;
}

const FORMS: readonly Form[] = [
  { ops: ['Softmax', 'LogSoftmax', 'Hardmax'], below: 13, apply: onLastAxis },
  { ops: ['Gemm'], below: 11, apply: withZeroBias },
  { ops: ['Gemm'], below: 7, apply: (draft) => void draft.attrs.set('broadcast', attr.int(1)) },
  { ops: ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'And', 'Or', 'Xor', 'Equal', 'Greater', 'Less'], below: 7, apply: withBroadcast },
  { ops: ['Split'], below: 18, apply: splitEvenly },
  { ops: ['Slice'], below: 10, apply: (draft) => dropInput(draft, 4, (step) => step === 1n, 'steps of 1 only') },
  { ops: ['Dropout'], below: 12, apply: (draft) => dropInput(draft, 2, (training) => training === 0n, 'no training mode') },
  { ops: ['Dropout', 'BatchNormalization'], below: 7, apply: (draft) => void draft.attrs.set('is_test', attr.int(1)) },
  { ops: ['Resize'], below: 13, apply: withAllInputs },
  { ops: ['Resize'], below: 11, apply: asymmetric },
  { ops: ['Constant'], below: 12, apply: asTensor },
  { ops: ['Cast'], below: 6, apply: castByName },
  { ops: ['DFT'], below: 20, apply: onSignalAxis },
  { ops: ['GridSample'], below: 20, apply: linearByOldName },
  { ops: ['RoiAlign'], below: 16, apply: (draft) => only(draft, 'coordinate_transformation_mode', 'output_half_pixel') },
];

/** Says a call as the version in force wants it said. Throws where that version cannot say it. */
export function applyForms(draft: Draft): void {
  if (draft.schema.domain !== '') return;
  for (const form of FORMS) if (draft.opset < form.below && form.ops.includes(draft.schema.opType)) form.apply(draft);
  if (draft.opset >= 18 && draft.schema.opType === 'Split' && !draft.inputs[1] && !draft.attrs.has('split')) draft.attrs.set('num_outputs', attr.int(draft.outputs));
}

/** Before opset 13, Softmax flattens to two dimensions at its axis: the same only when that is the last one. */
function onLastAxis(draft: Draft): void {
  const axis = intOf(draft, 'axis') ?? -1;
  const rank = draft.inputs[0]?.rank;
  if (axis !== -1 && axis + 1 !== rank) refuse(draft, `flattens everything from its axis on, so it cannot do axis ${axis} of rank ${rank ?? 'unknown'} alone. Transpose first, or raise the model's opset to 13.`);
  if (draft.opset >= 11) draft.attrs.set('axis', attr.int(axis));
  else if (rank !== undefined) draft.attrs.set('axis', attr.int(rank - 1));
  else refuse(draft, `takes no negative axis, and the rank of "${draft.inputs[0]?.name ?? ''}" is not known. Infer shapes first.`);
}

function withZeroBias(draft: Draft): void {
  if (!draft.inputs[2]) draft.inputs[2] = draft.constant(tensorOf(dtypeOfInput(draft, 'a zero bias'), [1], [0]));
}

/** Before opset 7, the second input spreads over the last dimensions of the first where an attribute says so, and never the other way. */
function withBroadcast(draft: Draft): void {
  const [a, b] = [draft.inputs[0]?.dims, draft.inputs[1]?.dims];
  if (!a || !b) refuse(draft, `must be told whether to broadcast, and shapes are not known. Infer shapes first, or raise the model's opset to 7.`);
  if (b.length > a.length || !b.every((dim, i) => dim === a[a.length - b.length + i] && dim !== null)) refuse(draft, `only broadcasts a second input that has the last dimensions of the first. Swap the inputs, or raise the model's opset to 7.`);
  if (b.length < a.length) draft.attrs.set('broadcast', attr.int(1));
}

/** Before opset 18 the parts are equal; a smaller last part has to be spelled out. */
function splitEvenly(draft: Draft): void {
  const parts = intOf(draft, 'num_outputs');
  draft.attrs.delete('num_outputs');
  if (parts === undefined) return;
  const axis = intOf(draft, 'axis') ?? 0;
  const size = draft.inputs[0]?.dims?.at(axis);
  if (typeof size !== 'number' || size % parts === 0) return;
  const part = Math.ceil(size / parts);
  if (part * (parts - 1) >= size) refuse(draft, `cannot make ${parts} parts of ${size}: nothing would be left for the last one. Give the sizes.`, 'bad-edit');
  draft.attrs.set('split', attr.ints(Array.from({ length: parts }, (_, i) => Math.min(part, size - part * i))));
}

/** Leaves out an input that this version does not have, where it says what the version does anyway. */
function dropInput(draft: Draft, index: number, same: (value: bigint) => boolean, what: string): void {
  const tensor = constantInput(draft, index);
  if (!tensor) return;
  if (!bigintsOf(tensor).every(same)) refuse(draft, `has ${what}. Raise the model's opset.`);
  draft.inputs[index] = undefined;
}

/** Resize of opset 11 and 12 wants roi and scales, empty where they do not count. */
function withAllInputs(draft: Draft): void {
  if (draft.opset < 11) return;
  const empty = (): ReturnType<Draft['constant']> => draft.constant(tensorOf('float32', [0], []));
  draft.inputs[1] ??= empty();
  draft.inputs[2] ??= empty();
}

/** Resize of opset 10 knows scales, and only the asymmetric way. */
function asymmetric(draft: Draft): void {
  const [x, roi, scales, sizes] = draft.inputs;
  if (roi || sizes || !scales) refuse(draft, 'takes scales, and neither roi nor sizes. Raise the model\'s opset to 11.');
  only(draft, 'coordinate_transformation_mode', 'asymmetric');
  const mode = draft.attrs.get('mode');
  if (mode === undefined || (mode.type === 'string' && mode.value === 'nearest')) only(draft, 'nearest_mode', 'floor');
  draft.inputs.splice(0, draft.inputs.length, x, scales);
}

/** Before opset 12, a Constant holds a tensor and nothing else. */
function asTensor(draft: Draft): void {
  if (draft.attrs.has('value')) return;
  const tensor = new Node('Constant', [], { attrs: draft.attrs }).output.constant;
  if (!tensor) return;
  draft.attrs.clear();
  draft.attrs.set('value', attr.tensor(tensor));
}

/** Before opset 6, Cast names its type in capitals. */
function castByName(draft: Draft): void {
  const dtype = dtypeOf(intOf(draft, 'to') ?? 0);
  if (dtype) draft.attrs.set('to', attr.string(textOf(dtype).toUpperCase()));
}

/** Before opset 20, DFT starts at axis 1 where nothing is said, and at the last axis of the signal from then on. */
function onSignalAxis(draft: Draft): void {
  if (draft.inputs[2] || draft.attrs.has('axis')) return;
  const rank = draft.inputs[0]?.rank ?? refuse(draft, `must be told its axis, and the rank of "${draft.inputs[0]?.name ?? ''}" is not known. Infer shapes first, or give the axis.`);
  draft.attrs.set('axis', attr.int(rank - 2));
}

function linearByOldName(draft: Draft): void {
  const mode = draft.attrs.get('mode');
  const old = mode?.type === 'string' ? { linear: 'bilinear', cubic: 'bicubic' }[String(mode.value)] : 'bilinear';
  if (old) draft.attrs.set('mode', attr.string(old));
}

/** Leaves out an attribute that this version does not have, where it says what the version does anyway. */
function only(draft: Draft, name: string, value: string): void {
  const given = draft.attrs.get(name);
  if (given?.type !== 'string' || given.value !== value) refuse(draft, `always has ${name} = "${value}". Give that, or raise the model's opset.`);
  draft.attrs.delete(name);
}

function intOf(draft: Draft, name: string): number | undefined {
  const a = draft.attrs.get(name);
  return a?.type === 'int' ? Number(a.value) : undefined;
}
