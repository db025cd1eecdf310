/** Scale and zero point of one group, as the quantizers store them. */
export interface Group {
  readonly scale: number;
  readonly zero: number;
}

export interface PlainGptq {
  readonly inputs: number;
  readonly outputs: number;
  readonly bits: number;
  readonly mode: 'symmetric' | 'asymmetric' | 'full-range';
  readonly groupSize: number;
  readonly order?: readonly number[];
}

export function groupOf(values: readonly number[], bits: number, mode: PlainGptq['mode']): Group {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const levels = 2 ** bits;
  const scale = Math.fround(mode === 'asymmetric' ? (high - low) / (levels - 1) : mode === 'symmetric' ? Math.max(-low, high) / (levels / 2 - 1) : -(-low >= high ? low : high) / (levels / 2)) || 1;
  return { scale, zero: mode === 'asymmetric' ? Math.min(halfEven(-low / scale), levels - 1) : levels / 2 };
}

export function halfEven(x: number): number {
  const down = Math.floor(x);
  return x - down === 0.5 ? down + (down % 2) : Math.round(x);
}

/** Rounds to the nearest code of a group. */
export function codeOf(x: number, { scale, zero }: Group, bits: number, mode: PlainGptq['mode']): number {
  return Math.min(2 ** bits - 1, Math.max(mode === 'symmetric' ? 1 : 0, halfEven(x / scale) + zero));
}

/** The paper's loop, one row after the other and without blocks, in float64. `upper` is R, in the order of quantization. */
export function gptq(w: ArrayLike<number>, upper: ArrayLike<number>, { inputs, outputs, bits, mode, groupSize, order }: PlainGptq): { codes: Uint8Array; groups: Group[][] } {
  const now = Float64Array.from(w);
  const codes = new Uint8Array(inputs * outputs);
  const groupAt = (from: ArrayLike<number>, g: number, o: number): Group => groupOf(Array.from({ length: Math.min(groupSize, inputs - g * groupSize) }, (_, i) => from[(g * groupSize + i) * outputs + o]!), bits, mode);
  const groups: Group[][] = Array.from({ length: Math.ceil(inputs / groupSize) }, (_, g) => Array.from({ length: outputs }, (_, o) => groupAt(w, g, o)));
  for (let step = 0; step < inputs; step++) {
    const i = order?.[step] ?? step;
    const g = Math.floor(i / groupSize);
    for (let o = 0; o < outputs; o++) {
      if (order === undefined && i % groupSize === 0) groups[g]![o] = groupAt(now, g, o);
      const group = groups[g]![o]!;
      const code = codeOf(now[i * outputs + o]!, group, bits, mode);
      codes[i * outputs + o] = code;
      const error = (now[i * outputs + o]! - (code - group.zero) * group.scale) / upper[step * inputs + step]!;
      for (let later = step + 1; later < inputs; later++) now[(order?.[later] ?? later) * outputs + o]! -= upper[step * inputs + later]! * error;
    }
  }
  return { codes, groups };
}
