import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { shared } from './harness.mjs';

/** A Python with onnx, onnxruntime, onnxruntime-extensions, pillow and, for the peers, onnxslim, onnxsim and onnxscript. */
export const python = process.env.PYTHON ?? 'python3';

/** Whether the Python has these modules. */
export const hasPython = (...modules) => spawnSync(python, ['-c', modules.map((m) => `import ${m}`).join('\n')]).status === 0;

/** Nodes without Constant of the smallest correct result: of the three tools that keep to standard operators, and of all eight. As measured; `node bench/graph.mjs --peers` measures the tools that are installed anew. */
export const SMALLEST = {
  'all-minilm-l6-v2': [369, 46], 'retriever-small': [278, 46], 'bert-dynamo': [93, 37], 'efficientnet-lite0-unfolded': [94, 61], 'light-shufflenet': [154, 154], 'llama-optimum': [330, 330],
  'mnist-cntk': [8, 6], 'ppocr-cls': [180, 155], 'ppocr-det': [297, 297], 'ppocr-rec': [377, 353], 'resnet18-dynamo': [49, 49], 'roberta-legacy': [138, 43], 'silero-vad': [116, 116],
  'sklearn-pipeline': [9, 9], 'super-resolution-prepost': [75, 72], 'smollm2-135m': [2784, 2784],
};

const OPTIMIZE_OFFLINE = `
import sys, onnxruntime as o
s = o.SessionOptions()
s.graph_optimization_level = getattr(o.GraphOptimizationLevel, "ORT_ENABLE_" + sys.argv[3])
s.optimized_model_filepath = sys.argv[2]
s.log_severity_level = 4
if len(sys.argv) > 4:
    import onnxruntime_extensions
    s.register_custom_ops_library(onnxruntime_extensions.get_library_path())
o.InferenceSession(sys.argv[1], s, providers=["CPUExecutionProvider"])`;
const ONNXSIM = 'import sys, onnx, onnxsim\nm, ok = onnxsim.simplify(onnx.load(sys.argv[1]))\nassert ok\nonnx.save(m, sys.argv[2])';
const ONNXSCRIPT = 'import sys, onnx\nfrom onnxscript import ir, optimizer, rewriter\nm = ir.load(sys.argv[1])\noptimizer.optimize(m)\nrewriter.rewrite(m)\nir.save(m, sys.argv[2])';

/** Name → the command that writes the tool's result, and whether it keeps to standard operators. */
export const TOOLS = {
  onnxsim: { standard: true, command: (from, to) => [python, '-c', ONNXSIM, from, to] },
  onnxslim: { standard: true, command: (from, to) => [python, '-m', 'onnxslim', from, to] },
  onnxscript: { standard: true, command: (from, to) => [python, '-c', ONNXSCRIPT, from, to] },
  'ort-basic': { standard: false, command: (from, to, custom) => [python, '-c', OPTIMIZE_OFFLINE, from, to, 'BASIC', ...custom] },
  'ort-extended': { standard: false, command: (from, to, custom) => [python, '-c', OPTIMIZE_OFFLINE, from, to, 'EXTENDED', ...custom] },
};

/** What check_equal.py says of two models. */
export function checkEqual(before, after, inputs) {
  const { stdout, stderr } = spawnSync(python, [join(shared, 'tools/check_equal.py'), before, after, inputs, '--json'], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  try {
    return JSON.parse(stdout);
  } catch {
    return { equal: false, why: stderr.trim().split('\n').at(-1) };
  }
}

/** Nodes without Constant, and bytes, as count.py counts. */
export function count(path) {
  const { stdout, stderr, status } = spawnSync(python, [join(shared, 'tools/count.py'), path, '--json'], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(stderr);
  const { nodes_without_constants: nodes, bytes } = JSON.parse(stdout)[path];
  return { nodes, bytes };
}

const DRAW = `
import sys, json, numpy as np
sys.path.insert(0, sys.argv[1])
import inputs
out = []
for name, v in inputs.make(inputs.load(sys.argv[2]), int(sys.argv[3])).items():
    v = np.ascontiguousarray(v)
    strings = v.dtype.kind in "OU"
    out.append({"name": name, "dtype": "string" if strings else str(v.dtype), "dims": list(v.shape), "data": v.reshape(-1).tolist() if strings else v.tobytes().hex()})
print(json.dumps(out))`;

const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array, int8: Int8Array, bool: Uint8Array, uint64: BigUint64Array };

/** The inputs of one case of an inputs.json, as feeds. */
export function feedsOf(inputs, number) {
  const { stdout, stderr, status } = spawnSync(python, ['-c', DRAW, join(shared, 'tools'), inputs, String(number)], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(stderr);
  return Object.fromEntries(JSON.parse(stdout).map(({ name, dtype, dims, data }) => [name, { dtype, dims, data: dtype === 'string' ? data : new ARRAYS[dtype](Uint8Array.from(Buffer.from(data, 'hex')).buffer) }]));
}
