'use strict';

// Upstream's test suite for all adapters, for Mocha: test/index.ts of socket.io-redis-adapter, whose checkout is
// UPSTREAM. Each of its three servers has a client of its own; they are on the relays of RELAYS in turn.

const path = require('node:path');

const { UPSTREAM, RELAYS } = process.env;
const NODE_CLIENT = path.join(__dirname, '..', '..', '..', 'proto', 'clients', 'node');
const { Client } = require(path.join(NODE_CLIENT, 'index.js'));
const { createAdapter } = require(path.join(NODE_CLIENT, 'socket.io.js'));
const { testSuite } = require(path.join(UPSTREAM, 'test', 'index'));

const relays = RELAYS.split(':');
let made = 0;

for (const subscriptionMode of ['dynamic', 'dynamic-private', 'static']) {
  describe(`hubrelay/socket.io, ${subscriptionMode}`, () => {
    testSuite(async () => {
      const client = new Client({ path: relays[made++ % relays.length], name: `server-${made}` });
      await client.ready({ timeout: 10_000 });
      return [createAdapter(client, { subscriptionMode }), () => client.close()];
    });
  });
}
