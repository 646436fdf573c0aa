'use strict';

// Messages between Socket.IO servers, as bytes.
//
// A message is JSON, as are the messages to clients of Socket.IO. So a client gets the same value no matter which
// server it is connected to. `{"uid":...,"nsp":...,"type":...,"data":...}`
//
// In a message with binary parts, the parts are null in the JSON and follow after it:
//
//   1 byte    1, where JSON has `{`
//   4 bytes   length of the JSON, big endian
//   JSON      {"uid":...,"nsp":...,"type":...,"data":...,"parts":[{"path":["packet","data",1],"bytes":2},...]}
//   parts     one behind the other, in the order of `parts`; a path leads to its place in `data`

/** @typedef {{ uid: string, nsp: string, type: number, data?: any }} ClusterMessage upstream's */
/** @typedef {(string | number)[]} Path */
/** @typedef {{ path: Path, bytes: Uint8Array }} Part */

/** The first byte of a message with binary parts. */
const WITH_PARTS = 1;
/** The size of that byte and of the length of the JSON. */
const HEAD_BYTES = 5;

/**
 * Encodes a message. Throws TypeError, or RangeError, for values that JSON cannot have: a BigInt, an object within
 * itself.
 * @param {ClusterMessage} message
 * @returns {string | Buffer}
 */
function encode({ uid, nsp, type, data }) {
  if (!hasBinary(data)) return JSON.stringify({ uid, nsp, type, data });
  /** @type {Part[]} */
  const parts = [];
  const json = Buffer.from(JSON.stringify({
    uid,
    nsp,
    type,
    data: withoutBinary(data, [], parts),
    parts: parts.map(({ path, bytes }) => ({ path, bytes: bytes.length })),
  }));
  const head = Buffer.alloc(HEAD_BYTES, WITH_PARTS);
  head.writeUInt32BE(json.length, 1);
  return Buffer.concat([head, json, ...parts.map(({ bytes }) => bytes)]);
}

/**
 * Decodes a message. Binary parts become separate Buffers, whatever type they had. Throws SyntaxError for bytes that
 * `encode` cannot have written.
 * @param {Buffer} bytes
 * @returns {ClusterMessage}
 */
function decode(bytes) {
  if (bytes[0] !== WITH_PARTS) return parsed(bytes);
  if (bytes.length < HEAD_BYTES) throw new SyntaxError('it ends too soon');
  let start = HEAD_BYTES + bytes.readUInt32BE(1);
  if (start > bytes.length) throw new SyntaxError('it ends too soon');
  const { parts, ...message } = parsed(bytes.subarray(HEAD_BYTES, start));
  if (!Array.isArray(parts)) throw new SyntaxError('it has no list of its parts');
  for (const part of parts) {
    const end = start + part?.bytes;
    if (!Number.isInteger(end) || end < start || end > bytes.length) throw new SyntaxError('it ends too soon');
    put(message, part.path, Buffer.from(bytes.subarray(start, end)));
    start = end;
  }
  return message;
}

/**
 * Whether these bytes are a message of the server `uid`. This must be cheap, since each server also gets its own
 * messages.
 * @param {Buffer} bytes
 * @param {string} uid
 */
function isFrom(bytes, uid) {
  const beginning = `{"uid":"${uid}"`;
  const start = bytes[0] === WITH_PARTS ? HEAD_BYTES : 0;
  return bytes.toString('latin1', start, start + beginning.length) === beginning;
}

/** @param {Buffer} bytes @returns {ClusterMessage & { parts?: unknown }} other fields may be missing: see `check` */
function parsed(bytes) {
  const message = JSON.parse(bytes.toString());
  if (!isObject(message)) throw new SyntaxError('it is not an object');
  return /** @type {any} */ (message);
}

/**
 * Puts a part into its place.
 * @param {ClusterMessage} message
 * @param {unknown} path
 * @param {Buffer} bytes
 */
function put(message, path, bytes) {
  /** @type {any} */
  let place = message;
  let last = 'data';
  for (const key of Array.isArray(path) ? path : [null]) {
    place = place[last];
    last = key;
    // The sender has left a null there, so only fields that it has sent are changed.
    if (!isObject(place) || !Object.hasOwn(place, key)) throw new SyntaxError('a part has no place');
  }
  if (place[last] !== null) throw new SyntaxError('a part has no place');
  place[last] = bytes;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === 'object' && value !== null;
}

/** @param {unknown} value @returns {value is ArrayBuffer | ArrayBufferView} */
function isBinary(value) {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

/**
 * Whether JSON would contain binary: the result of `toJSON` counts, not the object itself.
 * @param {any} value
 * @returns {boolean}
 */
function hasBinary(value) {
  if (!isObject(value)) return false;
  if (isBinary(value)) return true;
  if (typeof value.toJSON === 'function') return hasBinary(value.toJSON());
  if (Array.isArray(value)) return value.some(hasBinary);
  for (const key in value) if (Object.hasOwn(value, key) && hasBinary(value[key])) return true;
  return false;
}

/**
 * The value with null in place of binary values, which are added to `parts`.
 * @param {any} value
 * @param {Path} path
 * @param {Part[]} parts
 * @returns {unknown}
 */
function withoutBinary(value, path, parts) {
  if (!isObject(value)) return value;
  if (isBinary(value)) {
    parts.push({ path, bytes: bytesOf(value) });
    return null;
  }
  if (typeof value.toJSON === 'function') return withoutBinary(value.toJSON(), path, parts);
  if (Array.isArray(value)) return value.map((item, index) => withoutBinary(item, [...path, index], parts));
  const entries = Object.entries(value).map(([key, item]) => [key, withoutBinary(item, [...path, key], parts)]);
  return Object.fromEntries(entries);
}

/** @param {ArrayBuffer | ArrayBufferView} value */
function bytesOf(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

module.exports = { decode, encode, isFrom };
