'use strict';

// hubrelay's client for Node.js.

const { Client } = require('../../../proto/clients/node');
const { version } = require('../../../proto/clients/node/package.json');
const { ADDRESS, CHANNEL, COUNT, Clock, Delivery, WARMUP, WORKLOAD, publishAll } = require('./measure');

const LIBRARY = `hubrelay ${version}`;

async function deliver(client) {
  const subscription = await client.listen(CHANNEL);
  const delivery = new Delivery();
  for await (const event of subscription) {
    if (event.type !== 'message') throw new Error(`instead of a message: ${event.type}`);
    if (delivery.take(event.payload.latin1Slice(0, 8), LIBRARY)) return;
  }
}

async function main() {
  const client = new Client({ path: ADDRESS, name: 'bench' });
  await client.ready({ timeout: 10_000 });
  if (WORKLOAD === 'delivery') {
    await deliver(client);
  } else {
    const publish = (channel, payload) => client.publish(channel, payload);
    await publishAll(WARMUP, publish);
    const clock = new Clock();
    await publishAll(COUNT, publish);
    clock.report(LIBRARY);
  }
  await client.close();
}

main();
