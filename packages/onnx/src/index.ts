export { OnnxError, type OnnxErrorCode } from './error.ts';
export { attr, graphsIn, type Attr, type AttrKind, type Int } from './ir/attr.ts';
export { bitsOf, byteLengthOf, codeOf, countOf, dtypeOf, dtypeOfText, DTYPES, isFloat, isInteger, textOf, type DType } from './ir/dtype.ts';
export { describe, Graph, Node, Value, type Constant, type Notes, type Use } from './ir/graph.ts';
export { cloneGraph, copyNode, functionKey, Model, type FunctionDef, type ModelFile, type ModelInfo } from './ir/model.ts';
export { BYTES_LIMIT, fromReader, isFileTensor, isSparse, lazyTensor, memoryTensor, reshaped, type FileTensor, type SparseTensor, type Tensor } from './ir/tensor.ts';
export { describeType, sameDim, sameType, tensorType, type Dim, type TensorType, type ValueType } from './ir/types.ts';
