'use strict';

const { performance } = require('node:perf_hooks');

/** Milliseconds of a clock that only goes forwards. */
const now = () => performance.now();

/** Named timers, at most one of each name, and one deadline for all of them. `hasChanged`: that is to be looked at. */
class Timers {
  constructor() {
    this.hasChanged = false;
    /** @type {Map<string, number>} */
    this._due = new Map();
  }

  /**
   * @param {string} name
   * @param {number | null} delay from now, in milliseconds; null takes the timer away
   */
  set(name, delay) {
    if (delay !== null) this._due.set(name, now() + delay);
    else if (!this._due.delete(name)) return;
    this.hasChanged = true;
  }

  /**
   * When this timer is due, by `now`; undefined if it is not set.
   * @param {string} name
   */
  dueAt(name) {
    return this._due.get(name);
  }

  /** When the first is due; null if none is set. */
  get deadline() {
    return this._due.size > 0 ? Math.min(...this._due.values()) : null;
  }

  /**
   * Name and time of those that are due, each taken away. What one of them changes counts for those behind it.
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
