import { OnnxError, type OnnxErrorCode } from '../error.ts';
import { type ByteSource } from './source.ts';

/** Positions in a source: from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** How the value of a field is written: a varint, 8 bytes, a length with as many bytes, or 4 bytes. */
export type WireType = 0 | 1 | 2 | 5;

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
export const FIXED32 = 5;
const WIRE_NAMES: Readonly<Record<WireType, string>> = { 0: 'a varint', 1: '8 bytes', 2: 'bytes with a length', 5: '4 bytes' };

/** Protobuf's own limit on messages within messages. */
export const DEPTH_LIMIT = 100;

const WINDOW = 64 * 1024;
/** After a jump over a tensor only the head of the next message is wanted. */
const WINDOW_AFTER_JUMP = 4 * 1024;
/** A tag and a number, both as long as they can be, with room to notice that they are longer: after `next` they lie in the window. */
const LONGEST_HEAD = 21;

/**
 * Where a reader stands: in which message, at which field, and which part of the source is in memory. It keeps one promise:
 * every `…At` counts from the first byte of the window, wherever that is, and lies within the message; so the window may
 * slide at any time, and bytes outside the message are never taken for its fields.
 */
export class Cursor {
  readonly source: ByteSource;
  /** The window: bytes of the source from position `base` on, `filled` of them, and zeros behind. */
  protected readonly window: Buffer;
  protected readonly view: DataView;
  protected base: number;
  protected filled = 0;
  /** No byte from here on belongs to what is read. */
  readonly #limit: number;
  /** End of the current message: its position, and as seen in the window. */
  #end: number;
  #stop = 0;
  /** From here on `next` has to look whether the message ends or the window must move. */
  #fence = 0;
  #depth = 0;

  /** The current field: its number and wire type, its tag, its value with the length of it, and the field behind it. */
  #field = 0;
  #wire: WireType = VARINT;
  protected tagAt = 0;
  protected at = 0;
  protected length = 0;
  protected nextAt = 0;
  /** The two halves of the last varint. */
  protected low = 0;
  protected high = 0;

  /** Stands before the first field of the message that fills the source, or the range of it. */
  constructor(source: ByteSource, range: Range = { start: 0, end: source.size }) {
    if (range.end > source.size) throw new OnnxError('truncated', `${source.name} ends at byte ${source.size}, before byte ${range.end}. It is incomplete: copy or download it again.`);
    this.source = source;
    this.base = range.start;
    this.#limit = range.end;
    this.#end = range.end;
    const size = Math.min(WINDOW, Math.max(range.end - range.start, 0));
    this.window = Buffer.alloc(size + LONGEST_HEAD);
    this.view = new DataView(this.window.buffer, this.window.byteOffset, this.window.length);
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
    return this.base + this.tagAt;
  }

