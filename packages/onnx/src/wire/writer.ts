import { OnnxError } from '../error.ts';
import { ByteList } from './byte-list.ts';

/** No protobuf message is larger: every implementation counts its bytes in an int32. */
export const MESSAGE_LIMIT = 2 ** 31 - 1;

/** Payloads pass through memory in pieces of at most this size. */
export const CHUNK = 8 * 1024 * 1024;

const utf8 = new TextEncoder();

/** Copies bytes of a payload from `offset` on into `into` and returns how many, as Tensor.read does. */
export type Payload = (into: Uint8Array, offset: number) => number;

/** A payload that is still where it was: it belongs behind the structure's first `at` bytes. */
interface Deferred {
  at: number;
  readonly length: number;
  readonly read: Payload;
  readonly writeTo: WriteTo | undefined;
}

/** Writes a payload by itself, as Tensor.writeTo does. */
export type WriteTo = (descriptor: number, position: number, signal?: AbortSignal) => Promise<void>;

/** Bytes that are not handed over, but write themselves to where they belong. */
export interface SelfWriting {
  readonly length: number;
  readonly writeTo: WriteTo;
}

/**
 * Writes the fields of a message, in the order of the calls. Structure is encoded into memory at once; payloads given to
 * `deferred` are only counted, and copied by `pieces` one after another, so a model of any legal size needs memory for its
 * structure only. Integers are int64 or uint64 and take a number or a bigint.
 */
export class Encoder {
  readonly #out = new ByteList();
  readonly #deferred: Deferred[] = [];
  #deferredLength = 0;

  /** Length of the message so far, payloads included. */
  get size(): number {
    return this.#out.length + this.#deferredLength;
  }

  int(field: number, value: number | bigint): void {
    this.#tag(field, 0);
    this.#integer(value);
  }

  float(field: number, value: number): void {
    this.#tag(field, 5);
    this.#fixed32(value);
  }

  double(field: number, value: number): void {
    this.#tag(field, 1);
    this.#fixed64(value);
  }

  string(field: number, value: string): void {
    this.#tag(field, 2);
    const start = this.#out.length;
    this.#varint(value.length);
    let bytes = this.#out.grow(value.length);
    let at = this.#out.length - value.length;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit < 128) bytes[at++] = unit;
      else {
        this.#out.shrink(start);
        const encoded = utf8.encode(value);
        this.#varint(encoded.length);
        bytes = this.#out.grow(encoded.length);
        bytes.set(encoded, this.#out.length - encoded.length);
        return;
      }
    }
  }

