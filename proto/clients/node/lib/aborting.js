'use strict';

/** @type {WeakMap<AbortSignal, Set<() => void>>} */
const actionsOf = new WeakMap();

/**
 * Does this when the signal is aborted. Returns what takes that back. A signal has one listener, however many requests
 * share it: Node.js warns of more than ten.
 * @param {AbortSignal} signal which is not aborted yet
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
