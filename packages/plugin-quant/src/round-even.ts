/** 2^52 + 2^51: what is added and taken away again leaves no room for a fraction. */
const MAGIC = 6755399441055744;

/** Rounds half to even, as ONNX QuantizeLinear does; for magnitudes below 2^51. */
export const roundEven = (x: number): number => x + MAGIC - MAGIC;
