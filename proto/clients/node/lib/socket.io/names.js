'use strict';

const { createHash } = require('node:crypto');

/** The longest name of a channel, in bytes of UTF-8. */
const MAX_CHANNEL_BYTES = 512;
/** The longest prefix, so that a hash fits after it. */
const MAX_PREFIX_BYTES = 256;
const LONE_SURROGATE = /\p{Surrogate}/u;
/**
 * The form of the ids that Socket.IO makes for sockets: 15 random bytes. Each socket is in a room with its id as name.
 */
const SOCKET_ID = /^[\w-]{20}$/;

/**
 * The channel of a namespace, or with `name` that of one of its servers or rooms: `socket.io#/chat#` and
 * `socket.io#/chat#room 7#`, as in Socket.IO's own adapters for Redis. A hash replaces names that a channel cannot
 * have: those that are too long or not UTF-8.
 * @param {string} prefix
 * @param {string} namespace
 * @param {string} [name]
 */
function channelOf(prefix, namespace, name) {
  const rest = name === undefined ? `#${namespace}#` : `#${namespace}#${name}#`;
  const isChannel = !LONE_SURROGATE.test(rest) && Buffer.byteLength(prefix + rest) <= MAX_CHANNEL_BYTES;
  if (isChannel) return prefix + rest;
  return `${prefix}#sha256:${createHash('sha256').update(JSON.stringify(rest)).digest('hex')}`;
}

/** @param {string} room */
function isSocketId(room) {
  return SOCKET_ID.test(room);
}

/** @param {unknown} prefix @returns {prefix is string} */
function isPrefix(prefix) {
  return typeof prefix === 'string' && prefix !== '' && !LONE_SURROGATE.test(prefix) &&
    !prefix.startsWith('__hubrelay:') && Buffer.byteLength(prefix) <= MAX_PREFIX_BYTES;
}

module.exports = { MAX_PREFIX_BYTES, channelOf, isPrefix, isSocketId };
