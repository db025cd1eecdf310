import { OnnxError, type OnnxErrorCode } from '../error.ts';
import { type ByteList } from './byte-list.ts';
import { type ByteSource } from './source.ts';
import { TextCache } from './text-cache.ts';

/** Positions in a source: from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** How the value of a field is written: a varint, 8 bytes, a length with as many bytes, or 4 bytes. */
export type WireType = 0 | 1 | 2 | 5;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
const WIRE_NAMES: Readonly<Record<WireType, string>> = { 0: 'a varint', 1: '8 bytes', 2: 'bytes with a length', 5: '4 bytes' };

/** Protobuf's own limit on messages within messages. */
export const DEPTH_LIMIT = 100;
/** Numbers in one list that is not a tensor; attributes and shapes have a few. */
export const LIST_LIMIT = 2 ** 24;
/** Bytes of one string or one bytes field that is held in memory. */
export const FIELD_LIMIT = 2 ** 28;

const WINDOW = 64 * 1024;
/** After a jump over a tensor only the head of the next message is wanted. */
const WINDOW_AFTER_JUMP = 4 * 1024;
/** A tag and a varint, both as long as they can be, with room to notice that they are longer. */
const LONGEST_HEAD = 21;

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
export class Reader {
  readonly source: ByteSource;
  readonly #limit: number;
  readonly #window: Buffer;
  readonly #view: DataView;
  #texts: TextCache | undefined;
  /** Position of the window's first byte. All private `…At` count from here. */
  #base: number;
  #filled = 0;
  /** End of the current message: its position, and as seen in the window. */
  #end: number;
  #stop = 0;
  /** From here on `next` has to look whether the message ends or the window must move. */
  #fence = 0;
  #depth = 0;
  #field = 0;
  #wire: WireType = VARINT;
  #tagAt = 0;
  #at = 0;
  #length = 0;
  #nextAt = 0;
  #low = 0;
  #high = 0;
  readonly #halves = new DataView(new ArrayBuffer(8));

