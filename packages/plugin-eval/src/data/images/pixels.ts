import type { Feed } from '@onnxpress/core';
import type { Picture } from './picture.ts';

export interface PixelForm {
  readonly layout: 'nchw' | 'nhwc';
  readonly order: 'rgb' | 'bgr';
  readonly dtype: 'float32' | 'uint8';
  /** Colours are multiplied by it, then the mean is taken away, then they are divided by the deviation: of each channel in the model's order. */
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Pictures of one size as a model takes them: [pictures, 3, height, width], or the channels last. */
export function pixelsOf(pictures: readonly Picture[], { layout, order, dtype, scale, mean, std }: PixelForm): Feed {
  const { height, width } = pictures[0]!; // there is one at least
  const area = height * width;
  const data = dtype === 'float32' ? new Float32Array(pictures.length * area * 3) : new Uint8Array(pictures.length * area * 3);
  for (const [at, picture] of pictures.entries()) {
    for (let channel = 0; channel < 3; channel++) {
      const [away, by] = [mean[channel % mean.length]!, std[channel % std.length]!];
      // Each colour has one value, so all are computed once, in double precision.
      const values = Float64Array.from({ length: 256 }, (_, colour) => (dtype === 'uint8' ? colour : (colour * scale - away) / by));
      const from = order === 'rgb' ? channel : 2 - channel;
      const start = at * area * 3 + (layout === 'nchw' ? channel * area : channel);
      const step = layout === 'nchw' ? 1 : 3;
      for (let pixel = 0; pixel < area; pixel++) data[start + pixel * step] = values[picture.data[pixel * 3 + from]!]!;
    }
  }
  return { dtype, dims: layout === 'nchw' ? [pictures.length, 3, height, width] : [pictures.length, height, width, 3], data };
}
