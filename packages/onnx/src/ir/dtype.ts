/**
 * The element types of ONNX 1.23 (TensorProto.DataType), by our names: ONNX's own, with the width spelled out.
 * `code` is the number in the file, `bits` the width of one element (0 for strings, whose elements differ in length),
 * `text` the word of the ONNX textual syntax.
 */
const TABLE = {
  float32: { code: 1, bits: 32, text: 'float' },
  uint8: { code: 2, bits: 8, text: 'uint8' },
  int8: { code: 3, bits: 8, text: 'int8' },
  uint16: { code: 4, bits: 16, text: 'uint16' },
  int16: { code: 5, bits: 16, text: 'int16' },
  int32: { code: 6, bits: 32, text: 'int32' },
  int64: { code: 7, bits: 64, text: 'int64' },
  string: { code: 8, bits: 0, text: 'string' },
  bool: { code: 9, bits: 8, text: 'bool' },
  float16: { code: 10, bits: 16, text: 'float16' },
  float64: { code: 11, bits: 64, text: 'double' },
  uint32: { code: 12, bits: 32, text: 'uint32' },
  uint64: { code: 13, bits: 64, text: 'uint64' },
  complex64: { code: 14, bits: 64, text: 'complex64' },
  complex128: { code: 15, bits: 128, text: 'complex128' },
  bfloat16: { code: 16, bits: 16, text: 'bfloat16' },
  float8e4m3fn: { code: 17, bits: 8, text: 'float8e4m3fn' },
  float8e4m3fnuz: { code: 18, bits: 8, text: 'float8e4m3fnuz' },
  float8e5m2: { code: 19, bits: 8, text: 'float8e5m2' },
  float8e5m2fnuz: { code: 20, bits: 8, text: 'float8e5m2fnuz' },
  uint4: { code: 21, bits: 4, text: 'uint4' },
  int4: { code: 22, bits: 4, text: 'int4' },
  float4e2m1: { code: 23, bits: 4, text: 'float4e2m1' },
  float8e8m0: { code: 24, bits: 8, text: 'float8e8m0' },
  uint2: { code: 25, bits: 2, text: 'uint2' },
  int2: { code: 26, bits: 2, text: 'int2' },
  float6e2m3: { code: 27, bits: 6, text: 'float6e2m3' },
  float6e3m2: { code: 28, bits: 6, text: 'float6e3m2' },
} as const;

/** An element type of ONNX. */
export type DType = keyof typeof TABLE;

/** Every element type, in the order of their codes. */
export const DTYPES = Object.keys(TABLE) as readonly DType[];

const BY_CODE = new Map<number, DType>(DTYPES.map((d) => [TABLE[d].code, d]));
const BY_TEXT = new Map<string, DType>(DTYPES.map((d) => [TABLE[d].text, d]));

/** The number that stands for the type in a file. */
export const codeOf = (dtype: DType): number => TABLE[dtype].code;

/** The type with that number, or undefined for 0 (undefined) and numbers ONNX has not given out. */
export const dtypeOf = (code: number): DType | undefined => BY_CODE.get(code);

/** The word for the type in the ONNX textual syntax: "float" for float32, "double" for float64. */
export const textOf = (dtype: DType): string => TABLE[dtype].text;

/** The type named by a word of the ONNX textual syntax. */
export const dtypeOfText = (word: string): DType | undefined => BY_TEXT.get(word);

/** Bits per element; 0 for strings. */
export const bitsOf = (dtype: DType): number => TABLE[dtype].bits;

const FLOATS: ReadonlySet<DType> = new Set(DTYPES.filter((d) => d.includes('float')));

/** Whether the type has a fraction: floats of every width, not complex. */
export const isFloat = (dtype: DType): boolean => FLOATS.has(dtype);

/** Whether the type is a signed or unsigned integer of any width; bool is not. */
export const isInteger = (dtype: DType): boolean => /^u?int/.test(dtype);

/**
 * Bytes of `count` elements: types narrower than a byte are packed, the first element in the low bits,
 * and the last byte is padded. Strings have no fixed size: 0.
 */
export const byteLengthOf = (dtype: DType, count: number): number => Math.ceil((count * TABLE[dtype].bits) / 8);

/** The number of elements of a shape; 1 for a scalar. */
export const countOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
