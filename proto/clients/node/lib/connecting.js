'use strict';

const crypto = require('node:crypto');
const { Code } = require('./enums');

/**
 * A random number from 0 to `bound`. It comes from the operating system, so no two processes have the same numbers.
 * @param {number} bound
 */
function randomUpTo(bound) {
  return bound * crypto.randomInt(0x1000000) / 0x1000000;
}

/** The random delay before the next attempt to connect: full jitter, up to a bound that doubles. */
class Backoff {
  /** @param {import('./options').Options} options @param {(bound: number) => number} [random] */
  constructor(options, random = randomUpTo) {
    this._options = options;
    this._random = random;
    this._bound = options.backoffMin;
    this._hopelessBound = 1000;
  }

  /**
   * The next delay, in milliseconds.
   * @param {boolean} isHopeless the last answer will not change by itself: the bound is long, and the delay at least
   *   half of it
   */
  next(isHopeless) {
    if (isHopeless) {
      const bound = Math.min(this._hopelessBound, this._options.backoffHopeless);
      this._hopelessBound = 2 * bound;
      return bound / 2 + this._random(bound / 2);
    }
    this._hopelessBound = 1000;
    const bound = this._bound;
    this._bound = Math.min(2 * bound, this._options.backoffMax);
    return this._random(bound);
  }

  /** @param {number} duration how long a connection lasted from its Welcome, in milliseconds */
  ended(duration) {
    if (duration >= this._options.goodConnection) this._bound = this._options.backoffMin;
  }
}

/**
 * Whether the next attempt will get the same answer.
 * @param {number} code
 */
function isHopeless(code) {
  return code === Code.VERSION || code === Code.NOT_ALLOWED;
}

/**
 * Detects a relay that hangs: it is silent while it owes a Reply, or for a long time, and then does not answer a Ping.
 */
class Watch {
  /** @param {import('./options').Options} options */
  constructor(options) {
    this._options = options;
  }

  /**
   * When the next step is due: the Ping, or after an unanswered Ping the end.
   * @param {number} lastRead
   * @param {number | null} owedSince
   * @param {number | null} pingAt
   */
  due(lastRead, owedSince, pingAt) {
    if (pingAt !== null) return pingAt + this._options.pingTimeout;
    const idle = lastRead + this._options.pingIdle;
    return owedSince === null ? idle : Math.min(idle, Math.max(lastRead, owedSince) + this._options.pingOwed);
  }

  /** The longest time between two checks. For requests made meanwhile no step is due before the next check. */
  get period() {
    return Math.min(this._options.pingOwed, this._options.pingIdle);
  }
}

module.exports = { Backoff, Watch, isHopeless, randomUpTo };
