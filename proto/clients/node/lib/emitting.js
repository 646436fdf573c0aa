'use strict';

const { EventEmitter } = require('node:events');

/** @typedef {import('./streams').EventStream} EventStream */

/** The events for which handlers take what would else wait in the client's queue. */
const EVENT_NAMES = new Set(['status', 'gap', 'loss', 'revoked', 'message']);

/** An EventEmitter that takes its events from a stream, in turns of their own, while there are handlers for them. */
class StreamEmitter extends EventEmitter {
  /** @type {EventStream | null} */
  #stream = null;
  #handlers = 0;
  #isDue = false;

  constructor() {
    super();
    this.on('newListener', (event) => this.#handlersChanged(event, 1));
    this.on('removeListener', (event) => this.#handlersChanged(event, -1));
  }

  /**
   * Where the events come from.
   * @protected
   * @param {EventStream} stream
   */
  _emitFrom(stream) {
    this.#stream = stream;
  }

  /**
   * @param {string | symbol} event
   * @param {1 | -1} change
   */
  #handlersChanged(event, change) {
    if (this.#stream === null || !EVENT_NAMES.has(/** @type {string} */ (event))) return;
    this.#handlers += change;
    this.#stream.whenFilled = this.#handlers > 0 ? () => this.#emitSoon() : null;
    if (change > 0) this.#emitSoon();
  }

  #emitSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    process.nextTick(() => this.#emitAll());
  }

  #emitAll() {
    this.#isDue = false;
    const stream = this.#stream;
    if (stream === null) return;
    try {
      while (this.#handlers > 0) {
        const event = stream.tryNext();
        if (event === null) break;
        this.emit(event.type, event);
      }
    } finally {
      // A handler that throws does not cost the others their events.
      if (this.#handlers > 0 && stream.length > 0) this.#emitSoon();
    }
  }
}

module.exports = { StreamEmitter };
