/**
 * Elements narrower than a byte, one per byte. They follow one another from the low bits of the first byte on, and may
 * straddle two bytes.
 */
export function unpack(packed: Uint8Array, bits: number, count: number): Uint8Array<ArrayBuffer> {
  const mask = (1 << bits) - 1;
  const codes = new Uint8Array(count);
  for (let i = 0, bit = 0; i < count; i++, bit += bits) {
    const at = Math.floor(bit / 8);
    codes[i] = ((packed[at]! | ((packed[at + 1] ?? 0) << 8)) >> bit % 8) & mask;
  }
  return codes;
}

/** The reverse of `unpack`: higher bits of each code are dropped, and the last byte is padded with zeros. */
export function pack(codes: ArrayLike<number>, bits: number): Uint8Array<ArrayBuffer> {
  const mask = (1 << bits) - 1;
  const packed = new Uint8Array(Math.ceil((codes.length * bits) / 8));
  for (let i = 0, bit = 0; i < codes.length; i++, bit += bits) {
    const at = Math.floor(bit / 8);
    const pair = (codes[i]! & mask) << bit % 8;
    packed[at]! |= pair;
    if (pair > 255) packed[at + 1] = pair >> 8;
  }
  return packed;
}