  /** Goes to the next field of the current message; false at its end. */
  next(): boolean {
    if (this.nextAt >= this.#fence && !this.#approach()) return false;
    const window = this.window;
    let at = this.nextAt;
    this.tagAt = at;
    let tag = window[at]!;
    if (tag < 128) at++;
    else {
      at = this.varint(at);
      tag = this.high === 0 ? this.low >>> 0 : -1;
    }
    this.#field = tag >>> 3;
    if (this.base + at > this.#end) this.#overrun(at);
    if (tag < 8) this.damaged(this.tagAt, tag < 0 ? 'a field number is too large' : 'a field has the number 0');
    const wire = tag & 7;
    switch (wire) {
      case VARINT:
        at = this.varint(at);
        this.nextAt = at;
        break;
      case LENGTH: {
        const length = window[at]!;
        if (length < 128) at++;
        else at = this.varint(at);
        this.length = length < 128 ? length : (this.high >>> 0) * 0x1_0000_0000 + (this.low >>> 0);
        this.at = at;
        this.nextAt = at + this.length;
        break;
      }
      case FIXED32:
      case FIXED64:
        this.at = at;
        this.length = wire === FIXED32 ? 4 : 8;
        this.nextAt = at + this.length;
        break;
      default:
        this.damaged(this.tagAt, `field ${this.#field} has the wire type ${wire}, which ONNX does not use`);
    }
    this.#wire = wire as WireType; // the switch let no other pass
    if (this.nextAt > this.#stop && this.base + this.nextAt > this.#end) this.#overrun(this.nextAt);
    return true;
  }

  /** Goes into the nested message: `next()` within `read` walks over its fields, all or only the first ones. */
  message<T>(read: () => T): T {
    this.expect(LENGTH);
    if (this.#depth >= DEPTH_LIMIT) this.fail('too-deep', this.at, `messages lie more than ${DEPTH_LIMIT} deep in one another. Nest fewer subgraphs or types`);
    const outer = this.#end;
    const tag = this.base + this.tagAt;
    const start = this.base + this.at;
    const length = this.length;
    const field = this.#field;
    this.#depth++;
    this.#end = start + length;
    this.nextAt = this.at;
    this.#measure();
    const result = read();
    this.#depth--;
    this.#end = outer;
    this.#field = field;
    this.#wire = LENGTH;
    this.tagAt = tag - this.base;
    this.at = start - this.base;
    this.length = length;
    this.nextAt = this.at + length;
    this.#measure();
    return result;
  }

  /** Sees to it that the window reaches back to the value, which a nested message may have left behind, and returns where it is. */
  protected hold(): number {
    if (this.at < 0) this.slide(this.at);
    return this.at;
  }

  /** Sees to it that the window has a whole varint `at`, if the source has, and returns where that is now. */
  protected holdVarint(at: number): number {
    return at + LONGEST_HEAD > this.filled && this.base + this.filled < this.#limit ? this.slide(at) : at;
  }

  /** Moves the window so that it begins `at`, which is 0 afterwards. */
  protected slide(at: number): number {
    const position = this.base + at;
    const largest = at > this.filled ? WINDOW_AFTER_JUMP : WINDOW;
    const size = Math.min(largest, this.window.length - LONGEST_HEAD, this.#limit - position);
    this.load(this.window.subarray(0, size), position);
    this.window.fill(0, size, size + LONGEST_HEAD); // a number that runs over the end stops here and is noticed
    this.filled = size;
    this.base = position;
    this.tagAt -= at;
    this.at -= at;
    this.nextAt -= at;
    this.#measure();
    return 0;
  }

  /** Fills `into` from the source. */
  protected load(into: Uint8Array, position: number): void {
    const got = this.source.read(into, position);
    if (got < into.length) throw new OnnxError('truncated', `${this.source.name} ends at byte ${position + got}, earlier than when it was opened. Do not change it while it is read.`);
  }

  /** Reads a varint into `low` and `high` and returns where it ends. */
  protected varint(at: number): number {
    const window = this.window;
    const start = at;
    let byte = window[at++]!;
    let low = byte & 127;
    let high = 0;
    let shift = 7;
    while (byte >= 128) {
      if (at - start === 10) this.damaged(start, 'a number is longer than 10 bytes');
      byte = window[at++]!;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (shift - 32);
      shift += 7;
    }
    this.low = low;
    this.high = high;
    return at;
  }

  protected expect(wire: WireType): void {
    if (this.#wire !== wire) this.damaged(this.tagAt, `field ${this.#field} is ${WIRE_NAMES[this.#wire]} where ONNX has ${WIRE_NAMES[wire]}`);
  }

  protected damaged(at: number, what: string): never {
    this.fail('malformed', at, `${what}. It is damaged, or not an ONNX model: copy, download or export it again`);
  }

  protected fail(code: OnnxErrorCode, at: number, what: string): never {
    throw new OnnxError(code, `${this.source.name}, byte ${this.base + at}: ${what}.`);
  }

  /** Before a field near the end of the message or of the window: false at the end of the message. */
  #approach(): boolean {
    if (this.base + this.nextAt >= this.#end) return false;
    this.holdVarint(this.nextAt);
    return true;
  }

  #measure(): void {
    this.#stop = Math.min(this.filled, this.#end - this.base);
    this.#fence = this.base + this.filled < this.#limit ? Math.min(this.#stop, this.filled - LONGEST_HEAD) : this.#stop;
  }

  #overrun(at: number): never {
    const end = this.base + at;
    if (end > this.source.size) this.fail('truncated', this.tagAt, `a field needs bytes up to ${end}, but the file ends at byte ${this.source.size}. It is incomplete: copy or download it again`);
    this.damaged(this.tagAt, `a field needs bytes up to ${end}, but the message around it ends at byte ${this.#end}`);
  }
}
