'use strict';

// Numbers and fields of protobuf (proto3), as PROTOCOL.md says in "How a body is read".

const { Code, nameOf } = require('./enums');

/** The error for bytes that are not a valid frame. `code` is the code with which a relay would answer. */
class ProtocolError extends Error {
  /** @param {number} code @param {string} detail */
  constructor(code, detail) {
    super(`${nameOf(Code, code)}: ${detail}`);
    this.code = code;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param {string} detail */
function malformed(detail) {
  return new ProtocolError(Code.MALFORMED, detail);
}

/**
 * A number as protobuf writes it: 7 bits a byte, the lowest first. Enumerations may be negative, which takes ten bytes.
 * @param {number} number an integer from -2^31 to 2^53-1
 */
function varint(number) {
  let rest = number < 0 ? BigInt.asUintN(64, BigInt(number)) : BigInt(number);
  const bytes = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/**
 * A field of bytes: tag, length, content.
 * @param {number} number
 * @param {Uint8Array} content
 */
function bytesField(number, content) {
  return Buffer.concat([varint(number << 3 | 2), varint(content.length), content]);
}

/** Reads the fields of one message, in `buffer` from `position` to `end`. Its methods throw ProtocolError. */
class FieldReader {
  /** @param {Buffer} buffer @param {number} position @param {number} end */
  constructor(buffer, position, end) {
    this.buffer = buffer;
    this.position = position;
    this.end = end;
    this.number = 0;
    this.wire = 0;
    /** The low and the high 32 bits of the last varint. */
    this.low = 0;
    this.high = 0;
    /** Where the content of a field of bytes begins and ends. */
    this.start = 0;
    this.stop = 0;
  }

  /** Goes to the next field, and reads it. False at the end. */
  next() {
    if (this.position === this.end) return false;
    this.varint();
    this.number = this.low >>> 3;
    this.wire = this.low & 7;
    if (this.high !== 0 || this.number === 0) throw malformed('an impossible field number');
    if (this.wire === 0) this.varint();
    else if (this.wire === 2) this.bytes();
    else if (this.wire === 1 || this.wire === 5) this.skip(this.wire === 1 ? 8 : 4);
    else throw malformed(`wire type ${this.wire}`);
    return true;
  }

  varint() {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw malformed('a number ends beyond its message');
      const byte = this.buffer[this.position++];
      const bits = byte & 0x7f;
      if (shift <= 28) low |= bits << shift;
      if (shift === 28) high = bits >>> 4;
      else if (shift > 28) high |= bits << shift - 32; // only one bit of the tenth byte counts
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw malformed('a varint of more than ten bytes');
  }

  bytes() {
    this.varint();
    const size = this.high === 0 ? this.low : Infinity;
    this.start = this.position;
    this.skip(size);
    this.stop = this.position;
  }

  /** @param {number} size */
  skip(size) {
    if (size > this.end - this.position) throw malformed(`field ${this.number} ends beyond its message`);
    this.position += size;
  }

  /** The content of a field of bytes, as text. */
  text() {
    try {
      return utf8.decode(this.buffer.subarray(this.start, this.stop));
    } catch {
      throw malformed(`field ${this.number} is not UTF-8`);
    }
  }

  /** The last varint, or 2^53-1 if it is larger than that. */
  get value() {
    return this.high > 0x1fffff ? Number.MAX_SAFE_INTEGER : this.high * 0x100000000 + this.low;
  }
}

module.exports = { FieldReader, ProtocolError, bytesField, varint };
