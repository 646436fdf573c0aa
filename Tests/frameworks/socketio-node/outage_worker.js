'use strict';

// A Socket.IO server with one client, for the measurement: `node outage_worker.js BACKEND ADDRESS`. It emits a number
// for each line `emit NUMBER` of its input, and says which numbers its client hears, and what the application is told.
//
// BACKEND is hubrelay, with the path of a relay, or redis, as upstream's documentation has it, with a URL.

const http = require('node:http');
const path = require('node:path');
const readline = require('node:readline');

const { Server } = require('socket.io');
const { io: connect } = require('socket.io-client');

const [, , backend, address] = process.argv;

function say(what, values) {
  process.stdout.write(`say ${JSON.stringify({ what, ...values })}\n`);
}

function hubrelay() {
  const nodeClient = path.join(__dirname, '..', '..', '..', 'proto', 'clients', 'node');
  const { Client } = require(path.join(nodeClient, 'index.js'));
  const { createAdapter } = require(path.join(nodeClient, 'socket.io.js'));
  return createAdapter(new Client({ path: address }), {
    errorHandler: ({ code, message }, sent) => say('refused', { code, message, number: sent?.data?.packet?.data?.[1] }),
  });
}

async function redis() {
  const { createClient } = require('redis');
  const { createAdapter } = require(path.join(process.env.UPSTREAM, 'dist'));
  const publisher = createClient({ url: address });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return createAdapter(publisher, subscriber);
}

async function main() {
  const httpServer = http.createServer();
  const io = new Server(httpServer, { adapter: backend === 'hubrelay' ? hubrelay() : await redis() });
  for (const name of ['gap', 'status']) io.of('/').adapter.on(name, (event) => say(name, event));
  await new Promise((resolve) => { httpServer.listen(0, '127.0.0.1', resolve); });
  const person = connect(`http://127.0.0.1:${httpServer.address().port}`, { transports: ['websocket'] });
  person.on('number', (number) => say('heard', { number }));
  await new Promise((resolve) => { person.on('connect', resolve); });
  readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const [, number] = line.split(' ');
    io.emit('number', Number(number));
  });
  process.stdout.write('ready\n');
}

main();
