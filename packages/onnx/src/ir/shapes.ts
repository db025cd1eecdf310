export { inferNode, inferTypes } from './shapes/infer.ts';
export { contentsOf } from './shapes/contents.ts';
export { Sizes } from './shapes/dims.ts';
export type { InferOptions } from './shapes/scope.ts';
