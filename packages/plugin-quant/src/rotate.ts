import { definePass, isPostNorm, OnnxError, residualStreams, selector, type Node, type ResidualStream } from '@onnxpress/core';
import { alreadyQuantized } from './already.ts';
import { carryOut } from './rotation/carry-out.ts';
import { planRotation } from './rotation/plan.ts';
import { randomRotation } from './rotation/rotation.ts';

/**
 * QuaRot's offline part (arXiv 2404.00456): what a pre-norm transformer carries from block to block is turned by a random Hadamard matrix R, which spreads large
 * channels over all. R goes into the weights that write to it (W · R) and Rᵀ, with the gain of the normalization, into those that read it (Rᵀ diag(g) W), so the
 * model computes what it did. Root-mean-square normalization does not see a rotation; layer normalization does not see one that keeps the mean, and stays what it is.
 */
export const rotate = definePass({
  name: 'quant/rotate',
  summary: 'Spreads the large channels of a pre-norm transformer over all by a rotation that is merged into its weights: nothing changes, and what quantizes it afterwards loses less.',
  numerics: 'rounding',
  options: {
    tied: { enum: ['product', 'untie', 'refuse'], default: 'product', description: 'An output head that shares the embedding’s table: a product of width × width before it keeps the table shared (1 % of the head’s work, and as many bytes as one projection); a table of its own costs the table’s bytes once more; or the model is refused.' },
    products: { type: 'integer', minimum: 0, maximum: 16, default: 2, description: 'How many products of width × width may be added where something that writes to or reads the stream has no weight to merge into.' },
    include: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Only streams that one of these nodes adds to: globs over node or weight names, op:Type, or domain:name. Empty means all.' },
    exclude: { type: 'array', items: { type: 'string', format: 'nodes' }, default: [], description: 'Not streams that one of these nodes adds to.' },
    'on-refused': { enum: ['fail', 'keep'], default: 'fail', description: 'A model of which nothing can be rotated is an error, or stays as it is, which is said.' },
  },
  async run(model, options, ctx) {
    const refuse = (why: string): void => {
      if (options['on-refused'] === 'fail') throw new OnnxError('unsupported', `Nothing can be rotated: ${why}. Leave quant/rotate out, or say "on-refused: keep".`);
      ctx.warn(`Nothing is rotated: ${why}.`);
    };
    const already = alreadyQuantized(model);
    if (already) return refuse(`the model is quantized already, it has ${already}, and codes cannot be rotated`);
    const chosen = selector(model, options.include, []);
    const kept = selector(model, [], options.exclude);
    const streams = residualStreams(model);
    const [first] = streams;
    if (!first) return refuse('no residual stream was found: sums that a normalization reads and a linear map adds to');
    const reasons: string[] = [];
    let rotated = 0;
    for (const [done, stream] of streams.entries()) {
      ctx.signal.throwIfAborted();
      ctx.progress(done, streams.length);
      const writers = nodesOf(stream);
      if (!writers.some(chosen) || !writers.every(kept)) continue;
      const plan = planRotation(stream, options);
      if (typeof plan === 'string') {
        if (reasons.length === 0 || !isPostNorm(stream)) reasons.push(plan);
        continue;
      }
      const keepsMean = stream.sinks.some((s) => s.kind === 'norm' && s.norm.kind === 'layer');
      carryOut(plan, randomRotation(stream.width, ctx.random, { keepsMean }), model);
      rotated++;
      ctx.count('streams');
      ctx.count('weights', plan.writers.length + plan.tables.length + plan.convolutions.length + plan.direct.length + plan.folded.reduce((n, f) => n + f.readers.length, 0));
      ctx.count('normalizations folded', plan.folded.length + plan.untied.length + plan.followed.length);
      const products = plan.followed.length + plan.turnedIn.length + plan.turnedOut.length;
      if (products > 0) ctx.count('products added', products);
      await undefined; // others get their turn
    }
    for (const why of reasons) ctx.missed(`A residual stream of ${streams[0]?.width} channels stays: ${why}.`);
    if (rotated === 0 && reasons[0] !== undefined) refuse(reasons[0]);
  },
});

const nodesOf = (stream: ResidualStream): Node[] => [...stream.blocks.map((b) => b.node), ...stream.sources.flatMap((s) => (s.kind === 'linear' ? [s.linear.node] : s.kind === 'embedding' ? [s.node] : []))];
