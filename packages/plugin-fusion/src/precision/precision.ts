import { definePass, describe, inferTypes, OnnxError, selector, type Value } from '@onnxpress/core';
import { computeIn } from './compute.ts';
import { rangesOf } from './ranges.ts';
import { candidates, isFloat32, worthwhile } from './region.ts';
import { storeWeights } from './weights.ts';

/** Smaller values are subnormal in float16 and lose digits one by one. */
const LEAST_NORMAL = { float16: 2 ** -14, bfloat16: 2 ** -126 } as const;

/**
 * Half precision where it holds: nodes whose activations on the calibration data come near the limits of the type, whose constants it cannot hold, or that sum
 * up many small terms, stay float32. Stored weights are a form of their own.
 */
export const precision = definePass({
  name: 'fusion/precision',
  summary: 'float16 or bfloat16 where your data show that it holds, float32 elsewhere; or weights stored in half precision only.',
  numerics: 'lossy',
  usesRuntime: true,
  options: {
    type: { enum: ['float16', 'bfloat16'], default: 'float16', description: 'Which half precision. bfloat16 has the range of float32 and three digits.' },
    form: { enum: ['weights', 'compute'], default: 'compute', description: '`weights`: constants of 1 kB and more are stored so and cast to float32 before they are used: half the bytes, on any processor. `compute`: nodes compute so, for hardware that does; onnxruntime on processors casts back and gains nothing but size.' },
    data: { type: 'string', format: 'data', description: 'For `compute`: the data set on which activations are measured. Without it only operators and constants are looked at.' },
    largest: { type: 'number', exclusiveMinimum: 0, default: 4096, description: 'For `compute`: a node that reads or makes a value above this on the data stays float32. float16 ends at 65504, so this leaves room for data not seen.' },
    include: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only these nodes: globs over node or weight names, op:Type, or domain:name. Empty means all.' },
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Not these nodes.' },
  },
  async run(model, options, ctx) {
    ctx.signal.throwIfAborted();
    const chosen = selector(model, options.include, options.exclude);
    if (options.form === 'weights') return storeWeights(model, options.type, (v) => v.uses.every((u) => chosen(u.node)), ctx);
    const opset = model.opsets.get('') ?? 0;
    if (options.type === 'bfloat16' && opset < 13) throw new OnnxError('unsupported', `Operators compute in bfloat16 from opset 13 on, and the model has ${opset}. Put fusion/opset before this step.`);
    inferTypes(model);
    const able = candidates(model, options.type, chosen, ctx);
    const nodes = new Set(able);
    if (options.data !== undefined && able.length > 0) {
      const seen = await rangesOf(model, able, options.data, ctx);
      for (const node of able) {
        const why = [...node.inputs, ...node.outputs].map((v) => reasonBy(v, seen)).find((w) => w !== undefined);
        if (why === undefined) continue;
        nodes.delete(node);
        ctx.missed(`${describe(node)} stays float32: ${why}.`);
        ctx.count('kept for what they compute');
      }
    }
    const kept = worthwhile(nodes);
    computeIn(model, options.type, kept);
    ctx.count('nodes', kept.size);

    function reasonBy(v: Value | undefined, seen: Awaited<ReturnType<typeof rangesOf>>): string | undefined {
      const found = isFloat32(v) ? seen.get(v) : undefined;
      if (!v || !found) return undefined;
      if (found.largest > options.largest) return `"${v.name}" reaches ${found.largest.toPrecision(3)} on the data`;
      if (found.size > 0 && found.size < LEAST_NORMAL[options.type]) return `"${v.name}" is ${found.size.toPrecision(2)} in the mean on the data, where ${options.type} loses digits`;
      return undefined;
    }
  },
});
