'use strict';

const MIB = 1 << 20;

/** The path at which a relay listens if nothing else is said. */
const DEFAULT_PATH = '/run/hubrelay/hubrelay.sock';

/** Numbers that an application can change, and should not have to. Durations are in milliseconds, sizes in bytes. */
const DEFAULTS = Object.freeze({
  /** What one Subscription, or `events`, keeps for the application. */
  eventsBytes: 4 * MIB,
  /** What all of them keep together. */
  queuedBytes: 64 * MIB,
  /** What the relay has not read yet. `send` is Congested above a sixteenth of it. */
  unsentBytes: 16 * MIB,
  /** Publishes without a Reply. */
  unanswered: 10_000,
  /** A Gap comes up to this long after receiving again. */
  gapJitter: 2000,
  /** DEGRADED and not receiving for this long: a partial Gap. */
  partialGap: 5000,
  /** Bound of the random delay before the first attempt to connect again; it doubles. */
  backoffMin: 20,
  backoffMax: 500,
  /** The same after an answer that will not change by itself: VERSION, NOT_ALLOWED. */
  backoffHopeless: 30_000,
  /** A connection of this age makes the backoff begin anew. */
  goodConnection: 5000,
  /** From connecting to Welcome. */
  handshake: 5000,
  /** What is asked for before the first attempt to connect has ended waits for that so long. */
  firstUse: 1000,
  /** For the next relay to say Welcome while one is STOPPING; for the fence; for publishes to wait. */
  successor: 250,
  /** For what is owed, when a relay is left and in `close`. */
  drain: 8000,
  /** After this long the relay is asked what became of the `send`s. */
  settle: 1000,
  /** Nothing read for this long while something is owed: a Ping. */
  pingOwed: 5000,
  /** The same while nothing is owed. */
  pingIdle: 15_000,
  /** No byte for this long after the Ping: the connection is given up. */
  pingTimeout: 5000,
});

/** @typedef {{ -readonly [name in keyof typeof DEFAULTS]: number }} Options */

/**
 * The defaults with these changes. Throws TypeError for what is no number and for what is no option.
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

/** What a client has done since it was made. */
class Counters {
  constructor() {
    /** Publishes and sends that were handed to the relay. */
    this.sent = 0;
    /** @type {Record<string, number>} Publishes and sends that failed, by `code` of the error. */
    this.failed = {};
    this.lostMessages = 0;
    /** Sends that were lost, or may have been. */
    this.lostPublishes = 0;
    this.gaps = 0;
    this.reconnects = 0;
    /** Bytes for the application in all queues, now. */
    this.queuedBytes = 0;
  }

  /** @param {Error & { code?: string }} error */
  fail(error) {
    const code = error.code ?? error.name;
    this.failed[code] = (this.failed[code] ?? 0) + 1;
  }
}

module.exports = { Counters, DEFAULTS, DEFAULT_PATH, optionsWith };
