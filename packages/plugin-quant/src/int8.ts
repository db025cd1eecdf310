export { quantizedInt8 as quantizeInt8, type Int8TensorOptions as Int8Options, type Int8Tensors as Int8Weight } from '@onnxpress/core';
