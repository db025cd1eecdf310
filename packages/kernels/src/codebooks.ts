import { checkLength, checkWhole, KernelError, NonFiniteError } from './error.ts';
import { inChunks } from './memory/chunks.ts';
import { machine } from './memory/machine.ts';
import { checkFinite } from './statistics.ts';

/** The inputs of MatMulBnb4: blocks of a flat array, each divided by its largest magnitude. */
export interface CodebookCodes {
  /** Two codes per byte, the first in the high bits: the opposite of MatMulNBits. A last half byte is the code of 0. */
  readonly codes: Uint8Array;
  /** One for each block; 0 where all of it is 0. */
  readonly absMax: Float32Array;
}

export interface CodebookOptions {
  /** A multiple of 16. Default: 64. The last block may be shorter. */
  readonly block?: number;
}

const FP4 = 0;
const NF4 = 1;
/** Tables of the encoder, and a padded end. */
const SCRATCH_BYTES = 160;

/** NormalFloat of 4 bits (QLoRA, arXiv 2305.14314), with the decision thresholds of onnxruntime's MatMulBnb4. For MatMulBnb4 transpose to [N, K] first. Throws NonFiniteError. */
export function encodeNf4(w: Float32Array, options: CodebookOptions = {}, into?: CodebookCodes): CodebookCodes {
  return encode(w, options, NF4, into);
}

export function decodeNf4(encoded: CodebookCodes, length: number, options: CodebookOptions = {}, into: Float32Array = new Float32Array(length)): Float32Array {
  return decode(encoded, length, options, NF4, into);
}

/** The 4-bit float of bitsandbytes, as in MatMulBnb4. Throws NonFiniteError. */
export function encodeFp4(w: Float32Array, options: CodebookOptions = {}, into?: CodebookCodes): CodebookCodes {
  return encode(w, options, FP4, into);
}

export function decodeFp4(encoded: CodebookCodes, length: number, options: CodebookOptions = {}, into: Float32Array = new Float32Array(length)): Float32Array {
  return decode(encoded, length, options, FP4, into);
}

function checkBlock(block: number): void {
  checkWhole('block', block, 16, 2 ** 16);
  if (block % 16 !== 0) throw new KernelError('bad-option', `"block" cannot be ${block}. It is a multiple of 16`);
}

function encode(w: Float32Array, { block = 64 }: CodebookOptions, kind: number, into?: CodebookCodes): CodebookCodes {
  checkBlock(block);
  const result = into ?? { codes: new Uint8Array(Math.ceil(w.length / 2)), absMax: new Float32Array(Math.ceil(w.length / block)) };
  const operands = [
    { name: 'w', view: w, use: 'read', per: 1 },
    { name: 'codes', view: result.codes, use: 'write', per: 1 / 2 },
    { name: 'absMax', view: result.absMax, use: 'write', per: 1 / block },
    { name: 'scratch', view: new Uint8Array(SCRATCH_BYTES), use: 'update' },
  ] as const;
  inChunks(
    w.length,
    operands,
    ([from, codes, absMax, scratch], count) => {
      if (machine().kernels.codebookEncode(from!, count, block, kind, codes!, absMax!, scratch!) < 0) return;
      const index = checkFinite(w);
      throw new NonFiniteError(index, w[index]!);
    },
    block,
  );
  return result;
}

function decode({ codes, absMax }: CodebookCodes, length: number, { block = 64 }: CodebookOptions, kind: number, into: Float32Array): Float32Array {
  checkBlock(block);
  checkLength('codes', codes, Math.ceil(length / 2));
  checkLength('absMax', absMax, Math.ceil(length / block));
  const operands = [
    { name: 'codes', view: codes, use: 'read', per: 1 / 2 },
    { name: 'absMax', view: absMax, use: 'read', per: 1 / block },
    { name: 'into', view: into, use: 'write', per: 1 },
  ] as const;
  inChunks(length, operands, ([from, scale, to], count) => machine().kernels.codebookDecode(from!, count, block, kind, scale!, to!), block);
  return into;
}
