'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');

const hubrelay = require('../index.js');
const { encode } = require('../lib/codec');
const { RelaySocket } = require('../lib/socket');
const { FakeRelay } = require('../testing.js');

/** A path in a directory of the test's own. */
function pathFor(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hubrelay-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return path.join(directory, 'relay.sock');
}

/** A server at a path; `accepted` is the other side of the first connection. */
async function serverAt(t, where) {
  let accept;
  const accepted = new Promise((resolve) => { accept = resolve; });
  const server = net.createServer({ allowHalfOpen: true }, accept);
  await new Promise((resolve) => { server.listen({ path: where }, resolve); });
  t.after(() => server.close());
  return { accepted };
}

/** A RelaySocket, and what it has told its owner. */
function socketTo(t, where) {
  const told = { data: [], opened: null, ended: null, wrote: 0 };
  const opened = new Promise((resolve) => { told.opened = resolve; });
  const ended = new Promise((resolve) => { told.ended = resolve; });
  const socket = new RelaySocket(where, {
    opened: told.opened,
    received: (data) => told.data.push(Buffer.from(data)),
    wrote: () => { told.wrote++; },
    ended: told.ended,
  });
  t.after(() => socket.close());
  return { socket, told, opened, ended };
}

test('when there is no socket the reason is told', async (t) => {
  const where = pathFor(t);
  assert.equal(await socketTo(t, where).ended, 'ENOENT, no such file or directory');
  fs.writeFileSync(where, '');
  assert.match(await socketTo(t, where).ended, /^(ECONNREFUSED|ENOTSOCK), /);
});

test('who may not connect is told whose the socket is', { skip: process.geteuid() === 0 && 'root may' }, async (t) => {
  const where = pathFor(t);
  await serverAt(t, where);
  fs.chmodSync(where, 0);
  const why = await socketTo(t, where).ended;
  const who = /^EACCES, permission denied for uid \d+, groups [\d,]+; the socket belongs to \d+:\d+, mode 0000$/;
  assert.match(why, who);
});

test('what the kernel takes at once is done at once, and else it is told', async (t) => {
  const where = pathFor(t);
  const { accepted } = await serverAt(t, where);
  const { socket, told, opened } = socketTo(t, where);
  await opened;
  assert.equal(socket.give(Buffer.from('small')), true);
  assert.equal(socket.give(Buffer.alloc(8 << 20)), false);
  const server = await accepted;
  let bytes = 0;
  const whole = new Promise((resolve) => {
    server.on('data', (data) => {
      bytes += data.length;
      if (bytes === 5 + (8 << 20)) resolve();
    });
  });
  await whole;
  while (told.wrote === 0) await new Promise(setImmediate);
  assert.equal(told.wrote, 1);
});

test('what the relay said before it closed is read, though a write has failed', async (t) => {
  const where = pathFor(t);
  const { accepted } = await serverAt(t, where);
  const { socket, told, opened, ended } = socketTo(t, where);
  await opened;
  socket.pause();
  const server = await accepted;
  await new Promise((resolve) => { server.end('said before', resolve); });
  server.destroy();
  await new Promise((resolve) => { server.on('close', resolve); });
  socket.give(Buffer.from('too late'));
  assert.match(await ended, /^the connection has failed: (EPIPE|ECONNRESET), /);
  assert.equal(Buffer.concat(told.data).toString(), 'said before');
});

test('a paused socket reads nothing, and goes on where it was', async (t) => {
  const where = pathFor(t);
  const { accepted } = await serverAt(t, where);
  const { socket, told, opened } = socketTo(t, where);
  await opened;
  socket.pause();
  const server = await accepted;
  await new Promise((resolve) => { server.write('text', resolve); });
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  assert.deepEqual(told.data, []);
  socket.resume();
  while (told.data.length === 0) await new Promise(setImmediate);
  assert.equal(String(told.data[0]), 'text');
});

test('after the writing side is shut it reads on to the end', async (t) => {
  const where = pathFor(t);
  const { accepted } = await serverAt(t, where);
  const { socket, told, opened, ended } = socketTo(t, where);
  await opened;
  socket.shut();
  const server = await accepted;
  server.resume();
  await new Promise((resolve) => { server.on('end', resolve); });
  server.end('owed');
  assert.equal(await ended, 'the relay closed the connection');
  assert.equal(Buffer.concat(told.data).toString(), 'owed');
});

test('a client and a relay of another process meet at a path', async (t) => {
  const where = pathFor(t);
  const relay = new FakeRelay();
  t.after(() => relay.close());
  const client = new hubrelay.Client({ path: where, name: 'test', gapJitter: 0 });
  t.after(() => client.close());
  await relay.listen(where);
  await client.ready();
  const room = await client.listen('a');
  const payload = Buffer.alloc(1 << 20, 'x');
  assert.equal(await client.publish('a', payload), 1);
  assert.ok((await room.next()).value.payload.equals(payload));
  relay.disconnect();
  assert.equal((await room.next()).value.type, 'gap');
});

test('a relay that closes while nobody reads is noticed, and what it said before is told', async (t) => {
  const where = pathFor(t);
  const { accepted } = await serverAt(t, where);
  const client = new hubrelay.Client({ path: where, eventsBytes: 1000, pingOwed: 10, pingIdle: 10 });
  t.after(() => client.close());
  const server = await accepted;
  const status = { state: hubrelay.State.UP, publishing: true, receiving: true };
  const welcome = { kind: 'welcome', version: 1, relayId: 'A', maxFrameBytes: 8192, maxPayloadBytes: 4096, status };
  server.write(encode(welcome));
  const subscribed = client.subscribe('a');
  server.on('data', (data) => {
    if (data.includes('a', 4)) server.write(encode({ kind: 'reply', id: 1, outcome: 1 }));
  });
  await subscribed;
  const messages = Array.from({ length: 1000 }, (_, index) => (
    encode({ kind: 'message', channel: 'a', payload: Buffer.from(String(index).padEnd(100)) })));
  server.end(Buffer.concat(messages));
  await new Promise((resolve) => { server.on('finish', resolve); });
  server.destroy();
  // Nobody takes events, and still the end is found.
  while (client.status.connected) await new Promise(setImmediate);
  const numbers = [];
  let lost = 0;
  for (let event = client.events.tryNext(); event !== null; event = client.events.tryNext()) {
    if (event.type === 'message') numbers.push(Number(event.text));
    if (event.type === 'loss') lost += event.messages;
  }
  assert.equal(numbers.length + lost, 1000);
});
