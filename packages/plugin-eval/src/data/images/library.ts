import type { Sharp, SharpOptions } from 'sharp';
import { noImageLibrary } from '../../problems.ts';

/** What is used of sharp, which is installed by those who work with images. */
export interface ImageLibrary {
  /** Part of every fingerprint: pixels depend on it. */
  readonly version: string;
  open(file: string, options: SharpOptions): Sharp;
}

export async function openImageLibrary(): Promise<ImageLibrary> {
  try {
    const { default: sharp } = await import('sharp');
    return { version: `sharp ${sharp.versions.sharp} libvips ${sharp.versions.vips}`, open: (file, options) => sharp(file, options) };
  } catch (cause) {
    throw noImageLibrary(cause);
  }
}
