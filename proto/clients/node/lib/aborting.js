'use strict';

/** @type {WeakMap<AbortSignal, Set<() => void>>} */
const actionsOf = new WeakMap();

/**
 * Calls the action when the signal is aborted. Returns a function that cancels this. A signal has only one listener, no
 * matter how many requests share it, since Node.js warns about more than ten.
 * @param {AbortSignal} signal must not be aborted yet
 * @param {() => void} action
 */
function whenAborted(signal, action) {
  const actions = actionsOf.get(signal) ?? new Set();
  if (actions.size === 0) {
    actionsOf.set(signal, actions);
    signal.addEventListener('abort', aborted, { once: true });
  }
  actions.add(action);
  return () => {
    if (!actions.delete(action) || actions.size > 0) return;
    actionsOf.delete(signal);
    signal.removeEventListener('abort', aborted);
  };
}

/** @this {AbortSignal} */
function aborted() {
  const actions = actionsOf.get(this) ?? [];
  actionsOf.delete(this);
  for (const action of actions) action();
}

module.exports = { whenAborted };
