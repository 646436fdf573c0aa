'use strict';

/** A caller that waits for one result. Only the first result counts: a caller that gave up has one already. */
class Waiter {
  /** @param {import('./options').Counters | null} [counters] where a failure is counted */
  constructor(counters = null) {
    this.isDone = false;
    /** @type {((error: Error | null) => void) | null} Called once, with the result. */
    this.whenDone = null;
    this._counters = counters;
    /** @type {Promise<any>} */
    this.promise = new Promise((resolve, reject) => {
      this._resolve = resolve;
      this._reject = reject;
    });
  }

  /** @param {unknown} [value] */
  resolve(value) {
    if (this.isDone) return;
    this.isDone = true;
    if (this.whenDone) this.whenDone(null);
    /** @type {(value: unknown) => void} */ (this._resolve)(value);
  }

  /** @param {Error} error */
  reject(error) {
    if (this.isDone) return;
    this.isDone = true;
    if (this._counters) this._counters.fail(error);
    if (this.whenDone) this.whenDone(error);
    /** @type {(error: Error) => void} */ (this._reject)(error);
  }
}

module.exports = { Waiter };
