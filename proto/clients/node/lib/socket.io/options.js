'use strict';

const { guardedLogger } = require('../guarding');
const { MAX_PREFIX_BYTES, isPrefix } = require('./names');

const MODES = ['static', 'dynamic', 'dynamic-private'];

/** Durations are in milliseconds. The defaults of the heartbeat are upstream's. */
const DEFAULTS = Object.freeze({
  channelPrefix: 'socket.io',
  subscriptionMode: 'dynamic',
  heartbeatInterval: 5000,
  heartbeatTimeout: 10_000,
  errorHandler: undefined,
  logger: console,
});

/** @typedef {import('../telling').Logger} Logger */
/** @typedef {(error: Error, message?: import('./messages').ClusterMessage) => void} ErrorHandler */
/**
 * @typedef {object} Options
 * @property {string} channelPrefix
 * @property {'static' | 'dynamic' | 'dynamic-private'} subscriptionMode
 * @property {number} heartbeatInterval
 * @property {number} heartbeatTimeout
 * @property {ErrorHandler | undefined} errorHandler
 * @property {Logger} logger
 */

/**
 * The options with their defaults. Throws TypeError for an invalid option.
 * @param {Record<string, any>} given
 * @returns {Options}
 */
function checkedOptions(given) {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(DEFAULTS, name)) continue;
    throw new TypeError(`createAdapter: there is no option "${name}", only ${Object.keys(DEFAULTS).join(', ')}`);
  }
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const options = /** @type {Options} */ ({ ...DEFAULTS, ...set });
  if (!isPrefix(options.channelPrefix)) {
    throw new TypeError(`createAdapter: channelPrefix must be a string of 1 to ${MAX_PREFIX_BYTES} bytes that does ` +
      'not begin with "__hubrelay:"');
  }
  if (!MODES.includes(options.subscriptionMode)) {
    throw new TypeError(`createAdapter: subscriptionMode must be one of ${MODES.join(', ')}`);
  }
  for (const name of /** @type {const} */ (['heartbeatInterval', 'heartbeatTimeout'])) {
    if (!(Number.isInteger(options[name]) && options[name] > 0)) {
      throw new TypeError(`createAdapter: ${name} must be a whole number of milliseconds above 0`);
    }
  }
  if (options.heartbeatTimeout <= options.heartbeatInterval) {
    throw new TypeError('createAdapter: heartbeatTimeout must be longer than heartbeatInterval');
  }
  if (options.errorHandler !== undefined && typeof options.errorHandler !== 'function') {
    throw new TypeError('createAdapter: errorHandler must be a function');
  }
  return { ...options, logger: guardedLogger(options.logger) };
}

module.exports = { DEFAULTS, checkedOptions };
