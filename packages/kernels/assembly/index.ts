// What the module exports: pointers in, pointers out. The TypeScript functions of `src` are the way to call them.
export { blocksDecode, blocksOfRows } from './blocks';
export { blocksTransposed, blocksTransposedScratch } from './blocks-transposed';
export { fromBfloat16, fromFloat16, fromFloat8E4M3FN, fromFloat8E5M2, toBfloat16, toFloat16, toFloat8E4M3FN, toFloat8E5M2 } from './casts';
export { codebookDecode, codebookEncode } from './codebooks';
export { int8DecodeColumns, int8DecodeRows, int8EncodeColumns, int8EncodeRows, int8Rows, int8RowsAsymmetric, int8Scales, largestFirst } from './int8';
export { scaleColumns, scaleRows, transpose16, transpose32, transpose8 } from './layout';
export { packNibbles, packQuarters, unpackCodes } from './packing';
export { collectBetween, countBetween, countLower, countUpper, firstBetween, keepInColumns, keepInRows, maskBelow } from './selection';
export { firstNonFinite, histogram, rangesOfColumns, rangesOfRows } from './statistics';
export { gptqBlock, gptqErrorStride, gptqScratch, groupGrids } from './linear-algebra-gptq';
export { multiply, multiplyScratch } from './linear-algebra-multiply';
export { choleskyInverse, mirror, reverse } from './linear-algebra-triangle';
