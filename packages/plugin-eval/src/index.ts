import { definePlugin } from '@onnxpress/core';
import { beir } from './data/beir.ts';
import { images } from './data/images.ts';
import { randomTensors } from './data/random-tensors.ts';
import { tensors } from './data/tensors.ts';
import { texts } from './data/texts.ts';
import { cosine } from './evaluate/cosine.ts';
import { latency } from './evaluate/latency.ts';
import { perplexity } from './evaluate/perplexity.ts';
import { retrieval } from './evaluate/retrieval.ts';
import { size } from './evaluate/size.ts';
import { threshold } from './gate/threshold.ts';

export default definePlugin({
  name: 'eval',
  datasets: [beir, texts, tensors, images, randomTensors],
  evaluators: [retrieval, latency, size, cosine, perplexity],
  gates: [threshold],
});