  /** Bytes that are copied now; for large ones see `deferred`. */
  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, 2);
    this.#varint(value.length);
    this.raw(value);
  }

  /** Whole fields, tags included, as `Reader.raw` gives them. */
  raw(fields: Uint8Array): void {
    this.#out.grow(fields.length).set(fields, this.#out.length - fields.length);
  }

  /** A list of integers; `packed` where the schema says so. */
  ints(field: number, values: readonly (number | bigint)[] | BigInt64Array | BigUint64Array, packed = false): void {
    if (packed) this.#packed(field, () => values.forEach((value: number | bigint) => this.#integer(value)), values.length);
    else for (const value of values) this.int(field, value);
  }

  /** A list of float32; `packed` where the schema says so. */
  floats(field: number, values: ArrayLike<number>, packed = false): void {
    if (packed) this.#packed(field, () => eachOf(values, (value) => this.#fixed32(value)), values.length);
    else eachOf(values, (value) => this.float(field, value));
  }

  /** A list of float64; `packed` where the schema says so. */
  doubles(field: number, values: ArrayLike<number>, packed = false): void {
    if (packed) this.#packed(field, () => eachOf(values, (value) => this.#fixed64(value)), values.length);
    else eachOf(values, (value) => this.double(field, value));
  }

  /** A nested message: what `write` writes to this same encoder becomes its fields. */
  message(field: number, write: () => void): void {
    this.#tag(field, 2);
    const start = this.#out.length;
    const payloads = this.#deferred.length;
    const deferredBefore = this.#deferredLength;
    this.#out.grow(1);
    write();
    const length = this.#out.length - start - 1 + this.#deferredLength - deferredBefore;
    const extra = varintLength(length) - 1;
    if (extra > 0) {
      const end = this.#out.length;
      this.#out.grow(extra).copyWithin(start + 1 + extra, start + 1, end);
      for (let i = payloads; i < this.#deferred.length; i++) this.#deferred[i]!.at += extra;
    }
    putVarint(this.#out.bytes, start, length);
  }

  /** A bytes field of `length` bytes that are read when the message is written. `read`, and `writeTo` where there is one, must give the same bytes each time. */
  deferred(field: number, length: number, read: Payload, writeTo?: WriteTo): void {
    this.#tag(field, 2);
    this.#varint(length);
    this.#defer(length, read, writeTo);
  }

  /**
   * The whole message, piece by piece, as often as it is asked for. Each piece is overwritten by the next. Throws `too-large` before the first
   * one when the message is longer than protobuf allows, and `truncated` when a payload ends early.
   */
  pieces(): Generator<Uint8Array> {
    this.#assertLegal();
    return piecesOf(this.#parts(), this.size);
  }

  /** The same for a file that is written at positions: payloads that can write themselves stay apart. */
  filePieces(): Generator<Uint8Array | SelfWriting> {
    this.#assertLegal();
    return filePiecesOf(this.#parts(), this.size);
  }

  /** The whole message in memory. Throws as `pieces` does. */
  toBytes(): Uint8Array {
    const pieces = this.pieces();
    const all = new Uint8Array(this.size);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  #assertLegal(): void {
    if (this.size <= MESSAGE_LIMIT) return;
    throw new OnnxError('too-large', `The model would be ${this.size} bytes long, and protobuf ends at ${MESSAGE_LIMIT}. Keep its weights as external data.`);
  }

  /** Structure and payloads in the order of the message. */
  *#parts(): Generator<Part> {
    const structure = this.#out.bytes;
    let from = 0;
    const structureTo = (to: number): Part => {
      const part = structure.subarray(from, to);
      from = to;
      return { length: part.length, read: (into, offset) => copyFrom(part, into, offset), what: 'The structure' };
    };
    for (const { at, length, read, writeTo } of this.#deferred) {
      yield structureTo(at);
      yield { length, read, writeTo, what: 'A tensor' };
    }
    yield structureTo(structure.length);
  }

  #defer(length: number, read: Payload, writeTo?: WriteTo): void {
    this.#deferred.push({ at: this.#out.length, length, read, writeTo });
    this.#deferredLength += length;
  }

  #packed(field: number, write: () => void, count: number): void {
    if (count > 0) this.message(field, write);
  }

  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire);
  }

  /** An unsigned varint below 2^53. */
  #varint(value: number): void {
    if (value < 128) {
      this.#out.grow(1)[this.#out.length - 1] = value;
      return;
    }
    const length = varintLength(value);
    putVarint(this.#out.grow(length), this.#out.length - length, value);
  }

  #integer(value: number | bigint): void {
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) throw new OnnxError('malformed', `${value} is not an integer that a number holds exactly. Give it as a bigint.`);
      if (value >= 0) return this.#varint(value);
    }
    const exact = BigInt(value);
    if (exact < -(2n ** 63n) || exact >= 2n ** 64n) throw new OnnxError('malformed', `${exact} does not fit in 64 bits. Use a smaller integer.`);
    let rest = BigInt.asUintN(64, exact);
    while (rest >= 128n) {
      this.#out.grow(1)[this.#out.length - 1] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#out.grow(1)[this.#out.length - 1] = Number(rest);
  }

  #fixed32(value: number): void {
    const bytes = this.#out.grow(4);
    new DataView(bytes.buffer).setFloat32(this.#out.length - 4, value, true);
  }

  #fixed64(value: number): void {
    const bytes = this.#out.grow(8);
    new DataView(bytes.buffer).setFloat64(this.#out.length - 8, value, true);
  }
}

/** Bytes of a known length, and what they are, for messages. */
export interface Part {
  readonly length: number;
  readonly read: Payload;
  readonly writeTo?: WriteTo | undefined;
  readonly what: string;
}

/** Joins parts of `size` bytes in all into pieces of 8 MiB at most. Each piece is overwritten by the next. Throws `truncated` when a part ends early. */
export const piecesOf = (parts: Iterable<Part>, size: number): Generator<Uint8Array> => joined(parts, size, false) as Generator<Uint8Array>; // nothing writes itself

/** The same for a file that is written at positions: parts that can write themselves stay apart. */
export const filePiecesOf = (parts: Iterable<Part>, size: number): Generator<Uint8Array | SelfWriting> => joined(parts, size, true);

function* joined(parts: Iterable<Part>, size: number, apart: boolean): Generator<Uint8Array | SelfWriting> {
  const chunk = new Uint8Array(Math.min(CHUNK, size));
  let filled = 0;
  for (const { length, read, writeTo, what } of parts) {
    const alone = apart && writeTo !== undefined;
    if ((alone || length > chunk.length - filled) && filled > 0) {
      yield chunk.subarray(0, filled); // so that a payload of one chunk is read in one call: it may be computed
      filled = 0;
    }
    if (alone) {
      yield { length, writeTo };
      continue;
    }
    for (let offset = 0; offset < length; ) {
      if (filled === chunk.length) {
        yield chunk;
        filled = 0;
      }
      const room = chunk.subarray(filled, Math.min(chunk.length, filled + length - offset));
      const got = read(room, offset);
      if (got <= 0 || got > room.length) throw new OnnxError('truncated', `${what} gave ${offset} of ${length} bytes. Do not change the model's files while it is written.`);
      filled += got;
      offset += got;
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

function eachOf(values: ArrayLike<number>, act: (value: number) => void): void {
  for (let i = 0; i < values.length; i++) act(values[i]!);
}

function copyFrom(part: Uint8Array, into: Uint8Array, offset: number): number {
  const piece = part.subarray(offset, offset + into.length);
  into.set(piece);
  return piece.length;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

function putVarint(bytes: Uint8Array, at: number, value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[at] = rest;
}
