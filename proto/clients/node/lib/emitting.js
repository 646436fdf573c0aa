'use strict';

const { EventEmitter } = require('node:events');

/** @typedef {import('./streams').EventStream} EventStream */

/** The names of the events that handlers can take from the client's queue. */
const EVENT_NAMES = ['message', 'status', 'gap', 'loss', 'revoked'];

/**
 * An EventEmitter that emits the events of a stream, in separate turns of the event loop, while any of their names has
 * a handler.
 */
class StreamEmitter extends EventEmitter {
  /** @type {EventStream | null} */
  #stream = null;
  #isDue = false;

  /**
   * Sets the stream that the events come from.
   * @protected
   * @param {EventStream} stream
   */
  _emitFrom(stream) {
    this.#stream = stream;
    stream.whenFilled = () => this.#emitSoon();
  }

  // Every handler is added by one of these three methods. The other methods of EventEmitter call them.

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

  /** Computed each time, since `removeAllListeners` also removes listeners for the removal of handlers. */
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
      // If a handler throws, the other events are still emitted.
      if (stream.length > 0) this.#emitSoon();
    }
  }
}

module.exports = { StreamEmitter };
