'use strict';

// The events for the application. Each has a `type`, for use in a `switch`.

const { Cause, State } = require('./enums');

/** A message. `payload` is shared by all Subscriptions that get it, and must not be changed. */
class Message {
  /**
   * @param {string} channel
   * @param {Buffer} payload
   * @param {string} pattern the pattern that matched, or empty: the channel itself is subscribed to
   */
  constructor(channel, payload, pattern) {
    this.type = /** @type {const} */ ('message');
    this.channel = channel;
    this.payload = payload;
    this.pattern = pattern;
  }

  /** The payload, read as UTF-8. */
  get text() {
    return this.payload.toString();
  }
}

/** The state of the path through Redis and back. `connected` is false while there is no connection to a relay. */
class Status {
  /** @param {Partial<import('./schema').StatusFrame>} fields @param {boolean} [connected] */
  constructor(fields, connected = true) {
    this.type = /** @type {const} */ ('status');
    this.state = fields.state ?? State.UNSPECIFIED;
    this.connected = connected;
    this.publishing = fields.publishing ?? false;
    this.receiving = fields.receiving ?? false;
    this.cause = fields.cause ?? Cause.UNSPECIFIED;
    this.reason = fields.reason ?? '';
    this.sinceUnixMs = fields.sinceUnixMs ?? 0;
    this.outages = fields.outages ?? 0;
    this.downMs = fields.downMs ?? 0;
    this.gaps = fields.gaps ?? 0;
  }
}

/** Messages may have been missed before this event: read again everything that must not be missed. */
class Gap {
  /**
   * @param {string[]} reasons for people
   * @param {boolean} [partial] some channels are still away
   */
  constructor(reasons, partial = false) {
    this.type = /** @type {const} */ ('gap');
    this.reasons = reasons;
    this.partial = partial;
  }
}

/** Exactly how much was lost at this place. `local` is true if this client has counted it, and not the relay. */
class Loss {
  /** @param {Partial<import('./schema').LossFrame>} fields @param {boolean} [local] */
  constructor(fields, local = false) {
    this.type = /** @type {const} */ ('loss');
    this.messages = fields.messages ?? 0;
    this.publishes = fields.publishes ?? 0;
    this.publishesUnknown = fields.publishesUnknown ?? 0;
    this.cause = fields.cause ?? Cause.UNSPECIFIED;
    this.reason = fields.reason ?? '';
    this.local = local;
  }
}

/** These names are not held any more. The client does not ask for them again. */
class Revoked {
  /** @param {string[]} channels @param {string[]} patterns @param {string} detail for people */
  constructor(channels, patterns, detail) {
    this.type = /** @type {const} */ ('revoked');
    this.channels = channels;
    this.patterns = patterns;
    this.detail = detail;
  }
}

/** @typedef {Message | Status | Gap | Loss | Revoked} Event */

/**
 * The Status while there is no connection to a relay.
 * @param {string} reason
 * @param {number} [sinceUnixMs]
 */
function noRelay(reason, sinceUnixMs = Date.now()) {
  return new Status({ state: State.DOWN, reason, sinceUnixMs, cause: Cause.NO_RELAY }, false);
}

module.exports = { Gap, Loss, Message, Revoked, Status, noRelay };
