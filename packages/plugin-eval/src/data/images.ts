import { readdirSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { defineDataset, hashFile, seeded, type Feeds } from '@onnxpress/core';
import { emptyChoice, emptyData, noSuchFile, unequalImages } from '../problems.ts';
import { shuffled } from '../random.ts';
import { onlyInput } from './examples.ts';
import { fingerprintOf } from './fingerprint.ts';
import { labelsOf } from './images/labels.ts';
import { openImageLibrary, type ImageLibrary } from './images/library.ts';
import { readPicture, type PictureForm, type Size } from './images/picture.ts';
import { pixelsOf, type PixelForm } from './images/pixels.ts';

const sides = { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 2, maxItems: 2 } as const;
const channels = { type: 'array', items: { type: 'number' }, minItems: 1, maxItems: 3 } as const;

/** Pictures for models that see: sorted by path, read one batch at a time. The same files give the same numbers wherever libvips decodes them alike. */
export const images = defineDataset({
  name: 'eval/images',
  summary: 'JPEG and PNG files of a folder, resized, cropped and normalized as a model was trained on them. Needs sharp: npm install sharp@0.35.',
  options: {
    folder: { type: 'string', format: 'path', required: true, description: 'Where the images are; folders in it count too.' },
    input: { type: 'string', minLength: 1, description: "The model's input. Default: the only one that it has." },
    resize: { anyOf: [{ type: 'integer', minimum: 1 }, sides], description: 'The length of the short side, or [height, width]. Default: as they are.' },
    kernel: { enum: ['nearest', 'linear', 'cubic', 'lanczos3'], default: 'linear', description: 'How colours are interpolated between pixels.' },
    crop: { anyOf: [{ type: 'integer', minimum: 1 }, sides], description: 'Cut from the middle: one length for a square, or [height, width].' },
    scale: { type: 'number', default: 0.00392156862745098, description: 'Colours from 0 to 255 are multiplied by it. Default: 1/255.' },
    mean: { ...channels, default: [0], description: 'Taken away from the scaled colours: one number, or one per channel. ImageNet: [0.485, 0.456, 0.406].' },
    std: { ...channels, default: [1], description: 'What is left is divided by it: one number, or one per channel. ImageNet: [0.229, 0.224, 0.225].' },
    layout: { enum: ['nchw', 'nhwc'], default: 'nchw', description: 'Whether channels come before or after height and width.' },
    order: { enum: ['rgb', 'bgr'], default: 'rgb', description: 'The order of the channels.' },
    dtype: { enum: ['float32', 'uint8'], default: 'float32', description: 'uint8 are the colours themselves, neither scaled nor normalized.' },
    batch: { type: 'integer', minimum: 1, default: 1, description: 'Images in one run.' },
    labels: { type: 'string', minLength: 1, description: 'What the images show, for measuring accuracy: "folder", or a .csv file with lines "image,label".' },
    shuffle: { type: 'boolean', default: false, description: 'Take images in random order, before skip and take.' },
    seed: { type: 'integer', default: 0, description: 'Which random order: the same seed, the same images.' },
    skip: { type: 'integer', minimum: 0, default: 0, description: 'Leave out the first so many images.' },
    take: { type: 'integer', minimum: 1, description: 'At most so many images. Default: all.' },
  },
  async open({ folder, input, resize, kernel, crop, batch, labels, shuffle, seed, skip, take, ...pixels }, ctx) {
    const path = ctx.resolve(folder);
    const names = imagesIn(path);
    if (names.length === 0) throw emptyData(path, 'files that end in .jpg, .jpeg or .png');
    const order = shuffle ? shuffled(names.length, seeded('eval/images', seed)).map((at) => names[at]!) : names;
    const chosen = order.slice(skip, skip + (take ?? Infinity));
    if (chosen.length === 0) throw emptyChoice(path, `all of its ${names.length} images are skipped`, `Set "skip" below ${names.length}.`);
    const library = await openImageLibrary();
    const form: PictureForm = { resize: sizeGiven(resize), kernel, crop: typeof crop === 'number' ? [crop, crop] : bothSides(crop) };
    const hashes: string[] = [];
    for (const name of chosen) {
      ctx.signal.throwIfAborted();
      hashes.push(await hashFile(join(path, name)));
    }
    const shown = labels === undefined ? undefined : await labelsOf(chosen, labels, ctx.resolve);
    return {
      kind: 'tensors',
      fingerprint: fingerprintOf('images', library.version, chosen, hashes, input, form, batch, pixels, shown),
      count: Math.ceil(chosen.length / batch),
      labels: shown,
      feeds: () => read(library, path, chosen, batch, form, { ...pixels, mean: pixels.mean as readonly number[], std: pixels.std as readonly number[] }, input ?? onlyInput), // numbers, by their schema
    };
  },
});

async function* read(library: ImageLibrary, folder: string, names: readonly string[], batch: number, form: PictureForm, pixels: PixelForm, input: string): AsyncGenerator<Feeds, void, undefined> {
  for (let at = 0; at < names.length; at += batch) {
    const files = names.slice(at, at + batch).map((name) => join(folder, name));
    const pictures = await Promise.all(files.map((file) => readPicture(library, file, form)));
    const other = pictures.findIndex(({ height, width }) => height !== pictures[0]!.height || width !== pictures[0]!.width);
    if (other > 0) throw unequalImages(files[0]!, files[other]!);
    yield { [input]: pixelsOf(pictures, pixels) };
  }
}

/** Paths below the folder with "/", sorted by code unit: the same on every system. */
function imagesIn(folder: string): readonly string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw noSuchFile(folder);
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.split(sep).join('/'));
  return all.filter((name) => /\.(jpe?g|png)$/i.test(name) && statSync(join(folder, name)).isFile()).sort();
}

const sizeGiven = (given: unknown): number | Size | undefined => (typeof given === 'number' ? given : bothSides(given));
const bothSides = (given: unknown): Size | undefined => (Array.isArray(given) ? [given[0] as number, given[1] as number] : undefined); // two numbers, by the schema
