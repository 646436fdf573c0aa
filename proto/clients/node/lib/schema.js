'use strict';

// The fields of each frame, as in hubrelay.proto. The n-th field has number n, and the n-th kind has number n in its
// frame.

/** @typedef {{ kind: 'hello', version: number, clientName: string }} HelloFrame */
/** @typedef {{ kind: 'publish', channel: string, payload: Buffer, id: number }} PublishFrame */
/** @typedef {{ kind: 'subscribe', id: number, channels: string[], patterns: string[] }} SubscribeFrame */
/** @typedef {{ kind: 'unsubscribe', id: number, channels: string[], patterns: string[] }} UnsubscribeFrame */
/** @typedef {{ kind: 'ping', id: number, settled: boolean }} PingFrame */
/** @typedef {HelloFrame | PublishFrame | SubscribeFrame | UnsubscribeFrame | PingFrame} ClientFrame */
/**
 * @typedef {{ kind: 'status', state: number, reason: string, sinceUnixMs: number, outages: number, downMs: number,
 *   publishing: boolean, receiving: boolean, gaps: number, cause: number }} StatusFrame
 */
/**
 * @typedef {{ kind: 'welcome', version: number, relayVersion: string, relayId: string, maxFrameBytes: number,
 *   status: StatusFrame | null, maxPayloadBytes: number, features: string[] }} WelcomeFrame
 */
/** @typedef {{ kind: 'message', channel: string, payload: Buffer, pattern: string }} MessageFrame */
/**
 * @typedef {{ kind: 'reply', id: number, outcome: number, receivers: number, detail: string, channels: string[],
 *   patterns: string[] }} ReplyFrame
 */
/**
 * @typedef {{ kind: 'loss', publishes: number, messages: number, reason: string, publishesUnknown: number,
 *   cause: number }} LossFrame
 */
/** @typedef {{ kind: 'error', code: number, detail: string }} ErrorFrame */
/** @typedef {{ kind: 'revoked', channels: string[], patterns: string[], detail: string }} RevokedFrame */
/**
 * @typedef {WelcomeFrame | MessageFrame | ReplyFrame | StatusFrame | LossFrame | ErrorFrame | RevokedFrame} RelayFrame
 */
/** @typedef {'uint32' | 'uint64' | 'bool' | 'enum' | 'string' | 'strings' | 'bytes' | 'status'} FieldType */

const CLIENT_FRAME = ['hello', 'publish', 'subscribe', 'unsubscribe', 'ping'];
const RELAY_FRAME = ['welcome', 'message', 'reply', 'status', 'loss', 'error', 'revoked'];

/** @type {Record<string, [name: string, type: FieldType][]>} */
const FIELDS = {
  hello: [['version', 'uint32'], ['clientName', 'string']],
  publish: [['channel', 'string'], ['payload', 'bytes'], ['id', 'uint64']],
  subscribe: [['id', 'uint64'], ['channels', 'strings'], ['patterns', 'strings']],
  unsubscribe: [['id', 'uint64'], ['channels', 'strings'], ['patterns', 'strings']],
  ping: [['id', 'uint64'], ['settled', 'bool']],
  welcome: [
    ['version', 'uint32'], ['relayVersion', 'string'], ['relayId', 'string'], ['maxFrameBytes', 'uint32'],
    ['status', 'status'], ['maxPayloadBytes', 'uint32'], ['features', 'strings'],
  ],
  message: [['channel', 'string'], ['payload', 'bytes'], ['pattern', 'string']],
  reply: [
    ['id', 'uint64'], ['outcome', 'enum'], ['receivers', 'uint64'], ['detail', 'string'], ['channels', 'strings'],
    ['patterns', 'strings'],
  ],
  status: [
    ['state', 'enum'], ['reason', 'string'], ['sinceUnixMs', 'uint64'], ['outages', 'uint64'], ['downMs', 'uint64'],
    ['publishing', 'bool'], ['receiving', 'bool'], ['gaps', 'uint64'], ['cause', 'enum'],
  ],
  loss: [
    ['publishes', 'uint64'], ['messages', 'uint64'], ['reason', 'string'], ['publishesUnknown', 'uint64'],
    ['cause', 'enum'],
  ],
  error: [['code', 'enum'], ['detail', 'string']],
  revoked: [['channels', 'strings'], ['patterns', 'strings'], ['detail', 'string']],
};

/** @type {Record<FieldType, () => unknown>} */
const DEFAULTS = {
  uint32: () => 0,
  uint64: () => 0,
  bool: () => false,
  enum: () => 0,
  string: () => '',
  strings: () => [],
  bytes: () => Buffer.alloc(0),
  status: () => null,
};

/**
 * A frame whose fields all have their defaults.
 * @param {string} kind
 * @returns {Record<string, any>}
 */
function blank(kind) {
  /** @type {Record<string, any>} */
  const frame = { kind };
  for (const [name, type] of FIELDS[kind]) frame[name] = DEFAULTS[type]();
  return frame;
}

module.exports = { CLIENT_FRAME, FIELDS, RELAY_FRAME, blank };
