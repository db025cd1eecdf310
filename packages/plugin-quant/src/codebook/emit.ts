import { codeOf, int64s, type Model, type Value } from '@onnxpress/core';
import { replaceBy, type Readers } from '../blocks/emit.ts';
import { frontOf, type Front } from '../blocks/front.ts';
import type { WeightGroup } from '../blocks/group.ts';
import { type CodebookForm, type EncodedWeight } from './encoded.ts';

/** `quant_type` of MatMulBnb4. */
const TYPES = { fp4: 0, nf4: 1 } as const;

/** Writes an encoded weight in place of the group's: every product becomes MatMulBnb4 of com.microsoft. */
export function emitCodebook(model: Model, group: WeightGroup, weight: EncodedWeight, form: CodebookForm): void {
  const { n, k } = group;
  const front = frontOf(model, group.weight.graph ?? model.graph);
  const codes = front.constant(`${group.weight.name}_codes`, weight.codes);
  const magnitudes = form.double ? restored(group.weight.name, weight, front) : front.constant(`${group.weight.name}_magnitudes`, weight.magnitudes);
  const readers: Readers = {
    multiply: (a, op) => op.in('com.microsoft').MatMulBnb4(a, codes, magnitudes, { K: k, N: n, block_size: form.block, quant_type: TYPES[form.codebook] }),
    lookUp: () => {
      throw new Error('A code book multiplies; it has no table to look up in.');
    },
  };
  for (const target of group.targets) replaceBy(target, readers);
}

/** The magnitudes out of their bytes, in nodes that the runtime computes once, when it loads the model. */
function restored(name: string, { bytes, magnitudes }: EncodedWeight, { op, constant }: Front): Value {
  const [blocks] = magnitudes.dims as [number]; // a vector
  const product = op.Mul(op.Cast(constant(`${name}_magnitude_codes`, bytes.codes), { to: codeOf('float32') }), constant(`${name}_magnitude_scales`, bytes.scales));
  const flat = op.Reshape(op.Add(product, constant(`${name}_magnitude_offset`, bytes.offset)), constant(`${name}_magnitude_shape`, int64s([-1])));
  const isWhole = blocks === bytes.codes.dims[0]! * bytes.codes.dims[1]!; // a matrix
  return isWhole ? flat : op.Slice(flat, constant(`${name}_magnitude_start`, int64s([0])), constant(`${name}_magnitude_end`, int64s([blocks])), constant(`${name}_magnitude_axis`, int64s([0])));
}
