'use strict';

// Frames to bytes and back: the part of protobuf (proto3) that hubrelay.proto uses, by hand. `encode` and `decode` know
// every frame of both sides, by the tables of schema.js. The frames that come by the thousand are in fast.js.

const { Code, nameOf } = require('./enums');
const { CLIENT_FRAME, FIELDS, RELAY_FRAME, blank } = require('./schema');

/** Bytes that are no frame. `code` is what a relay would answer. */
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
 * A number as protobuf writes it: 7 bits a byte, the lowest first. Enumerations may be below 0: ten bytes.
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
 * @param {number} number @param {Uint8Array} content
 */
function bytesField(number, content) {
  return Buffer.concat([varint(number << 3 | 2), varint(content.length), content]);
}

/**
 * A body with its length in front.
 * @param {Uint8Array} body
 */
function framed(body) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/**
 * A frame of either side as it goes to the socket, its length in front. Fields that are missing have their defaults.
 * @param {{ kind: string } & Record<string, any>} frame
 */
function encode(frame) {
  const kinds = CLIENT_FRAME.includes(frame.kind) ? CLIENT_FRAME : RELAY_FRAME;
  return framed(bytesField(kinds.indexOf(frame.kind) + 1, content(frame.kind, frame)));
}

/** @param {string} kind @param {Record<string, any>} values @returns {Buffer} */
function content(kind, values) {
  /** @type {Buffer[]} */
  const parts = [];
  FIELDS[kind].forEach(([name, type], index) => {
    const number = index + 1;
    const value = values[name];
    if (type === 'strings') {
      for (const text of value ?? []) parts.push(bytesField(number, Buffer.from(text)));
    } else if (type === 'status') {
      if (value) parts.push(bytesField(number, content('status', value)));
    } else if (type === 'string' || type === 'bytes') {
      if (value && value.length) parts.push(bytesField(number, Buffer.from(value)));
    } else if (value) {
      parts.push(varint(number << 3), varint(Number(value)));
    }
  });
  return Buffer.concat(parts);
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
    /** The last varint: its low and its high 32 bits. */
    this.low = 0;
    this.high = 0;
    /** The content of a field of bytes. */
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
      else if (shift > 28) high |= bits << shift - 32; // of the tenth byte one bit counts
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

  /** The last varint; 2^53-1 if it is larger than that. */
  get value() {
    return this.high > 0x1fffff ? Number.MAX_SAFE_INTEGER : this.high * 0x100000000 + this.low;
  }
}

/**
 * Reads a message into `frame`: what comes twice replaces what came before, lists are joined.
 * @param {Record<string, any>} frame @param {Buffer} buffer @param {number} start @param {number} end
 */
function readInto(frame, buffer, start, end) {
  const fields = FIELDS[frame.kind];
  const reader = new FieldReader(buffer, start, end);
  while (reader.next()) {
    const [name, type] = fields[reader.number - 1] ?? ['', null];
    const wire = type === 'string' || type === 'strings' || type === 'bytes' || type === 'status' ? 2 : 0;
    if (type === null || reader.wire !== wire) continue;
    if (type === 'strings') frame[name].push(reader.text());
    else if (type === 'string') frame[name] = reader.text();
    else if (type === 'bytes') frame[name] = Buffer.from(buffer.subarray(reader.start, reader.stop));
    else if (type === 'uint32') frame[name] = reader.low;
    else if (type === 'enum') frame[name] = reader.low | 0;
    else if (type === 'bool') frame[name] = reader.low !== 0 || reader.high !== 0;
    else if (type === 'uint64') frame[name] = reader.value;
    else frame[name] = readInto(frame[name] ?? blank('status'), buffer, reader.start, reader.stop);
  }
  return frame;
}

/**
 * The frame in a body, or null if it is of no kind that is known here. Throws ProtocolError.
 * @param {Buffer} buffer @param {number} [start] @param {number} [end] @param {string[]} [kinds]
 * @returns {Record<string, any> & { kind: string } | null}
 */
function decode(buffer, start = 0, end = buffer.length, kinds = RELAY_FRAME) {
  /** @type {any} */
  let frame = null;
  const reader = new FieldReader(buffer, start, end);
  while (reader.next()) {
    const kind = kinds[reader.number - 1];
    if (kind === undefined || reader.wire !== 2) continue;
    // Of several kinds the last counts; one that comes twice is merged.
    frame = readInto(frame?.kind === kind ? frame : blank(kind), buffer, reader.start, reader.stop);
  }
  return frame;
}

module.exports = { ProtocolError, bytesField, decode, encode, framed, varint };
