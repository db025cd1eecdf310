import { definePass, definePlugin, float32sOf, lazyTensor, selector } from '@onnxpress/core';

const round = definePass({
  name: 'coarse/round',
  summary: 'Rounds weights to so many digits.',
  numerics: 'lossy',
  options: {
    digits: { type: 'integer', minimum: 0, default: 2, description: 'Digits after the point.' },
    only: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only weights of these nodes. Empty means all.' },
  },
  run(model, { digits, only }, ctx) {
    const chosen = selector(model, only, []);
    const unit = 10 ** digits;
    for (const weight of model.graph.initializers.values()) {
      const { constant } = weight;
      if (constant.dtype !== 'float32' || !weight.uses.some(({ node }) => chosen(node))) continue;
      model.graph.setConstant(weight, lazyTensor('float32', constant.dims, () => float32sOf(constant).map((x) => Math.round(x * unit) / unit)));
      ctx.count('weights');
    }
  },
});

export default definePlugin({ name: 'coarse', passes: [round] });
