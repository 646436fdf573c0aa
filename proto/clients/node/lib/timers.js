'use strict';

const { performance } = require('node:perf_hooks');

/** The time in milliseconds, from a monotonic clock. */
const now = () => performance.now();

/**
 * Named timers, at most one of each name, and one deadline for all. `hasChanged`: the owner has to read the deadline
 * again.
 */
class Timers {
  constructor() {
    this.hasChanged = false;
    /** @type {Map<string, number>} */
    this._due = new Map();
  }

  /**
   * @param {string} name
   * @param {number | null} delay from now, in milliseconds; null removes the timer
   */
  set(name, delay) {
    if (delay !== null) this._due.set(name, now() + delay);
    else if (!this._due.delete(name)) return;
    this.hasChanged = true;
  }

  /**
   * When this timer is due, in the time of `now`. Undefined if it is not set.
   * @param {string} name
   */
  dueAt(name) {
    return this._due.get(name);
  }

  /** When the first timer is due. Null if none is set. */
  get deadline() {
    return this._due.size > 0 ? Math.min(...this._due.values()) : null;
  }

  /**
   * Removes the timers that are due, and yields the name and time of each. If handling one changes a later one, the
   * change counts.
   * @param {number} at
   * @returns {Generator<[string, number]>}
   */
  *takeDue(at) {
    for (const name of [...this._due.keys()]) {
      const due = this._due.get(name);
      if (due !== undefined && due <= at) {
        this.set(name, null);
        yield [name, due];
      }
    }
  }

  clear() {
    this._due.clear();
    this.hasChanged = true;
  }
}

module.exports = { Timers, now };
