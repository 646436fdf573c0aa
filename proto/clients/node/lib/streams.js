'use strict';

const { whenAborted } = require('./aborting');
const { CancelledError } = require('./errors');

/** @typedef {import('./events').Event} Event */
/** @typedef {import('./queue').EventQueue} EventQueue */

/**
 * What a stream needs from its client.
 * @typedef {object} Owner
 * @property {import('./client').Hooks | null} hooks
 * @property {() => void} taken called when an event was taken
 */

/**
 * Events in their order, for `for await`. Several readers may iterate over one stream: each event goes to one of them.
 */
class EventStream {
  /** @param {EventQueue} queue @param {Owner} owner */
  constructor(queue, owner) {
    this._queue = queue;
    this._owner = owner;
    /** @type {import('./events').Message | null} */
    this._delivered = null;
  }

  /**
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<IteratorResult<Event, undefined>>}
   */
  next(options) {
    const { hooks } = this._owner;
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(gaveUp(signal));
    if (hooks !== null) this._afterDelivery();
    const event = this._queue.take();
    if (event !== null) {
      this._owner.taken();
      if (hooks !== null) this._beforeDelivery(event);
      return Promise.resolve({ value: event, done: false });
    }
    if (this._queue.isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      const { takers } = this._queue;
      /** @param {Event | null} taken */
      const take = (taken) => {
        heedNoMore?.();
        if (taken === null) {
          resolve({ value: undefined, done: true });
          return;
        }
        if (hooks !== null) this._beforeDelivery(taken);
        resolve({ value: taken, done: false });
      };
      takers.push(take);
      const heedNoMore = signal && whenAborted(signal, () => {
        takers.splice(takers.indexOf(take), 1);
        reject(gaveUp(signal));
      });
    });
  }

  /** The next event if there is one already, else null. */
  tryNext() {
    if (this._owner.hooks !== null) this._afterDelivery();
    const event = this._queue.take();
    if (event === null) return null;
    this._owner.taken();
    this._beforeDelivery(event);
    return event;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** How many events can be taken now. */
  get length() {
    return this._queue.length;
  }

  /** @param {(() => void) | null} action called when there is something to take, and nobody waits for it */
  set whenFilled(action) {
    this._queue.whenFilled = action;
  }

  /** @param {Event} event */
  _beforeDelivery(event) {
    if (event.type !== 'message' || this._owner.hooks === null) return;
    this._delivered = event;
    this._owner.hooks.beforeDelivery?.(event);
  }

  _afterDelivery() {
    const delivered = this._delivered;
    this._delivered = null;
    if (delivered !== null) this._owner.hooks?.afterDelivery?.(delivered);
  }
}

/** @param {AbortSignal} signal */
function gaveUp(signal) {
  return new CancelledError('the caller gave up, and no event was taken', signal.reason, false);
}

/** The messages of some channels and patterns, and the other events between them. Revoked, or `close`, ends it. */
class Subscription extends EventStream {
  /**
   * @param {import('./restoring').Listener} listener
   * @param {Owner} owner
   * @param {() => void} unlisten
   * @param {{ channels: string[], patterns: string[] }} names
   */
  constructor(listener, owner, unlisten, names) {
    super(listener.queue, owner);
    this._unlisten = unlisten;
    this.channels = names.channels;
    this.patterns = names.patterns;
    /** True if the Subscription was not in force yet when it was made. A Gap says when it is. */
    this.pending = false;
  }

  /** Ends the Subscription: no more events come. Idempotent, and does not wait for the relay. */
  close() {
    if (this._owner.hooks !== null) this._afterDelivery();
    this._unlisten();
  }

  /**
   * The end of a `for await` that is left early closes the Subscription.
   * @returns {Promise<IteratorResult<Event, undefined>>}
   */
  return() {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }
}

if (Symbol.asyncDispose) {
  Object.defineProperty(Subscription.prototype, Symbol.asyncDispose, {
    /** @this {Subscription} */
    async value() {
      this.close();
    },
  });
}

module.exports = { EventStream, Subscription };
