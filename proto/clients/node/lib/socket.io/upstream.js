'use strict';

// The base class of the adapter: the package socket.io-adapter, which comes with socket.io.

/** @returns {typeof import('socket.io-adapter')} */
function upstream() {
  let found;
  try {
    found = require('socket.io-adapter');
  } catch (error) {
    const { code, message } = /** @type {Error & { code?: string }} */ (error);
    if (code !== 'MODULE_NOT_FOUND' || !message.includes("'socket.io-adapter'")) throw error;
    throw new Error('hubrelay/socket.io needs the package socket.io-adapter, which comes with socket.io: ' +
      'npm install socket.io socket.io-adapter (if it is installed: hubrelay is a link, and Node.js searches where ' +
      'the link leads; install hubrelay by npm install --install-links)', { cause: error });
  }
  if (found.ClusterAdapterWithHeartbeat === undefined) {
    throw new Error('hubrelay/socket.io needs socket.io-adapter 2.5.4 or newer, which comes with socket.io from ' +
      '4.7.5 on: npm install socket.io@latest socket.io-adapter@latest');
  }
  return found;
}

module.exports = upstream();
