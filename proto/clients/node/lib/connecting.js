'use strict';

const crypto = require('node:crypto');
const { Code } = require('./enums');

/**
 * A random number from 0 to `bound`. It comes from the operating system: no two processes have the same ones.
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
   * Milliseconds.
   * @param {boolean} isHopeless the last answer will not change by itself: the bound is long, half of it the least
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

  /** @param {number} duration of a connection that has ended, in milliseconds from its Welcome */
  ended(duration) {
    if (duration >= this._options.goodConnection) this._bound = this._options.backoffMin;
  }
}

/**
 * Whether the next attempt will meet the same answer.
 * @param {number} code
 */
function isHopeless(code) {
  return code === Code.VERSION || code === Code.NOT_ALLOWED;
}

/** Finds a relay that hangs: it is silent while something is owed, or for long, and does not answer a Ping then. */
class Watch {
  /** @param {import('./options').Options} options */
  constructor(options) {
    this._options = options;
  }

  /**
   * When the next step is due: the Ping, or once that is unanswered, the end.
   * @param {number} lastRead
   * @param {number | null} owedSince
   * @param {number | null} pingAt
   */
  due(lastRead, owedSince, pingAt) {
    if (pingAt !== null) return pingAt + this._options.pingTimeout;
    const idle = lastRead + this._options.pingIdle;
    return owedSince === null ? idle : Math.min(idle, Math.max(lastRead, owedSince) + this._options.pingOwed);
  }

  /** How often to look, at least: what becomes owed meanwhile is not due before the next look. */
  get period() {
    return Math.min(this._options.pingOwed, this._options.pingIdle);
  }
}

module.exports = { Backoff, Watch, isHopeless, randomUpTo };
