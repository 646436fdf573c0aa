'use strict';

// node-redis, as Debian packages it. It has one connection, and puts the calls of one turn of the loop into one write.

const { createClient } = require('redis');
const { version } = require('redis/package.json');
const {
  ADDRESS, CHANNEL, COUNT, Clock, Delivery, IS_PIPELINED, PAYLOAD, UNDER_WAY, WARMUP, WORKLOAD, checkReceivers,
  publishAll,
} = require('./measure');

const LIBRARY = `node-redis ${version}`;

function connect() {
  const path = /^unix:\/\/(.*)$/.exec(ADDRESS);
  return createClient(path ? { socket: { path: path[1] } } : { url: ADDRESS });
}

function deliver(client) {
  return new Promise((resolve, reject) => {
    let delivery;
    const listener = (payload) => {
      try {
        if (delivery.take(payload.latin1Slice(0, 8), LIBRARY)) resolve();
      } catch (error) {
        reject(error);
      }
    };
    client.subscribe(CHANNEL, listener, true).then(() => {
      delivery = new Delivery();
    }, reject);
  });
}

async function publishByPipelines(client, count) {
  for (let left = count; left > 0; left -= UNDER_WAY) {
    const pipeline = client.multi();
    for (let index = 0; index < UNDER_WAY; index++) pipeline.publish(CHANNEL, PAYLOAD);
    for (const receivers of await pipeline.execAsPipeline()) checkReceivers(receivers);
  }
}

async function main() {
  const client = connect();
  await client.connect();
  if (WORKLOAD === 'delivery') {
    await deliver(client);
  } else {
    const publish = (channel, payload) => client.publish(channel, payload);
    const publishMany = IS_PIPELINED ? (count) => publishByPipelines(client, count) :
      (count) => publishAll(count, publish);
    await publishMany(WARMUP);
    const clock = new Clock();
    await publishMany(COUNT);
    clock.report(LIBRARY);
  }
  await client.disconnect();
}

main();
