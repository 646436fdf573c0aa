'use strict';

// Functions of the application that the client calls must not break the client.

/** @typedef {import('./client').Hooks} Hooks */
/** @typedef {import('./telling').Logger} Logger */

/** @type {Logger} */
const SILENT = { info() {}, warn() {} };
const HOOKS = /** @type {(keyof Hooks)[]} */ (['beforePublish', 'afterPublish', 'beforeDelivery', 'afterDelivery']);

/**
 * A logger whose methods do not throw. Throws TypeError if the value is not a logger.
 * @param {any} logger undefined: no logger
 * @returns {Logger}
 */
function guardedLogger(logger) {
  if (logger === undefined) return SILENT;
  if (typeof logger?.info !== 'function' || typeof logger.warn !== 'function') {
    throw new TypeError('hubrelay: the option "logger" must have the methods info and warn');
  }
  const say = (/** @type {'info' | 'warn'} */ method, /** @type {string} */ text) => {
    try {
      logger[method](text);
    } catch {
      // There is nowhere to report this.
    }
  };
  return { info: (text) => say('info', text), warn: (text) => say('warn', text) };
}

/**
 * Hooks that do not throw: errors go to the logger. Null if there are no hooks. Throws TypeError for an invalid hook.
 * @param {any} hooks
 * @param {Logger} logger
 * @returns {Hooks | null}
 */
function guardedHooks(hooks, logger) {
  if (hooks === undefined) return null;
  if (typeof hooks !== 'object' || hooks === null) {
    throw new TypeError('hubrelay: the option "hooks" must be an object');
  }
  /** @type {Record<string, any>} */
  const guarded = {};
  for (const name of HOOKS) {
    if (hooks[name] === undefined) continue;
    if (typeof hooks[name] !== 'function') throw new TypeError(`hubrelay: the hook "${name}" must be a function`);
    guarded[name] = guardedHook(hooks, name, logger);
  }
  return guarded;
}

/**
 * @param {Record<string, (...values: any[]) => any>} hooks
 * @param {string} name
 * @param {Logger} logger
 */
function guardedHook(hooks, name, logger) {
  let said = '';
  const failed = (/** @type {unknown} */ error) => {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
    if (text !== said) logger.warn(`hubrelay: the hook ${name} has failed: ${text}`); // once, not for each message
    said = text;
  };
  return (/** @type {any[]} */ ...values) => {
    try {
      const result = hooks[name](...values);
      if (result instanceof Promise) result.catch(failed);
      return result;
    } catch (error) {
      failed(error);
      return undefined;
    }
  };
}

module.exports = { guardedHooks, guardedLogger };
