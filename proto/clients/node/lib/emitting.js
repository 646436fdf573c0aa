'use strict';

const { EventEmitter } = require('node:events');

/** @typedef {import('./streams').EventStream} EventStream */

/** The events for which handlers take what would else wait in the client's queue. */
const EVENT_NAMES = ['message', 'status', 'gap', 'loss', 'revoked'];

/**
 * An EventEmitter that takes its events from a stream, in turns of their own, while there is a handler for any of them.
 */
class StreamEmitter extends EventEmitter {
  /** @type {EventStream | null} */
  #stream = null;
  #isDue = false;

  /**
   * Where the events come from.
   * @protected
   * @param {EventStream} stream
   */
  _emitFrom(stream) {
    this.#stream = stream;
    stream.whenFilled = () => this.#emitSoon();
  }

  // A handler is added by one of these three, also by the other methods of EventEmitter.

  /** @override @param {string | symbol} event @param {(...values: any[]) => void} handler */
  on(event, handler) {
    super.on(event, handler);
    this.#emitSoon();
    return this;
  }

  /** @override @param {string | symbol} event @param {(...values: any[]) => void} handler */
  addListener(event, handler) {
    return this.on(event, handler);
  }

  /** @override @param {string | symbol} event @param {(...values: any[]) => void} handler */
  prependListener(event, handler) {
    super.prependListener(event, handler);
    this.#emitSoon();
    return this;
  }

  /** Asked each time: `removeAllListeners` takes even those away that would be told of it. */
  get #hasHandlers() {
    return EVENT_NAMES.some((name) => this.listenerCount(name) > 0);
  }

  #emitSoon() {
    if (this.#isDue || !this.#hasHandlers) return;
    this.#isDue = true;
    process.nextTick(() => this.#emitAll());
  }

  #emitAll() {
    this.#isDue = false;
    const stream = this.#stream;
    if (stream === null) return;
    try {
      while (this.#hasHandlers) {
        const event = stream.tryNext();
        if (event === null) break;
        this.emit(event.type, event);
      }
    } finally {
      // A handler that throws does not cost the others their events.
      if (stream.length > 0) this.#emitSoon();
    }
  }
}

module.exports = { StreamEmitter };
