'use strict';

const { MessageType } = require('./upstream');

/** @typedef {import('./messages').ClusterMessage} ClusterMessage */

/** The events that a namespace reserves. Upstream does not let a server send them to others. */
const RESERVED_EVENTS = new Set(['connect', 'connection', 'new_namespace']);

/** @type {Record<string, (value: any) => boolean>} What a field of `data` must be. */
const FIELDS = {
  requestId: (value) => typeof value === 'string',
  clientCount: (value) => Number.isInteger(value) && value >= 0,
  sockets: Array.isArray,
  rooms: (value) => Array.isArray(value) && !value.some((room) => typeof room === 'object' && room !== null),
  arguments: (value) => Array.isArray(value) && typeof value[0] === 'string' && !RESERVED_EVENTS.has(value[0]),
  packet: (value) => Array.isArray(value?.data),
  opts: (value) => Array.isArray(value?.rooms) && Array.isArray(value.except) &&
    (value.flags === undefined || typeof value.flags === 'object'),
};

/** @type {Record<number, string[]>} What upstream's class takes for granted, by the type of a message. */
const NEEDED = {
  [MessageType.INITIAL_HEARTBEAT]: [],
  [MessageType.HEARTBEAT]: [],
  [MessageType.ADAPTER_CLOSE]: [],
  [MessageType.BROADCAST]: ['packet', 'opts'],
  [MessageType.SOCKETS_JOIN]: ['opts', 'rooms'],
  [MessageType.SOCKETS_LEAVE]: ['opts', 'rooms'],
  [MessageType.DISCONNECT_SOCKETS]: ['opts'],
  [MessageType.FETCH_SOCKETS]: ['opts', 'requestId'],
  [MessageType.FETCH_SOCKETS_RESPONSE]: ['requestId', 'sockets'],
  [MessageType.SERVER_SIDE_EMIT]: ['arguments'],
  [MessageType.SERVER_SIDE_EMIT_RESPONSE]: ['requestId'],
  [MessageType.BROADCAST_CLIENT_COUNT]: ['requestId', 'clientCount'],
  [MessageType.BROADCAST_ACK]: ['requestId'],
};

/**
 * Returns the message if it has the fields that upstream's class relies on: what somebody else publishes on a channel
 * must not end the process. Upstream ignores a message of an unknown type. Throws SyntaxError.
 * @param {ClusterMessage} message
 * @returns {ClusterMessage}
 */
function check(message) {
  const { uid, nsp, type, data } = message;
  if (typeof uid !== 'string' || uid === '') throw new SyntaxError('it has no "uid"');
  if (typeof nsp !== 'string') throw new SyntaxError('it has no "nsp"');
  if (!Number.isInteger(type)) throw new SyntaxError('it has no "type"');
  for (const field of NEEDED[type] ?? []) {
    const value = field === 'arguments' ? data?.packet : data?.[field];
    if (!FIELDS[field]?.(value)) throw new SyntaxError(`its "${field}" is missing or wrong for type ${type}`);
  }
  return message;
}

module.exports = { check };
