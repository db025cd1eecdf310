import { attr } from '../../ir/attr.ts';
import { float32s, numbersOf } from '../../ir/values.ts';
import type { Raising, Step } from '../raising.ts';

/** Resize of opset 13 may leave out what it does not need. */
const OPTIONAL_INPUTS = 13;

/** Scales for height and width → one per dimension. */
export const scalesOfAll: Step = (r) => {
  const [height, width] = [r.float('height_scale', 1), r.float('width_scale', 1)];
  r.drop('height_scale', 'width_scale');
  r.set('scales', attr.floats([1, 1, height, width]));
  linearByNewName(r);
};

/** Upsample → Resize, which from opset 11 on does as Upsample did where it is told so. Upsample only enlarges: the nearest is the one before. */
export const upsample: Step = (r) => {
  linearByNewName(r);
  r.become('Resize', r.node.inputs);
  if (r.to < 11) return;
  tellHow(r, 'floor');
  r.version = 11;
};

/** Resize of opset 10, which had one way to find where a result comes from: what onnxruntime does there. */
export const resize: Step = (r) => {
  if (r.text('mode', 'nearest') !== 'nearest') return tellHow(r, undefined);
  const scales = r.input(1)?.constant;
  if (!scales) return r.refuse(`takes its scales from "${r.input(1)?.name ?? ''}", which is not constant, and whether it enlarges decides which element is the nearest. Fold constants first, or make them constant.`);
  const known = [...numbersOf(scales)];
  if (known.some((s) => s > 1) && known.some((s) => s < 1)) return r.refuse('enlarges along one axis and shrinks along another, and which element is the nearest can only be said of both. Make two of it.');
  tellHow(r, known.some((s) => s < 1) ? 'ceil' : 'floor');
};

function tellHow(r: Raising, nearest: 'floor' | 'ceil' | undefined): void {
  const scales = r.input(1);
  r.set('coordinate_transformation_mode', attr.string('asymmetric'));
  if (nearest && r.text('mode', 'nearest') === 'nearest') r.set('nearest_mode', attr.string(nearest));
  r.setInput(1, r.to < OPTIONAL_INPUTS ? r.constant(float32s([0], [])) : undefined);
  r.setInput(2, scales);
}

function linearByNewName(r: Raising): void {
  if (r.text('mode', 'nearest') === 'bilinear') r.set('mode', attr.string('linear'));
}
