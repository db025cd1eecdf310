import type { ImageLibrary } from './library.ts';
import { badImage, smallImage } from '../../problems.ts';

export type Size = readonly [height: number, width: number];

/** How a picture becomes numbers, in this order: resized, cropped, scaled, normalized, laid out. */
export interface PictureForm {
  /** The short side, or both exactly. */
  readonly resize?: number | Size | undefined;
  readonly kernel: 'nearest' | 'linear' | 'cubic' | 'lanczos3';
  /** Cut from the middle. */
  readonly crop?: Size | undefined;
}

/** 8-bit colours, [height, width, 3] in the order red, green, blue. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  readonly data: Uint8Array;
}

/**
 * Reads a JPEG or PNG as RGB, whatever it was: grey is grey in three channels, transparency is dropped, more than 8 bits are rounded. The picture lies as it is
 * stored: nothing is rotated. Sizes and offsets are rounded as torchvision rounds them. Throws `data-broken` for what is no picture, and for one smaller than the crop.
 */
export async function readPicture(library: ImageLibrary, file: string, { resize, kernel, crop }: PictureForm): Promise<Picture> {
  try {
    const image = library.open(file, { failOn: 'error', autoOrient: false });
    const { width, height } = await image.metadata();
    const [tall, wide] = sizeOf(resize, [height, width]);
    if (tall !== height || wide !== width) image.resize({ width: wide, height: tall, fit: 'fill', kernel, fastShrinkOnLoad: false });
    if (crop !== undefined) {
      if (crop[0] > tall || crop[1] > wide) throw smallImage(file, [tall, wide], crop);
      image.extract({ top: middle(tall, crop[0]), left: middle(wide, crop[1]), height: crop[0], width: crop[1] });
    }
    const { data, info } = await image.removeAlpha().toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { height: info.height, width: info.width, data: info.channels === 3 ? data : threefold(data, info.channels) };
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'RunError') throw cause;
    throw badImage(file, cause);
  }
}

function sizeOf(resize: PictureForm['resize'], [height, width]: Size): Size {
  if (resize === undefined) return [height, width];
  if (typeof resize !== 'number') return resize;
  const short = Math.min(height, width);
  return [Math.floor((height * resize) / short), Math.floor((width * resize) / short)];
}

const middle = (all: number, part: number): number => Math.round((all - part) / 2);

/** The first channel in three. */
function threefold(data: Uint8Array, channels: number): Uint8Array {
  const wide = new Uint8Array((data.length / channels) * 3);
  for (let pixel = 0; pixel < data.length / channels; pixel++) wide.fill(data[pixel * channels]!, pixel * 3, pixel * 3 + 3);
  return wide;
}
