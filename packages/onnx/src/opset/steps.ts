import type { Step } from './raising.ts';
import { operands, slope } from './steps/broadcast.ts';
import { axesToInput, clipToInputs, dropoutToInput, intsToInput, padToInputs, scalesToInput, sliceToInputs, splitToAttribute, tileAlongAll, topKToInput, transformAxisToInput } from './steps/moved.ts';
import { boolMask, forInference, perChannel, perPosition, withoutStatistics } from './steps/normalization.ts';
import { countedPadding, noWindowInPadding, wholeNorm } from './steps/pooling.ts';
import { resize, scalesOfAll, upsample } from './steps/resize.ts';
import { alongOneAxis } from './steps/softmax.ts';
import { both, calledNow, castByNumber, countParts, dropping, gridModes, meantInt, meantText, never, renaming, shortSelu } from './steps/words.ts';

/** Which inputs an operator overwrote: said in files of before opset 6, and nobody's business since. */
const hint = dropping('consumed_inputs');
const HINTED: Readonly<Record<number, Step>> = { 6: hint };
const BROADCAST: Readonly<Record<number, Step>> = { 7: operands };
const ARITHMETIC = { 6: hint, 7: operands };
const RECURRENT = { 7: dropping('output_sequence') };
const AXES = { 18: axesToInput };
const FLAT = { 13: alongOneAxis };

/** Operator of ai.onnx → the version whose form differs → how a node of the one before is said in it. What is in no table is refused. */
export const STEPS: Readonly<Record<string, Readonly<Record<number, Step>>>> = {
  Abs: HINTED, Ceil: HINTED, Elu: HINTED, Exp: HINTED, Floor: HINTED, HardSigmoid: HINTED, InstanceNormalization: HINTED, LeakyRelu: HINTED, Log: HINTED, Max: HINTED, Mean: HINTED, Min: HINTED, Neg: HINTED,
  Reciprocal: HINTED, Relu: HINTED, Sigmoid: HINTED, Sqrt: HINTED, Sum: HINTED, Tanh: HINTED,
  Add: ARITHMETIC, Sub: ARITHMETIC, Mul: ARITHMETIC, Div: ARITHMETIC,
  And: BROADCAST, Or: BROADCAST, Xor: BROADCAST, Equal: BROADCAST, Greater: BROADCAST, Less: BROADCAST, Pow: BROADCAST,
  AveragePool: { 19: countedPadding, 22: noWindowInPadding },
  BatchNormalization: { 6: hint, 7: forInference, 9: perPosition, 14: withoutStatistics },
  Cast: { 6: castByNumber },
  Clip: { 6: hint, 11: clipToInputs },
  Concat: { 4: meantInt('axis', 1) },
  DFT: { 20: transformAxisToInput },
  Dropout: { 6: hint, 7: forInference, 10: boolMask, 12: dropoutToInput },
  GRU: RECURRENT, LSTM: RECURRENT, RNN: RECURRENT,
  Gemm: { 7: dropping('broadcast') },
  GlobalLpPool: { 2: wholeNorm },
  GridSample: { 20: gridModes },
  GroupNormalization: { 21: perChannel },
  Hardmax: FLAT, LogSoftmax: FLAT, Softmax: FLAT,
  LpPool: { 2: wholeNorm },
  MaxPool: { 22: noWindowInPadding },
  PRelu: { 6: hint, 7: slope },
  Pad: { 2: renaming('paddings', 'pads'), 11: padToInputs },
  ReduceL1: AXES, ReduceL2: AXES, ReduceLogSum: AXES, ReduceLogSumExp: AXES, ReduceMax: AXES, ReduceMean: AXES, ReduceMin: AXES, ReduceProd: AXES, ReduceSumSquare: AXES,
  ReduceSum: { 13: axesToInput },
  Reshape: { 5: both(hint, intsToInput('shape', 1)) },
  Resize: { 11: resize },
  RoiAlign: { 16: meantText('coordinate_transformation_mode', 'output_half_pixel') },
  Scan: { 9: never('runs over a batch of sequences of different lengths, which Scan does not do from opset 9 on. Export the model with opset 9 or more.') },
  Scatter: { 11: calledNow('ScatterElements') },
  Selu: { 6: both(hint, shortSelu) },
  Slice: { 10: sliceToInputs },
  Split: { 2: splitToAttribute, 13: intsToInput('split', 1), 18: countParts },
  Squeeze: { 13: axesToInput },
  Tile: { 6: tileAlongAll },
  TopK: { 10: topKToInput },
  Unsqueeze: { 13: intsToInput('axes', 1) },
  Upsample: { 7: scalesOfAll, 9: scalesToInput, 10: upsample },
};
