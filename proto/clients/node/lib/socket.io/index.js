'use strict';

const { HubrelayAdapter } = require('./adapter');
const { checkedOptions } = require('./options');

/**
 * Makes the argument of Socket.IO's `io.adapter(...)` and `new Server({ adapter })`. Throws TypeError if `client` is
 * not a Client, and for invalid options.
 * @param {any} client a Client of this package
 * @param {Record<string, any>} [options]
 */
function createAdapter(client, options = {}) {
  for (const method of ['publish', 'subscribe', 'unsubscribe', 'on']) {
    if (typeof client?.[method] === 'function') continue;
    throw new TypeError("createAdapter: the first argument must be a Client of hubrelay: new Client({ path: '...' })");
  }
  const checked = checkedOptions(options);
  // Socket.IO calls this function with `new`, which an arrow function does not allow.
  return function hubrelayAdapter(/** @type {any} */ nsp) {
    return new HubrelayAdapter(nsp, client, checked);
  };
}

module.exports = { HubrelayAdapter, createAdapter };
