'use strict';

// The three most frequent frames: Publish, and the usual forms of Reply and Message. codec.js reads what is not
// recognised here.

/**
 * How many bytes a varint takes.
 * @param {number} number
 */
function varintSize(number) {
  let size = 1;
  for (; number >= 0x80; number /= 0x80) size++;
  return size;
}

/**
 * Writes a varint and returns the position after it.
 * @param {Buffer} buffer
 * @param {number} position
 * @param {number} number
 */
function writeVarint(buffer, position, number) {
  while (number >= 0x80) {
    buffer[position++] = number % 0x80 | 0x80;
    number = Math.floor(number / 0x80);
  }
  buffer[position] = number;
  return position + 1;
}

/**
 * How many bytes the content of a Publish takes.
 * @param {number} channelField bytes
 * @param {number} payload bytes
 * @param {number} id
 */
function publishSize(channelField, payload, id) {
  return channelField + (payload ? 1 + varintSize(payload) + payload : 0) + (id ? 1 + varintSize(id) : 0);
}

/**
 * How many bytes a whole frame takes, with its length in front, if its content takes `size`.
 * @param {number} size
 */
function frameSize(size) {
  return 5 + varintSize(size) + size;
}

/**
 * Writes a Publish with its length into `buffer`.
 * @param {Buffer} buffer
 * @param {number} position
 * @param {number} size from publishSize
 * @param {Buffer} channelField tag, length and channel, encoded once for many publishes
 * @param {string | Uint8Array} payload
 * @param {number} payloadSize
 * @param {number} id
 */
function writePublish(buffer, position, size, channelField, payload, payloadSize, id) {
  const length = 1 + varintSize(size) + size;
  buffer[position] = length >>> 24;
  buffer[position + 1] = length >>> 16;
  buffer[position + 2] = length >>> 8;
  buffer[position + 3] = length;
  buffer[position + 4] = 0x12;
  position = writeVarint(buffer, position + 5, size);
  for (let index = 0; index < channelField.length; index++) buffer[position++] = channelField[index];
  if (payloadSize) {
    buffer[position] = 0x12;
    position = writeVarint(buffer, position + 1, payloadSize);
    if (typeof payload === 'string') buffer.write(payload, position, payloadSize);
    else buffer.set(payload, position);
    position += payloadSize;
  }
  if (id) {
    buffer[position] = 0x18;
    writeVarint(buffer, position + 1, id);
  }
}

/** Where the last varint that was read ended. -1 if it had more than seven bytes, or was not complete. */
let behind = 0;

/** @param {Buffer} buffer @param {number} position @param {number} end */
function readVarint(buffer, position, end) {
  let number = 0;
  let factor = 1;
  for (const last = Math.min(end, position + 7); position < last; factor *= 0x80) {
    const byte = buffer[position++];
    number += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      behind = position;
      return number;
    }
  }
  behind = -1;
  return 0;
}

/** The last Reply that `readReply` has recognised. */
const reply = { id: 0, receivers: 0 };

/**
 * Recognises a Reply with OK and nothing else except `receivers`, in a body from `start` to `end`.
 * @param {Buffer} buffer
 * @param {number} start
 * @param {number} end
 */
function readReply(buffer, start, end) {
  if (end - start < 6 || buffer[start] !== 0x1a || buffer[start + 1] !== end - start - 2) return false;
  if (buffer[start + 2] !== 0x08) return false;
  reply.id = readVarint(buffer, start + 3, end);
  if (behind < 0 || behind + 2 > end || buffer[behind] !== 0x10 || buffer[behind + 1] !== 1) return false;
  reply.receivers = 0;
  if (behind + 2 === end) return true;
  if (buffer[behind + 2] !== 0x18) return false;
  reply.receivers = readVarint(buffer, behind + 3, end);
  return behind === end;
}

/** The positions of channel and payload in the last Message that `readMessage` has recognised. */
const message = { channelStart: 0, channelEnd: 0, payloadStart: 0 };

/**
 * Recognises a Message without pattern in a body from `start` to `end`. Its payload ends at `end`.
 * @param {Buffer} buffer
 * @param {number} start
 * @param {number} end
 */
function readMessage(buffer, start, end) {
  if (buffer[start] !== 0x12) return false;
  const size = readVarint(buffer, start + 1, end);
  if (behind < 0 || behind + size !== end || size < 4 || buffer[behind] !== 0x0a) return false;
  const channelSize = buffer[behind + 1];
  if (channelSize > 0x7f) return false;
  message.channelStart = behind + 2;
  message.channelEnd = behind + 2 + channelSize;
  if (message.channelEnd >= end || buffer[message.channelEnd] !== 0x12) return false;
  const payloadSize = readVarint(buffer, message.channelEnd + 1, end);
  message.payloadStart = behind;
  return behind >= 0 && behind + payloadSize === end;
}

module.exports = { frameSize, message, publishSize, readMessage, readReply, reply, writePublish };
