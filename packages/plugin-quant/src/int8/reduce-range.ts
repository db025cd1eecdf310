import { Machine, type OptionsSchema, type PassContext } from '@onnxpress/core';

/** Features with which a processor adds up products of 8 bits without saturating. */
const EXACT = ['avx512_vnni', 'avx_vnni', 'amx_int8'];

export const REDUCE_RANGE = {
  'reduce-range': { enum: ['auto', true, false], default: 'auto', description: 'Weights take 7 of the 8 bits, because x86 processors without VNNI cut off sums of two larger products. `auto` asks the processor of this computer: say it yourself for a model that runs elsewhere.' },
} as const satisfies OptionsSchema;

/**
 * Whether weights take 7 bits. x86 processors without VNNI add two products of uint8 and int8 in 16 bits and cut off what is larger; with 7 bits nothing
 * is. `auto` goes by the processor that the pass runs on; where an x86 processor's features are not known, it takes 7 bits, which is said.
 */
export function reducesRange(option: 'auto' | boolean, ctx: Pick<PassContext, 'get' | 'warn'>): boolean {
  if (option !== 'auto') return option;
  const { platform, features } = ctx.get(Machine);
  if (!platform.endsWith('-x64') && !platform.endsWith('-ia32')) return false;
  if (features.some((f) => EXACT.includes(f))) return false;
  ctx.warn(features.length > 0
    ? 'This processor has no VNNI and would cut off sums of 8-bit products, so weights take 7 bits. For a model that runs on a processor with VNNI say "reduce-range: false".'
    : 'This system does not say what its processor can do, so weights take 7 bits, which are right on any. For a model that runs on a processor with VNNI say "reduce-range: false".');
  return true;
}