  /** Reads the message that fills the source, or the range of it. */
  constructor(source: ByteSource, range: Range = { start: 0, end: source.size }) {
    if (range.end > source.size) throw new OnnxError('truncated', `${source.name} ends at byte ${source.size}, before byte ${range.end}. It is incomplete: copy or download it again.`);
    this.source = source;
    this.#base = range.start;
    this.#limit = range.end;
    this.#end = range.end;
    const size = Math.min(WINDOW, Math.max(range.end - range.start, 0));
    this.#window = Buffer.alloc(size + LONGEST_HEAD);
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.length);
    this.#measure();
  }

  /** The number of the current field. */
  get field(): number {
    return this.#field;
  }

  get wire(): WireType {
    return this.#wire;
  }

  /** Where the current field begins: its tag. */
  get position(): number {
    return this.#base + this.#tagAt;
  }

  /** Goes to the next field of the current message; false at its end. */
  next(): boolean {
    if (this.#nextAt >= this.#fence && !this.#approach()) return false;
    const window = this.#window;
    let at = this.#nextAt;
    this.#tagAt = at;
    let tag = window[at]!;
    if (tag < 128) at++;
    else {
      at = this.#varint(at);
      tag = this.#high === 0 ? this.#low >>> 0 : -1;
    }
    this.#field = tag >>> 3;
    if (this.#base + at > this.#end) this.#overrun(at);
    if (tag < 8) this.#damaged(this.#tagAt, tag < 0 ? 'a field number is too large' : 'a field has the number 0');
    const wire = tag & 7;
    switch (wire) {
      case VARINT:
        at = this.#varint(at);
        this.#nextAt = at;
        break;
      case LENGTH: {
        const length = window[at]!;
        if (length < 128) at++;
        else at = this.#varint(at);
        this.#length = length < 128 ? length : (this.#high >>> 0) * 0x1_0000_0000 + (this.#low >>> 0);
        this.#at = at;
        this.#nextAt = at + this.#length;
        break;
      }
      case FIXED32:
      case FIXED64:
        this.#at = at;
        this.#length = wire === FIXED32 ? 4 : 8;
        this.#nextAt = at + this.#length;
        break;
      default:
        this.#damaged(this.#tagAt, `field ${this.#field} has the wire type ${wire}, which ONNX does not use`);
    }
    this.#wire = wire as WireType; // the switch let no other pass
    if (this.#nextAt > this.#stop && this.#base + this.#nextAt > this.#end) this.#overrun(this.#nextAt);
    return true;
  }

  /** An integer of up to 53 bits, as sizes and versions are. Throws `malformed` beyond. */
  int(): number {
    this.#expect(VARINT);
    return this.#safe();
  }

  /** An int64, exact. */
  bigint(): bigint {
    this.#expect(VARINT);
    return this.#exact();
  }

  float(): number {
    this.#expect(FIXED32);
    return this.#view.getFloat32(this.#hold(4), true);
  }

  double(): number {
    this.#expect(FIXED64);
    return this.#view.getFloat64(this.#hold(8), true);
  }

  /** UTF-8 text. Throws `malformed` when it is not. */
  string(): string {
    this.#expect(LENGTH);
    const bytes = this.#length <= this.#window.length - LONGEST_HEAD ? this.#window : Buffer.from(this.bytes().buffer);
    const at = bytes === this.#window ? this.#hold(this.#length) : 0;
    this.#texts ??= new TextCache();
    return this.#texts.decode(bytes, at, at + this.#length) ?? this.#damaged(this.#at, `field ${this.#field} is not UTF-8 text`);
  }

  /** A copy of the bytes. Throws `too-large` when they are more than `limit`. */
  bytes(limit: number = FIELD_LIMIT): Uint8Array<ArrayBuffer> {
    this.#expect(LENGTH);
    return this.#copy(this.#base + this.#at, this.#length, limit);
  }

  /** Where the bytes or the nested message lie, unread. */
  range(): Range {
    this.#expect(LENGTH);
    const start = this.#base + this.#at;
    return { start, end: start + this.#length };
  }

  /** The whole field, tag included, as it stands in the source: for fields this version of ONNX does not know. */
  raw(limit: number = FIELD_LIMIT): Uint8Array<ArrayBuffer> {
    return this.#copy(this.#base + this.#tagAt, this.#nextAt - this.#tagAt, limit);
  }

  /** Where the whole field lies, tag included. */
  rawRange(): Range {
    return { start: this.#base + this.#tagAt, end: this.#base + this.#nextAt };
  }

  /** Goes into the nested message: `next()` within `read` walks over its fields, all or only the first ones. */
  message<T>(read: () => T): T {
    this.#expect(LENGTH);
    if (this.#depth >= DEPTH_LIMIT) this.#fail('too-deep', this.#at, `messages lie more than ${DEPTH_LIMIT} deep in one another. Nest fewer subgraphs or types`);
    const outer = this.#end;
    const tag = this.#base + this.#tagAt;
    const start = this.#base + this.#at;
    const length = this.#length;
    const field = this.#field;
    this.#depth++;
    this.#end = start + length;
    this.#nextAt = this.#at;
    this.#measure();
    const result = read();
    this.#depth--;
    this.#end = outer;
    this.#field = field;
    this.#wire = LENGTH;
    this.#tagAt = tag - this.#base;
    this.#at = start - this.#base;
    this.#length = length;
    this.#nextAt = this.#at + length;
    this.#measure();
    return result;
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
    this.#eachFixed(FIXED32, (at) => void this.#bounded(into).push(this.#view.getFloat32(at, true)));
  }

  /** Appends float64, written one by one or packed. */
  doubles(into: number[]): void {
    this.#eachFixed(FIXED64, (at) => void this.#bounded(into).push(this.#view.getFloat64(at, true)));
  }

  /** Appends the low `width` bytes of integers, little-endian: the elements of int32_data, int64_data and uint64_data as raw_data has them. */
  integerBytes(width: 1 | 2 | 4 | 8, into: ByteList): void {
    this.#eachVarint(() => {
      const bytes = into.grow(width);
      let at = into.length - width;
      let rest = this.#low;
      for (let i = 0; i < width; i++) {
        if (i === 4) rest = this.#high;
        bytes[at++] = rest;
        rest >>= 8;
      }
    });
  }

  /** Appends 4 or 8 bytes per element as they stand: float_data and double_data as raw_data has them. */
  fixedBytes(width: 4 | 8, into: ByteList): void {
    const length = this.#fixedLength(width === 4 ? FIXED32 : FIXED64);
    const bytes = into.grow(length);
    this.#load(bytes.subarray(into.length - length, into.length), this.#base + this.#at);
  }

  /** Calls `visit` with each integer of the field in #low and #high. */
  #eachVarint(visit: () => void): void {
    if (this.#wire === VARINT) return visit();
    this.#expect(LENGTH);
    const end = this.#base + this.#at + this.#length;
    let at = this.#at;
    while (this.#base + at < end) {
      if (at + LONGEST_HEAD > this.#filled && this.#base + this.#filled < this.#limit) at = this.#slide(at);
      at = this.#varint(at);
      if (this.#base + at > end) this.#damaged(at, `the numbers of field ${this.#field} run over its end`);
      visit();
    }
  }

  /** Calls `visit` with where in the window each element of the field is. */
  #eachFixed(wire: typeof FIXED32 | typeof FIXED64, visit: (at: number) => void): void {
    const width = wire === FIXED32 ? 4 : 8;
    const end = this.#base + this.#at + this.#fixedLength(wire);
    let at = this.#at;
    while (this.#base + at < end) {
      if (at + width > this.#filled) at = this.#slide(at);
      visit(at);
      at += width;
    }
  }

  /** Length of one element or of a packed list of them. */
  #fixedLength(wire: typeof FIXED32 | typeof FIXED64): number {
    if (this.#wire !== wire) this.#expect(LENGTH);
    const width = wire === FIXED32 ? 4 : 8;
    if (this.#length % width !== 0) this.#damaged(this.#at, `field ${this.#field} has ${this.#length} bytes, which is no whole number of ${width}-byte elements`);
    return this.#length;
  }

  #bounded<T>(list: T[]): T[] {
    if (list.length >= LIST_LIMIT) this.#fail('too-large', this.#at, `field ${this.#field} has more than ${LIST_LIMIT} numbers. Store them as a tensor`);
    return list;
  }

  #safe(): number {
    const value = this.#high * 0x1_0000_0000 + (this.#low >>> 0);
    if (!Number.isSafeInteger(value)) this.#damaged(this.#tagAt, `field ${this.#field} has the value ${this.#exact()}, which no size or version has`);
    return value;
  }

  #exact(): bigint {
    this.#halves.setInt32(0, this.#low, true);
    this.#halves.setInt32(4, this.#high, true);
    return this.#halves.getBigInt64(0, true);
  }

  #copy(position: number, length: number, limit: number): Uint8Array<ArrayBuffer> {
    if (length > limit) this.#fail('too-large', this.#at, `field ${this.#field} has ${length} bytes, more than the ${limit} that are held in memory. Store large data as raw data of a tensor`);
    const copy = new Uint8Array(length);
    const at = position - this.#base;
    if (at >= 0 && at + length <= this.#filled) copy.set(this.#window.subarray(at, at + length));
    else this.#load(copy, position);
    return copy;
  }

  /** Sees to it that the window has the first `count` bytes of the value, and returns where. */
  #hold(count: number): number {
    if (this.#at < 0 || this.#at + count > this.#filled) this.#slide(this.#at);
    return this.#at;
  }

  /** Before a field near the end of the message or of the window: false at the end of the message. */
  #approach(): boolean {
    const position = this.#base + this.#nextAt;
    if (position >= this.#end) return false;
    if (this.#nextAt + LONGEST_HEAD > this.#filled && this.#base + this.#filled < this.#limit) this.#slide(this.#nextAt);
    return true;
  }

  /** Moves the window so that it begins `at`, which is 0 afterwards. */
  #slide(at: number): number {
    const position = this.#base + at;
    const largest = at > this.#filled ? WINDOW_AFTER_JUMP : WINDOW;
    // A string or a number that does not fit in a short window finds a whole one when it slides again from within.
    const size = Math.min(largest, this.#window.length - LONGEST_HEAD, this.#limit - position);
    this.#load(this.#window.subarray(0, size), position);
    this.#window.fill(0, size, size + LONGEST_HEAD); // a number that runs over the end stops here and is noticed
    this.#filled = size;
    this.#base = position;
    this.#tagAt -= at;
    this.#at -= at;
    this.#nextAt -= at;
    this.#measure();
    return 0;
  }

  #load(into: Uint8Array, position: number): void {
    const got = this.source.read(into, position);
    if (got < into.length) throw new OnnxError('truncated', `${this.source.name} ends at byte ${position + got}, earlier than when it was opened. Do not change it while it is read.`);
  }

  #measure(): void {
    this.#stop = Math.min(this.#filled, this.#end - this.#base);
    this.#fence = this.#base + this.#filled < this.#limit ? Math.min(this.#stop, this.#filled - LONGEST_HEAD) : this.#stop;
  }

  /** Reads a varint into #low and #high and returns where it ends. */
  #varint(at: number): number {
    const window = this.#window;
    const start = at;
    let byte = window[at++]!;
    let low = byte & 127;
    let high = 0;
    let shift = 7;
    while (byte >= 128) {
      if (at - start === 10) this.#damaged(start, 'a number is longer than 10 bytes');
      byte = window[at++]!;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (shift - 32);
      shift += 7;
    }
    this.#low = low;
    this.#high = high;
    return at;
  }

  #expect(wire: WireType): void {
    if (this.#wire !== wire) this.#damaged(this.#tagAt, `field ${this.#field} is ${WIRE_NAMES[this.#wire]} where ONNX has ${WIRE_NAMES[wire]}`);
  }

  #overrun(at: number): never {
    const end = this.#base + at;
    if (end > this.source.size) this.#fail('truncated', this.#tagAt, `a field needs bytes up to ${end}, but the file ends at byte ${this.source.size}. It is incomplete: copy or download it again`);
    this.#damaged(this.#tagAt, `a field needs bytes up to ${end}, but the message around it ends at byte ${this.#end}`);
  }

  #damaged(at: number, what: string): never {
    this.#fail('malformed', at, `${what}. It is damaged, or not an ONNX model: copy, download or export it again`);
  }

  #fail(code: OnnxErrorCode, at: number, what: string): never {
    throw new OnnxError(code, `${this.source.name}, byte ${this.#base + at}: ${what}.`);
  }
}
