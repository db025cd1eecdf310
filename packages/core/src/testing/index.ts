export type { RunnableCase } from './cases.ts';
export { datasetCases, type DatasetCases } from './dataset-cases.ts';
export { evaluatorCases, type EvaluatorCases } from './evaluator-cases.ts';
export type { RejectCase } from './options-cases.ts';
export { passCases, type ChangeCase, type ModelGiven, type PassCases } from './pass-cases.ts';
export { testContext, testPassContext, testServices, type TestContextSpec } from './test-context.ts';
export { tinyTransformer, type TinyTransformer } from './tiny-transformer.ts';
