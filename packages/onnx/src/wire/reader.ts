import { type ByteList } from './byte-list.ts';
import { Cursor, FIXED32, FIXED64, LENGTH, VARINT, type Range } from './cursor.ts';
import { TextCache } from './text-cache.ts';

export { type Range, type WireType } from './cursor.ts';

/** Numbers in one list that is not a tensor; attributes and shapes have a few. */
export const LIST_LIMIT = 2 ** 24;
/** Bytes of one string or one bytes field that is held in memory. */
export const FIELD_LIMIT = 2 ** 28;

/**
 * Walks over the fields of a protobuf message without loading it: a window slides over the source, and what is not asked for
 * is skipped unread. After `next()`, the methods give the value of the current field; each may be called more than once.
 *
 *     while (reader.next()) {
 *       switch (reader.field) {
 *         case FIELD.NodeProto.op_type: opType = reader.string(); break;
 *         case FIELD.NodeProto.attribute: reader.message(() => readAttribute(reader)); break;
 *         default: unknown.push(reader.raw());
 *       }
 *     }
 *
 * Throws `truncated` where the source ends too early, `malformed` where bytes say something impossible, `too-deep` beyond
 * 100 messages within messages, `too-large` where a value would not fit in memory; each with the position. A reader that
 * threw is not usable any more.
 */
export class Reader extends Cursor {
  #texts: TextCache | undefined;
  readonly #halves = new DataView(new ArrayBuffer(8));

  /** An integer of up to 53 bits, as sizes and versions are. Throws `malformed` beyond. */
  int(): number {
    this.expect(VARINT);
    return this.#safe();
  }

  /** An int64, exact. */
  bigint(): bigint {
    this.expect(VARINT);
    return this.#exact();
  }

  float(): number {
    this.expect(FIXED32);
    return this.view.getFloat32(this.at, true);
  }

  double(): number {
    this.expect(FIXED64);
    return this.view.getFloat64(this.at, true);
  }

  /** UTF-8 text. Throws `malformed` when it is not. */
  string(): string {
    this.expect(LENGTH);
    const { length } = this;
    let bytes = this.window;
    let start = 0;
    if (this.at >= 0 && this.at + length <= this.filled) start = this.at;
    else bytes = Buffer.from(this.bytes().buffer);
    this.#texts ??= new TextCache();
    return this.#texts.decode(bytes, start, start + length) ?? this.damaged(this.at, `field ${this.field} is not UTF-8 text`);
  }

  /** A copy of the bytes. Throws `too-large` when they are more than `limit`. */
  bytes(limit: number = FIELD_LIMIT): Uint8Array<ArrayBuffer> {
    return this.#copy(this.range(), limit);
  }

  /** Where the bytes or the nested message lie, unread. */
  range(): Range {
    this.expect(LENGTH);
    const start = this.base + this.at;
    return { start, end: start + this.length };
  }

  /** The whole field, tag included, as it stands in the source: for fields this version of ONNX does not know. */
  raw(limit: number = FIELD_LIMIT): Uint8Array<ArrayBuffer> {
    return this.#copy(this.rawRange(), limit);
  }

  /** Where the whole field lies, tag included. */
  rawRange(): Range {
    return { start: this.base + this.tagAt, end: this.base + this.nextAt };
  }

  /** Appends integers of up to 53 bits, written one by one or packed. */
  ints(into: number[]): void {
    this.#eachVarint(() => void this.#bounded(into).push(this.#safe()));
  }

  /** Appends int64, exact, written one by one or packed. */
  bigints(into: bigint[]): void {
    this.#eachVarint(() => void this.#bounded(into).push(this.#exact()));
  }

  /** Appends float32, written one by one or packed. */
  floats(into: number[]): void {
    this.#eachFixed(FIXED32, (at) => void this.#bounded(into).push(this.view.getFloat32(at, true)));
  }

  /** Appends float64, written one by one or packed. */
  doubles(into: number[]): void {
    this.#eachFixed(FIXED64, (at) => void this.#bounded(into).push(this.view.getFloat64(at, true)));
  }

  /** Appends the low `width` bytes of integers, little-endian: the elements of int32_data, int64_data and uint64_data as raw_data has them. */
  integerBytes(width: 1 | 2 | 4 | 8, into: ByteList): void {
    this.#eachVarint(() => {
      const bytes = into.grow(width);
      let at = into.length - width;
      let rest = this.low;
      for (let i = 0; i < width; i++) {
        if (i === 4) rest = this.high;
        bytes[at++] = rest;
        rest >>= 8;
      }
    });
  }

  /** Appends 4 or 8 bytes per element as they stand: float_data and double_data as raw_data has them. */
  fixedBytes(width: 4 | 8, into: ByteList): void {
    const length = this.#fixedLength(width === 4 ? FIXED32 : FIXED64);
    const bytes = into.grow(length);
    this.load(bytes.subarray(into.length - length, into.length), this.base + this.at);
  }

  /** Calls `visit` with each integer of the field in `low` and `high`. */
  #eachVarint(visit: () => void): void {
    if (this.wire === VARINT) return visit();
    const { end } = this.range();
    let at = this.hold();
    while (this.base + at < end) {
      at = this.varint(this.holdVarint(at));
      if (this.base + at > end) this.damaged(at, `the numbers of field ${this.field} run over its end`);
      visit();
    }
  }

  /** Calls `visit` with where in the window each element of the field is. */
  #eachFixed(wire: typeof FIXED32 | typeof FIXED64, visit: (at: number) => void): void {
    const width = wire === FIXED32 ? 4 : 8;
    const end = this.base + this.at + this.#fixedLength(wire);
    let at = this.hold();
    while (this.base + at < end) {
      if (at + width > this.filled) at = this.slide(at);
      visit(at);
      at += width;
    }
  }

  /** Length of one element or of a packed list of them. */
  #fixedLength(wire: typeof FIXED32 | typeof FIXED64): number {
    if (this.wire !== wire) this.expect(LENGTH);
    const width = wire === FIXED32 ? 4 : 8;
    if (this.length % width !== 0) this.damaged(this.at, `field ${this.field} has ${this.length} bytes, which is no whole number of ${width}-byte elements`);
    return this.length;
  }

  #bounded<T>(list: T[]): T[] {
    if (list.length >= LIST_LIMIT) this.fail('too-large', this.at, `field ${this.field} has more than ${LIST_LIMIT} numbers. Store them as a tensor`);
    return list;
  }

  #safe(): number {
    const value = this.high * 0x1_0000_0000 + (this.low >>> 0);
    if (!Number.isSafeInteger(value)) this.damaged(this.tagAt, `field ${this.field} has the value ${this.#exact()}, which no size or version has`);
    return value;
  }

  #exact(): bigint {
    this.#halves.setInt32(0, this.low, true);
    this.#halves.setInt32(4, this.high, true);
    return this.#halves.getBigInt64(0, true);
  }

  #copy({ start, end }: Range, limit: number): Uint8Array<ArrayBuffer> {
    const length = end - start;
    if (length > limit) this.fail('too-large', this.tagAt, `field ${this.field} has ${length} bytes, more than the ${limit} that are held in memory. Store large data as raw data of a tensor`);
    const copy = new Uint8Array(length);
    const at = start - this.base;
    if (at >= 0 && at + length <= this.filled) copy.set(this.window.subarray(at, at + length));
    else this.load(copy, start);
    return copy;
  }
}
