'use strict';

const { InvalidError } = require('../errors');

/** @typedef {import('./messages').ClusterMessage} ClusterMessage */

/** For this long, in milliseconds, errors of one kind make only one line of the log. */
const SAID_ONCE = 60_000;

/** Reports errors to the application's handler, or else to the log. There an outage is one line. */
class Reporting {
  #errorHandler;
  #logger;
  /** @type {Map<string, { until: number, more: number }>} By kind. */
  #said = new Map();

  /** @param {import('./options').Options} options */
  constructor({ errorHandler, logger }) {
    this.#errorHandler = errorHandler;
    this.#logger = logger;
  }

  /**
   * @param {string} kind errors of one kind share a line
   * @param {Error} error
   * @param {ClusterMessage} [message] the message that was not sent
   */
  report(kind, error, message) {
    if (this.#errorHandler === undefined) {
      this.#warn(kind, error.message);
      return;
    }
    const failed = (/** @type {unknown} */ thrown) => {
      this.#warn('errorHandler', `the errorHandler has thrown: ${thrown}`);
    };
    try {
      const returned = /** @type {unknown} */ (this.#errorHandler(error, message));
      if (returned instanceof Promise) returned.catch(failed); // if the handler is an async function
    } catch (thrown) {
      failed(thrown);
    }
  }

  /**
   * Reports an error that a handler of the application, or upstream's class, has thrown where nobody catches it.
   * @param {string} what
   * @param {unknown} thrown
   */
  reportThrown(what, thrown) {
    const why = thrown instanceof Error ? thrown.stack : thrown;
    this.report('thrown', new Error(`${what}: ${why}`, { cause: thrown }));
  }

  /** @param {string} kind @param {string} text */
  #warn(kind, text) {
    const said = this.#said.get(kind);
    if (said !== undefined && Date.now() < said.until) {
      said.more++;
      return;
    }
    this.#said.set(kind, { until: Date.now() + SAID_ONCE, more: 0 });
    const more = said === undefined || said.more === 0 ? '' : ` (${said.more} more like the last one were not logged)`;
    this.#logger.warn(`hubrelay: Socket.IO: ${text}${more}`);
  }
}

/**
 * The error of a message that was not published, with a text that helps the user.
 * @param {any} error an error of the client
 * @param {string} what
 * @returns {Error}
 */
function explained(error, what) {
  if (error.code === 'INVALID') {
    const cure = 'Start the relay with a larger --max-payload, or send less at once, such as a link to it';
    return new InvalidError(`${what} was not sent to other servers: ${error.message}. ${cure}`, { cause: error });
  }
  const isUnknown = error.code === 'INTERRUPTED' || error.code === 'UNKNOWN';
  error.message = `${what} ${isUnknown ? 'may not have been' : 'was not'} sent to other servers: ${error.message}`;
  return error;
}

module.exports = { Reporting, explained };
