/** NF4 by code, ascending. */
export const NF4_VALUES: readonly number[] = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
  0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];
/** Quotients above the i-th threshold have a code above i. */
export const NF4_THRESHOLDS: readonly number[] = [
  -0.8480964004993439, -0.6106329262256622, -0.4599952697753906, -0.33967943489551544, -0.23460740596055984, -0.13791173323988914, -0.045525018125772476, 0.03979014977812767,
  0.1202552504837513, 0.2035212516784668, 0.2920137718319893, 0.3893125355243683, 0.5016634166240692, 0.6427869200706482, 0.8614784181118011,
].map(Math.fround);
/** Magnitudes of FP4 by code. */
export const FP4_VALUES: readonly number[] = [0, 0.005208333333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25];
/** Magnitudes above the threshold have at least the code beside it, in ascending order. */
export const FP4_THRESHOLDS: readonly (readonly [number, number])[] = [[0.00260417, 1], [0.0859375, 6], [0.20833333, 7], [0.29166667, 4], [0.4166667, 5], [0.583333, 2], [0.8333333, 3]];

export const nf4 = (quotient: number): number => NF4_THRESHOLDS.filter((t) => quotient > t).length;
export const fp4 = (quotient: number): number => (quotient < 0 ? 8 : 0) | (FP4_THRESHOLDS.findLast(([t]) => Math.abs(quotient) > Math.fround(t))?.[1] ?? 0);

/** The decoded value of a code: NF4 directly, FP4 with its sign bit. */
export const nf4Value = (code: number): number => Math.fround(NF4_VALUES[code]!);
export const fp4Value = (code: number): number => (code & 8 ? -1 : 1) * Math.fround(FP4_VALUES[code & 7]!);

/** Blocks of a flat array: codes (high half first; a last half byte is the code of 0) and largest magnitudes. */
export function encode(w: Float32Array, block: number, code: (quotient: number) => number): { codes: Uint8Array; absMax: Float32Array } {
  const absMax = Float32Array.from({ length: Math.ceil(w.length / block) }, (_, b) => Math.max(0, ...w.subarray(b * block, (b + 1) * block).map(Math.abs)));
  const inverses = absMax.map((m) => (m === 0 ? 0 : Math.min(Math.fround(1 / m), 3.4028234663852886e38)));
  const codeAt = (i: number): number => code(i < w.length ? Math.fround(w[i]! * inverses[Math.floor(i / block)]!) : 0);
  return { codes: Uint8Array.from({ length: Math.ceil(w.length / 2) }, (_, i) => (codeAt(2 * i) << 4) | codeAt(2 * i + 1)), absMax };
}

export function decode({ codes, absMax }: { codes: Uint8Array; absMax: Float32Array }, length: number, block: number, value: (code: number) => number): Float32Array {
  return Float32Array.from({ length }, (_, i) => value((codes[i >> 1]! >> (i % 2 === 0 ? 4 : 0)) & 15) * absMax[Math.floor(i / block)]!);
}
