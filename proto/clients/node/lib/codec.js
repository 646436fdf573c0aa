'use strict';

// Converts frames to bytes and back: a handwritten codec for the part of protobuf (proto3) that hubrelay.proto uses.
// `encode` and `decode` know every frame of both sides, from the tables of schema.js. fast.js has the most frequent
// frames.

const { CLIENT_FRAME, FIELDS, RELAY_FRAME, blank } = require('./schema');
const { FieldReader, ProtocolError, bytesField, varint } = require('./wire');

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
 * The bytes of a frame of either side, with its length in front. Missing fields have their defaults.
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

/**
 * Reads a protobuf message into `frame`. A field that comes twice replaces the earlier value; lists are joined.
 * @param {Record<string, any>} frame
 * @param {Buffer} buffer
 * @param {number} start
 * @param {number} end
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
    else if (type === 'bytes') frame[name] = copyOf(buffer, reader.start, reader.stop);
    else if (type === 'uint32') frame[name] = reader.low;
    else if (type === 'enum') frame[name] = reader.low | 0;
    else if (type === 'bool') frame[name] = reader.low !== 0 || reader.high !== 0;
    else if (type === 'uint64') frame[name] = reader.value;
    else frame[name] = readInto(frame[name] ?? blank('status'), buffer, reader.start, reader.stop);
  }
  return frame;
}

/**
 * A copy with memory of its own, not from Node's pool. So keeping it keeps no other memory alive.
 * @param {Buffer} buffer
 * @param {number} start
 * @param {number} end
 */
function copyOf(buffer, start, end) {
  const copy = Buffer.allocUnsafeSlow(end - start);
  buffer.copy(copy, 0, start, end);
  return copy;
}

/**
 * The frame in a body, or null if its kind is unknown. Throws ProtocolError.
 * @param {Buffer} buffer
 * @param {number} [start]
 * @param {number} [end]
 * @param {string[]} [kinds]
 * @returns {Record<string, any> & { kind: string } | null}
 */
function decode(buffer, start = 0, end = buffer.length, kinds = RELAY_FRAME) {
  /** @type {any} */
  let frame = null;
  const reader = new FieldReader(buffer, start, end);
  while (reader.next()) {
    const kind = kinds[reader.number - 1];
    if (kind === undefined || reader.wire !== 2) continue;
    // If there are several kinds, the last one counts. A kind that comes twice in a row is merged.
    frame = readInto(frame?.kind === kind ? frame : blank(kind), buffer, reader.start, reader.stop);
  }
  return frame;
}

module.exports = { ProtocolError, bytesField, decode, encode, framed, varint };
