'use strict';

const MIB = 1 << 20;

/** The path at which a relay listens by default. */
const DEFAULT_PATH = '/run/hubrelay/hubrelay.sock';

/** Numbers that an application can change, but should not need to. Durations are in milliseconds, sizes in bytes. */
const DEFAULTS = Object.freeze({
  /** The most that one Subscription, or `events`, keeps for the application. */
  eventsBytes: 4 * MIB,
  /** The most that all of them keep together. */
  queuedBytes: 64 * MIB,
  /** The most that may wait for the relay to read it. For `send` it is a sixteenth of this. */
  unsentBytes: 16 * MIB,
  /** The most publishes that may wait for their Reply. */
  unanswered: 10_000,
  /** The longest random delay of a Gap after the relay receives again. */
  gapJitter: 2000,
  /** A partial Gap comes after this long in DEGRADED without receiving. */
  partialGap: 5000,
  /** The bound of the random delay before the first attempt to reconnect. It doubles with each attempt. */
  backoffMin: 20,
  backoffMax: 500,
  /** The same after an answer that will not change by itself: VERSION, NOT_ALLOWED. */
  backoffHopeless: 30_000,
  /** After a connection that lasted this long, the backoff starts again. */
  goodConnection: 5000,
  /** How long an attempt may take, from connecting to the relay's Welcome. */
  handshake: 5000,
  /** How long requests made before the end of the first attempt to connect wait for that end. */
  firstUse: 1000,
  /** While a relay is STOPPING: how long to wait for the next Welcome, for the fence, and with publishes. */
  successor: 250,
  /** How long to wait for owed Replies, when a relay is left and in `close`. */
  drain: 8000,
  /** After this long the client asks the relay about the outcome of `send`s. */
  settle: 1000,
  /** If nothing was read for this long while a Reply is owed, the client sends a Ping. */
  pingOwed: 5000,
  /** The same while no Reply is owed. */
  pingIdle: 15_000,
  /** If no byte comes for this long after the Ping, the client ends the connection. */
  pingTimeout: 5000,
});

/** @typedef {{ -readonly [name in keyof typeof DEFAULTS]: number }} Options */

/**
 * The defaults with these changes. Throws TypeError for an unknown option and for a value that is not a number.
 * @param {Record<string, unknown>} changes
 * @returns {Options}
 */
function optionsWith(changes) {
  const options = /** @type {Options} */ ({ ...DEFAULTS });
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(DEFAULTS, name)) throw new TypeError(`hubrelay: there is no option "${name}"`);
    if (value === undefined) continue;
    if (typeof value !== 'number' || !(value >= 0)) {
      throw new TypeError(`hubrelay: the option "${name}" must be a number of 0 or more, not ${String(value)}`);
    }
    options[/** @type {keyof Options} */ (name)] = value;
  }
  return options;
}

/** Counts of what a client has done since it was made. */
class Counters {
  constructor() {
    /** How many publishes and sends were handed to a connection. */
    this.sent = 0;
    /** @type {Record<string, number>} Publishes and sends that failed, by `code` of the error. */
    this.failed = {};
    this.lostMessages = 0;
    /** How many sends were lost, or may have been. */
    this.lostPublishes = 0;
    this.gaps = 0;
    this.reconnects = 0;
    /** How many bytes wait for the application in all queues, now. */
    this.queuedBytes = 0;
  }

  /** @param {Error & { code?: string }} error */
  fail(error) {
    const code = error.code ?? error.name;
    this.failed[code] = (this.failed[code] ?? 0) + 1;
  }
}

module.exports = { Counters, DEFAULTS, DEFAULT_PATH, optionsWith };
