/** What activations are quantized to. */
export type ActivationType = 'uint8' | 'int8' | 'uint16' | 'int16';

export const CODES: Readonly<Record<ActivationType, readonly [lowest: number, highest: number]>> = { uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767] };

/** Least and largest number that is kept; zero lies between them. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** number ≈ (code - zeroPoint) * scale. */
export interface Grid {
  /** A float32. */
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface GridOptions {
  readonly type: ActivationType;
  /** Zero is the middle code, as some accelerators want it. */
  readonly symmetric: boolean;
}

/** The range with zero inside: a grid that does not hold zero exactly shifts every padded edge and every ReLU. */
export const withZero = ({ low, high }: Range): Range => ({ low: Math.min(0, low), high: Math.max(0, high) });

/** Steps of an offset from which on a scale is widened to hold it exactly, by at most a fifth. */
const EXACT_FROM = 5;

/**
 * The grid of ONNX QuantizeLinear over a range: all codes are used, and zero is one of them. Nothing but zeros has scale 1. Where numbers are sums with an `offset` that goes
 * into the zero point, that lies in the range too, and is a whole number of steps.
 */
export function gridOf(range: Range, { type, symmetric }: GridOptions, offset = 0): Grid {
  if (offset !== 0) {
    const around = { low: Math.min(offset, range.low), high: Math.max(offset, range.high) };
    const { scale } = gridOf(around, { type, symmetric });
    const steps = Math.floor(Math.abs(offset) / scale);
    const wider = steps < EXACT_FROM ? 1 : Math.abs(offset) / steps / scale;
    return gridOf({ low: around.low * wider, high: around.high * wider }, { type, symmetric });
  }
  const [lowest, highest] = CODES[type];
  const { low, high } = withZero(range);
  if (symmetric) {
    const middle = (lowest + highest + 1) / 2;
    const scale = Math.fround(Math.max(-low, high) / (highest - middle));
    return { scale: scale > 0 ? scale : 1, zeroPoint: middle };
  }
  const scale = Math.fround((high - low) / (highest - lowest));
  if (!(scale > 0)) return { scale: 1, zeroPoint: lowest };
  return { scale, zeroPoint: Math.min(highest, Math.max(lowest, halfToEven(lowest - low / scale))) };
}

/** As ONNX QuantizeLinear rounds. */
export function halfToEven(x: number): number {
  const near = Math.round(x);
  return near - x === 0.5 && near % 2 !== 0 ? near - 1 : near;
}
