import type { ModelFacts, Report, VariantReport } from '@onnxpress/core';

/* Reports for tests of what is shown. */

export const facts: ModelFacts = { file: 'models/minilm/onnx/model.onnx', bytes: 90_400_000, params: 22_565_376, nodes: 431, opset: 14 };

/** When the report was made, in milliseconds since 1970. */
export const MADE = Date.UTC(2026, 0, 1, 12);

export const variant: VariantReport = {
  name: '',
  values: {},
  ok: true,
  steps: [],
  evaluations: [
    { use: 'eval/size', ms: 3, cached: false, at: MADE, remarks: [] },
    { use: 'eval/retrieval', ms: 12_000, cached: false, at: MADE, remarks: [] },
    { use: 'eval/latency', ms: 4000, cached: false, at: MADE, remarks: [] },
  ],
  metrics: [
    { evaluation: 0, metric: 'size', unit: 'bytes', original: 90_400_000, result: 22_960_000, at: MADE, cached: false },
    { evaluation: 1, metric: 'ndcg@10', unit: 'score', original: 0.3733, result: 0.3726, n: 225, at: MADE, cached: false },
    { evaluation: 2, metric: 'latency.p50', unit: 'ms', original: 10.2, result: 4.6, n: 50, at: MADE, cached: false },
  ],
  gates: [
    { gate: 'size', ok: true, metric: 'size', bound: '≤ 30 %', message: 'size is 25.4 % of the original, and at most 30 % was asked.' },
    { gate: 'ndcg@10', ok: true, metric: 'ndcg@10', bound: '≥ 97 %', detail: '95 %: 98.1–101.4 %, n = 225', message: 'ndcg@10 is at least 98.1 % of the original.' },
    { gate: 'latency.p50', ok: true, metric: 'latency.p50', bound: '≤ 60 %', message: 'latency.p50 is 45.1 % of the original.' },
  ],
  warnings: [],
  result: { ...facts, file: 'out/minilm-int8.onnx', bytes: 22_960_000, nodes: 196 },
};

export const report: Report = {
  schema: 'onnxpress/report/1',
  name: 'retriever-int8',
  fingerprint: 'f00d',
  model: facts,
  environment: { onnxpress: '0.1.0', runtime: 'onnxruntime-node 1.30.0', node: 'v20', platform: 'linux', cpu: 'a processor', features: [], cores: 2, provider: 'cpu', threads: 2 },
  seed: 0,
  variants: [variant],
  chosen: '',
  ok: true,
  output: 'out/minilm-int8.onnx',
};
