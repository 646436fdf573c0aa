'use strict';

// The Socket.IO adapter, on a relay in memory and a stand-in of upstream's classes (see stand-ins/README.md).

const assert = require('node:assert/strict');
const childProcess = require('node:child_process');
const Module = require('node:module');
const path = require('node:path');
const test = require('node:test');

const STAND_INS = path.join(__dirname, 'stand-ins');
process.env.NODE_PATH = STAND_INS;
Module._initPaths();

const { MessageType } = require('socket.io-adapter');
const { Server } = require('socket.io');
const { State } = require('../index.js');
const { createAdapter } = require('../socket.io.js');
const { FakeRelay, MAX_PAYLOAD_BYTES } = require('../testing.js');
const { channelOf } = require('../lib/socket.io/names');
const { Switchboard } = require('../lib/socket.io/switchboard');

const FOR_EVER = { heartbeatInterval: 1e8, heartbeatTimeout: 2e8 }; // what happens does not happen by the clock

/** Waits for it, turn by turn. */
async function until(condition, what) {
  const deadline = Date.now() + 30_000;
  for (let value = await condition(); ; value = await condition()) {
    if (value) return value;
    if (Date.now() > deadline) assert.fail(`waited for ${what}`);
    await new Promise((resolve) => { setImmediate(resolve); });
  }
}

/** A relay in memory. Its clients and servers end with the test. */
function fleet(t) {
  const relay = new FakeRelay();
  const servers = [];
  t.after(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await relay.close();
  });
  const add = (options = {}, client = relay.client(`server-${servers.length}`, { gapJitter: 0 })) => {
    const errors = [];
    const errorHandler = (error, message) => errors.push({ error, message });
    const server = new Server({ adapter: createAdapter(client, { ...FOR_EVER, errorHandler, ...options }) });
    servers.push(server);
    return Object.assign(server, { client, errors, all: server.of('/').all, adapter: server.of('/').adapter });
  };
  /** Servers that know each other. */
  const several = async (count, options) => {
    const added = Array.from({ length: count }, () => add(options));
    await Promise.all(added.map((server) => server.adapter.init()));
    await know(added, count);
    return added;
  };
  const channels = () => new Set([...relay._connections].flatMap((connection) => [...connection.channels]));
  return { relay, add, several, channels };
}

/** Waits until each of them counts so many servers. */
function know(servers, count) {
  return until(async () => {
    const counts = await Promise.all(servers.map((server) => server.adapter.serverCount()));
    return counts.every((each) => each === count);
  }, `${count} servers that know each other`);
}

/** A client of Socket.IO, and what it has heard. */
function person(nsp, answer) {
  const heard = [];
  const socket = nsp.connect((data, acknowledge) => {
    heard.push(data);
    acknowledge?.(answer);
  });
  return Object.assign(socket, { heard });
}

/** Everything that was published before has arrived. */
async function settled(servers) {
  for (const server of servers) await server.client.ping();
  for (const server of servers) {
    server.all.emit('settled');
    await server.client.ping();
  }
  await new Promise((resolve) => { setImmediate(resolve); });
}

const said = (who) => who.heard.filter(([name]) => name !== 'settled');

test('what one server emits, clients of all hear, with binary', async (t) => {
  const servers = await fleet(t).several(3);
  const people = servers.map((server) => person(server.of('/')));
  servers[0].all.emit('hello', 1, { at: new Date(0), file: Buffer.from([1, 2]), view: new Uint16Array([3]) });
  await until(() => people.every((each) => said(each).length === 1), 'all three');
  for (const { heard } of people.slice(1)) {
    const at = '1970-01-01T00:00:00.000Z';
    assert.deepEqual(heard[0].slice(0, 2), ['hello', 1]);
    assert.deepEqual(Buffer.from(heard[0][2].file), Buffer.from([1, 2]));
    assert.deepEqual(Buffer.from(heard[0][2].view), Buffer.from([3, 0]));
    assert.equal(heard[0][2].at, at);
  }
});

test('namespaces do not hear each other', async (t) => {
  const servers = await fleet(t).several(2);
  const chats = servers.map((server) => server.of('/chat'));
  await until(async () => (await chats[0].adapter.serverCount()) === 2, 'the namespace');
  const [main, chat] = [person(servers[1].of('/')), person(chats[1])];
  chats[0].all.emit('to chat');
  servers[0].all.emit('to all');
  await until(() => chat.heard.length === 1 && main.heard.length === 1, 'both');
  assert.deepEqual([chat.heard, main.heard], [[['to chat']], [['to all']]]);
});

test('what is for one room goes to the servers that have it, by a channel of the room', async (t) => {
  const { relay, several, channels } = fleet(t);
  const servers = await several(2);
  const member = person(servers[1].of('/'));
  await member.join(['room 7', 7]);
  assert.ok(channels().has('socket.io#/#room 7#') && channels().has('socket.io#/#7#'));
  servers[0].all.to('room 7').emit('to the room');
  servers[0].all.to(7).except('none').emit('to a number');
  servers[0].all.to(['room 7', 'room 8']).emit('to two rooms');
  servers[0].all.to(member.id).emit('to one socket');
  await until(() => member.heard.length === 4, 'all four');
  assert.deepEqual(member.heard.map(([name]) => name), ['to the room', 'to a number', 'to two rooms', 'to one socket']);
  const events = relay.published.filter(({ text }) => JSON.parse(text).type === MessageType.BROADCAST);
  assert.deepEqual(events.map(({ channel }) => channel),
    ['socket.io#/#room 7#', 'socket.io#/#7#', 'socket.io#/#', 'socket.io#/#']);
  member.leave('room 7');
  await until(() => !channels().has('socket.io#/#room 7#'), 'the channel to be given up');
});

test('a room is heard from the end of join on', async (t) => {
  const { several } = fleet(t);
  const servers = await several(2);
  for (let number = 0; number < 50; number++) {
    const member = person(servers[1].of('/'));
    const joined = member.join(`room ${number}`);
    await Promise.all([joined, person(servers[1].of('/')).join(`room ${number}`)]);
    servers[0].all.to(`room ${number}`).emit('now');
    await until(() => member.heard.length > 0, 'it');
  }
  assert.equal(person(servers[1].of('/')).join('room 7'), undefined); // nothing to wait for
});

test('what is sent to a room behind socketsJoin reaches those who joined by it', async (t) => {
  const { relay, several } = fleet(t);
  const servers = await several(3);
  const [, second, third] = servers.map((server) => person(server.of('/')));
  servers[0].all.to([second.id, third.id]).socketsJoin('team');
  servers[0].all.to('team').emit('first');
  await until(() => said(second).length > 0 && said(third).length > 0, 'both');
  servers[2].all.to('team').emit('by another one who knows of it');
  await until(() => said(second).length > 1 && said(third).length > 1, 'both');
  assert.ok(relay.published.every(({ channel }) => channel === 'socket.io#/#'));
});

test('subscriptionMode: static has one channel, dynamic-private one for each socket, too', async (t) => {
  const mode = async (subscriptionMode) => {
    const { several, channels } = fleet(t);
    const servers = await several(2, { subscriptionMode });
    const member = person(servers[1].of('/'));
    await member.join('room 7');
    const [before] = [channels()];
    servers[0].all.to(member.id).emit('to one');
    servers[0].all.to('room 7').emit('to the room');
    await until(() => member.heard.length === 2, 'both');
    return [before.size, before.has(`socket.io#/#${member.id}#`)];
  };
  assert.deepEqual(await mode('static'), [3, false]); // one for all, and one for the answers to each server
  assert.deepEqual(await mode('dynamic'), [4, false]);
  assert.deepEqual(await mode('dynamic-private'), [5, true]);
});

test('names that are none of channels have a channel all the same', async (t) => {
  const { several } = fleet(t);
  const servers = await several(2);
  for (const room of ['r'.repeat(600), 'lone \ud800', '']) {
    const member = person(servers[1].of('/'));
    await member.join(room);
    servers[0].all.to(room).emit('here');
    await until(() => member.heard.length === 1, room.slice(0, 10));
  }
  assert.equal(channelOf('p', '/', 'r'.repeat(505)).length, 510);
  assert.match(channelOf('p', '/', 'r'.repeat(508)), /^p#sha256:[0-9a-f]{64}$/);
  assert.notEqual(channelOf('p', '/', '\ud800'), channelOf('p', '/', '\ud801'));
});

test('requests are answered by the other servers', async (t) => {
  const servers = await fleet(t).several(3);
  const people = servers.map((server, index) => person(server.of('/'), Buffer.from([index])));
  people[2].data = { name: 'Ada' };
  const found = await servers[0].all.fetchSockets();
  assert.deepEqual(found.map(({ id }) => id).sort(), people.map(({ id }) => id).sort());
  assert.deepEqual(found.find(({ id }) => id === people[2].id).data, { name: 'Ada' });
  assert.equal((await servers[0].all.local.fetchSockets()).length, 1);
  const answers = await servers[1].all.timeout(30_000).emitWithAck('which?');
  assert.deepEqual(Buffer.concat(answers).sort(), Buffer.from([0, 1, 2]));
  // Also of a room: servers that do not have it answer that they have nobody.
  await people[1].join('room 7');
  assert.deepEqual(await servers[0].all.to('room 7').timeout(30_000).emitWithAck('you?'), [Buffer.from([1])]);
  servers.forEach((server, index) => server.of('/').on('ask', (value, answer) => answer?.([value, index])));
  const responses = await new Promise((resolve, reject) => {
    servers[0].of('/').serverSideEmit('ask', 'x', (error, values) => (error ? reject(error) : resolve(values)));
  });
  assert.deepEqual(responses.sort(), [['x', 1], ['x', 2]]);
  servers[0].all.to(people[2].id).disconnectSockets();
  await until(() => people[2].heard.some(([name]) => name === 'disconnect'), 'it to be disconnected');
  assert.equal((await servers[1].all.fetchSockets()).length, 2);
});

test('only the server that asked hears the answers', async (t) => {
  const { relay, several } = fleet(t);
  const servers = await several(3);
  await servers[0].all.fetchSockets();
  const answers = relay.published.filter(({ text }) => JSON.parse(text).type === MessageType.FETCH_SOCKETS_RESPONSE);
  assert.deepEqual(answers.map(({ channel }) => channel), Array(2).fill(`socket.io#/#${servers[0].adapter.uid}#`));
});

test('servers that start without a relay know each other as soon as there is one', async (t) => {
  const { relay, add } = fleet(t);
  relay.leave();
  const servers = [add(), add()];
  const member = person(servers[1].of('/'));
  await member.join('room 7');
  assert.equal(servers[0].client.status.connected, false);
  relay.comeBack();
  await know(servers, 2);
  servers[0].all.to('room 7').emit('here');
  await until(() => member.heard.length === 1, 'it');
});

test('the first heartbeat is published again when the state is UP again', async (t) => {
  const { relay, several } = fleet(t);
  const servers = await several(2);
  for (const { adapter } of servers) adapter._nodes.clear(); // as after heartbeatTimeout
  relay.outage();
  await until(() => servers.every(({ client }) => client.status.state === State.DOWN), 'the outage');
  assert.deepEqual(await Promise.all(servers.map(({ adapter }) => adapter.serverCount())), [1, 1]);
  relay.recover();
  await know(servers, 2);
});

test('at UP each server answers the first heartbeats of all others at once', async (t) => {
  const { relay, several } = fleet(t);
  const servers = await several(6);
  for (const { adapter } of servers) adapter._nodes.clear();
  relay.outage();
  await until(() => servers.every(({ client }) => client.status.state === State.DOWN), 'the outage');
  relay.published.length = 0;
  relay.recover();
  await know(servers, 6);
  const of = (type) => relay.published.filter(({ text }) => JSON.parse(text).type === type).length;
  assert.equal(of(MessageType.INITIAL_HEARTBEAT), 6);
  assert.ok(of(MessageType.HEARTBEAT) <= 12, `${of(MessageType.HEARTBEAT)} heartbeats, and not each to each`);
});

test('each namespace is told of gaps, losses and the state', async (t) => {
  const { relay, several } = fleet(t);
  const [server] = await several(1);
  const told = [];
  for (const nsp of [server.of('/'), server.of('/chat')]) {
    for (const name of ['status', 'gap', 'loss']) {
      const of = ({ messages, state, reasons }) => messages ?? state ?? reasons;
      nsp.adapter.on(name, (event) => told.push([nsp.name, event.type, of(event)]));
    }
  }
  await server.of('/chat').adapter.init();
  await settled([server]);
  told.length = 0;
  relay.outage('Redis is away');
  relay.recover();
  await until(() => told.filter(([, type]) => type === 'gap').length === 2, 'two gaps');
  relay.lose(3);
  await until(() => told.filter(([, type]) => type === 'gap').length === 4, 'two more');
  for (const name of ['/', '/chat']) {
    assert.deepEqual(told.filter(([nsp]) => nsp === name).map(([, ...rest]) => rest), [
      ['status', State.DOWN], ['status', State.UP], ['gap', told[4][2]], ['loss', 3], ['gap', ['slow reader']],
    ]);
  }
});

test('in an outage the clients of a server still hear it, and the app is told what others do not', async (t) => {
  const { relay, several } = fleet(t);
  const servers = await several(2);
  const people = servers.map((server) => person(server.of('/')));
  relay.outage('Redis is away');
  await settled(servers);
  servers[0].errors.length = 0;
  servers[0].all.to('room 7').emit('nobody');
  servers[0].all.emit('hello', Buffer.from([1]));
  await until(() => servers[0].errors.length === 2, 'two errors');
  const [{ error, message }, second] = servers[0].errors;
  assert.equal(error.code, 'NOT_CONNECTED');
  assert.equal(error.delivered, false);
  assert.match(error.message, /^the event "nobody" to room room 7 was not sent to other servers: /);
  assert.deepEqual([message.type, message.data.opts.rooms], [MessageType.BROADCAST, ['room 7']]);
  assert.match(second.error.message, /^the event "hello" to all was not sent to other servers: /);
  assert.deepEqual(said(people[0]).map(([name]) => name), ['hello']);
  assert.deepEqual(said(people[1]), []);
});

test('in an outage others are not asked in vain, nor taken for away', async (t) => {
  const { relay, several } = fleet(t);
  const servers = await several(2);
  person(servers[0].of('/'));
  relay.outage('Redis is away');
  await until(() => servers[0].client.status.state === State.DOWN, 'the outage');
  const away = { code: 'NOT_CONNECTED', message: /other servers cannot be asked: Redis is away/ };
  await assert.rejects(servers[0].all.fetchSockets(), away);
  assert.equal((await servers[0].all.local.fetchSockets()).length, 1);
  const answered = [];
  servers[0].of('/').serverSideEmit('ask', (...answer) => answered.push(answer));
  assert.equal(answered[0][0].code, 'NOT_CONNECTED');
  assert.deepEqual(answered[0][1], []);
  assert.deepEqual(servers[0].errors, []); // of heartbeats
});

test('an outage is one line of the log where there is no errorHandler', async (t) => {
  const { relay, several } = fleet(t);
  const lines = [];
  const logger = { info: (line) => lines.push(line), warn: (line) => lines.push(line) };
  const [server] = await several(1, { errorHandler: undefined, logger });
  relay.outage('Redis is away');
  await until(() => server.client.status.state === State.DOWN, 'the outage');
  for (let number = 0; number < 10; number++) server.all.emit('hello');
  await settled([server]);
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0], /^hubrelay: Socket.IO: the event "hello" to all was not sent to other servers: /);
});

test('a message above the payload limit is an error with its cure', async (t) => {
  const servers = await fleet(t).several(2);
  const people = servers.map((server) => person(server.of('/')));
  servers[0].all.to('room 7').emit('file', Buffer.alloc(MAX_PAYLOAD_BYTES));
  servers[0].all.emit('file', Buffer.alloc(MAX_PAYLOAD_BYTES - 300)); // binary is not blown up
  await until(() => people[1].heard.length === 1, 'the smaller one');
  const [{ error }] = servers[0].errors;
  assert.equal(error.code, 'INVALID');
  assert.match(error.message, new RegExp('^the event "file" to room room 7 was not sent to other servers: the ' +
    `payload has \\d+ bytes; this relay takes ${MAX_PAYLOAD_BYTES}. Start the relay with a larger --max-payload, or `));
  assert.equal(servers[0].errors.length, 1);
});

test('what JSON cannot have is told, and harms nobody', async (t) => {
  const servers = await fleet(t).several(2);
  const packet = { type: 2, data: ['big', 1n] };
  await servers[0].adapter.doPublish({ uid: 'x', nsp: '/', type: MessageType.BROADCAST, data: {
    packet, opts: { rooms: [], except: [], flags: {} } } });
  assert.match(servers[0].errors[0].error.message, /^the event "big" to all was not sent .*BigInt/);
});

test('what others publish on its channels harms nobody', async (t) => {
  const { relay, several } = fleet(t);
  const servers = await several(2);
  const member = person(servers[1].of('/'));
  const bad = [
    '', '{', 'null', '[]', '{}', '\x01', '\x01\0\0\0\x02{}', '\x01\0\0\0\xff{}', '{"uid":7,"nsp":"/","type":3}',
    '{"uid":"x","nsp":"/","type":3}', '{"uid":"x","nsp":"/","type":3,"data":{"packet":{},"opts":{}}}',
    '{"uid":"x","nsp":"/","type":8,"data":{"requestId":"x"}}', '{"uid":"x","nsp":"/"}',
    '{"uid":"x","nsp":"/","type":4,"data":{"opts":{"rooms":[],"except":[]},"rooms":[{"toString":1,"valueOf":1}]}}',
    '{"uid":"x","nsp":"/","type":9,"data":{"packet":["connection","no socket"]}}',
    '{"uid":"x","nsp":"/","type":9,"data":{"packet":[]}}',
  ];
  for (const text of bad) relay.publish('socket.io#/#', Buffer.from(text, 'latin1'));
  for (const text of ['{"uid":"x","nsp":"/","type":99}', '{"uid":"x","nsp":"/other","type":2}']) {
    relay.publish('socket.io#/#', text); // of a newer version; of another namespace
  }
  servers[0].all.emit('hello');
  await until(() => member.heard.length === 1, 'what is right');
  assert.equal(servers[1].errors.length, bad.length);
  assert.match(servers[1].errors[0].error.message, /^somebody has published something other than a Socket.IO message/);
});

test('a channel is given up with the last room of its name, and never the own one of a server', async (t) => {
  const { several, channels } = fleet(t);
  const [server] = await several(1);
  const [one, two] = [person(server.of('/')), person(server.of('/'))];
  const { uid } = server.adapter;
  await one.join([7, uid]);
  await two.join('7');
  one.leave(7);
  one.leave(uid);
  await server.client.ping();
  assert.ok(channels().has('socket.io#/#7#') && channels().has(`socket.io#/#${uid}#`));
  two.leave('7');
  await until(() => !channels().has('socket.io#/#7#'), 'the channel to be given up');
});

test('what throws while a message is taken is reported, and costs nobody else the message', async (t) => {
  const { relay, add } = fleet(t);
  const client = relay.client();
  const servers = [add({}, client), add({}, client)];
  const asked = [];
  servers[0].of('/')._onServerSideEmit = ([name]) => { throw new Error(`no ${name} today`); };
  servers[1].of('/')._onServerSideEmit = ([name]) => asked.push(name);
  await Promise.all(servers.map((server) => server.adapter.init()));
  relay.publish('socket.io#/#', '{"uid":"x","nsp":"/","type":9,"data":{"packet":["ask"]}}');
  await until(() => asked.length === 1, 'the second server');
  const [{ error, message }] = servers[0].errors;
  assert.match(error.message, /^what another server sent \("server side emit"\) has failed: Error: no ask today/);
  assert.equal(message, undefined);
});

test('an errorHandler that throws, also later, is a line of the log', async (t) => {
  const { relay, add } = fleet(t);
  const lines = [];
  const logger = { info() {}, warn: (text) => lines.push(text) };
  for (const errorHandler of [() => { throw new Error('no'); }, async () => { throw new Error('no'); }]) {
    await add({ errorHandler, logger }).adapter.init();
    relay.publish('socket.io#/#', 'what is no message');
    await until(() => lines.length > 0, 'the line');
    assert.match(lines.pop(), /the errorHandler has thrown: Error: no$/);
  }
});

test('a handler that throws costs no other namespace what it is told, and no join', async (t) => {
  const { relay, several } = fleet(t);
  const [server] = await several(1);
  const chat = server.of('/chat').adapter;
  await chat.init();
  const states = [];
  server.adapter.on('status', () => { throw new Error('of the application'); });
  chat.on('status', ({ state }) => states.push(state));
  relay.outage();
  await until(() => states.length > 0, 'the other namespace');
  assert.match(server.errors[0].error.message, /^a handler of "status" has thrown: Error: of the application/);
  relay.recover();
  await until(() => states.at(-1) === State.UP, 'the end of the outage');
  server.adapter.on('revoked', () => { throw new Error('of the application'); });
  relay.refuse('socket.io#/#secret#');
  await person(server.of('/')).join('secret');
  assert.match(server.errors.at(-1).error.message, /^a handler of "revoked" has thrown/);
});

test('what is left while it is refused together with others is not asked for any more', async (t) => {
  const { relay, several, channels } = fleet(t);
  const [server] = await several(1);
  const member = person(server.of('/'));
  relay.refuse('socket.io#/#secret#');
  const joined = member.join(['secret', 'public', 'kept']);
  member.leave('public');
  await joined;
  await server.client.ping();
  assert.ok(channels().has('socket.io#/#kept#') && !channels().has('socket.io#/#public#'));
});

test('other programs can emit by publishing JSON', async (t) => {
  const { relay, several } = fleet(t);
  const [server] = await several(1);
  const member = person(server.of('/'));
  relay.publish('socket.io#/#', JSON.stringify({ uid: 'emitter', nsp: '/', type: 3, data: {
    packet: { type: 2, data: ['news', 'hi'] }, opts: { rooms: [], except: [], flags: {} } } }));
  await until(() => member.heard.length === 1, 'it');
  assert.deepEqual(member.heard, [['news', 'hi']]);
  assert.equal(await server.adapter.serverCount(), 1);
});

test('close takes leave, gives up every channel, and leaves the client open', async (t) => {
  const { relay, several, channels } = fleet(t);
  const servers = await several(2);
  await person(servers[0].of('/')).join('room 7');
  const { uid } = servers[0].adapter;
  await servers[0].adapter.close(); // with its rooms still there
  await know([servers[1]], 1);
  assert.deepEqual([...channels()].filter((name) => name.includes(uid) || name.includes('room 7')), []);
  const published = () => relay.published.filter(({ text }) => text.includes(uid)).length;
  const length = published();
  servers[0].all.emit('too late');
  servers[0].adapter.publish({ type: MessageType.HEARTBEAT });
  await person(servers[0].of('/')).join('room 8');
  await servers[0].client.ping();
  assert.equal(published(), length);
  assert.ok(!channels().has('socket.io#/#room 8#'));
  await servers[0].adapter.close();
  assert.deepEqual(servers[0].errors, []);
});

test('servers of one process may share a client', async (t) => {
  const { relay, add, channels } = fleet(t);
  const client = relay.client();
  const servers = [add({}, client), add({}, client)];
  await know(servers, 2);
  const people = servers.map((server) => person(server.of('/')));
  await Promise.all(people.map((each) => each.join('room 7')));
  servers[0].all.to('room 7').emit('both');
  await until(() => people.every(({ heard }) => heard.length === 1), 'both');
  await servers[0].close();
  assert.ok(channels().has('socket.io#/#room 7#'));
  relay.publish('socket.io#/#', '{"uid":"third","nsp":"/","type":1}');
  await know([servers[1]], 2);
});

test('channels that Redis refuses are told, asked for again, and heard in the end', async (t) => {
  const { relay, several, channels } = fleet(t);
  const [server] = await several(1);
  const revoked = [];
  const gaps = [];
  server.adapter.on('revoked', (event) => revoked.push(...event.channels));
  server.adapter.on('gap', (event) => gaps.push(event));
  Switchboard.of(server.client).askAgain = 0;
  const member = person(server.of('/'));
  relay.refuse('socket.io#/#secret#');
  await member.join(['secret', 'public']);
  assert.ok(channels().has('socket.io#/#public#') && revoked.includes('socket.io#/#secret#'));
  assert.match(server.errors[0].error.message, /^not heard, and asked for again later: socket.io#\/#secret#: NOPERM/);
  relay.revoke('socket.io#/#');
  await until(() => revoked.includes('socket.io#/#') && channels().has('socket.io#/#'), 'it to be asked for again');
  relay._refused.clear();
  await until(() => channels().has('socket.io#/#secret#') && gaps.length > 1, 'both');
  assert.match(gaps.at(-1).reasons[0], /heard again/);
});

test('options that cannot be are refused, and so is what is no client', (t) => {
  const { relay } = fleet(t);
  const client = relay.client();
  for (const [options, expected] of [
    [{ key: 'x' }, /there is no option "key", only channelPrefix, /],
    [{ channelPrefix: '' }, /channelPrefix must be/],
    [{ channelPrefix: '__hubrelay:x' }, /channelPrefix must be/],
    [{ channelPrefix: 'x'.repeat(257) }, /channelPrefix must be a string of 1 to 256 bytes/],
    [{ subscriptionMode: 'all' }, /subscriptionMode must be one of static, dynamic, dynamic-private/],
    [{ heartbeatInterval: 0 }, /heartbeatInterval must be/],
    [{ heartbeatInterval: 5000, heartbeatTimeout: 5000 }, /heartbeatTimeout must be longer/],
    [{ errorHandler: 7 }, /errorHandler must be a function/],
    [{ logger: 7 }, /"logger" must have/],
  ]) assert.throws(() => createAdapter(client, options), { name: 'TypeError', message: expected });
  for (const wrong of [undefined, null, {}, '/run/x.sock', { publish() {} }]) {
    assert.throws(() => createAdapter(wrong), { name: 'TypeError', message: /must be a Client of hubrelay/ });
  }
});

test('connection state recovery, which there is none of, is said so once', (t) => {
  const { relay } = fleet(t);
  const lines = [];
  const logger = { info() {}, warn: (line) => lines.push(line) };
  const adapter = createAdapter(relay.client(), { logger });
  const server = new Server({}, { adapter, connectionStateRecovery: {} });
  server.of('/chat');
  t.after(() => server.close());
  assert.equal(lines.length, 1);
  assert.match(lines[0], /connectionStateRecovery has no effect/);
});

test('without upstream\'s package, or with one that is too old, it says what to install', () => {
  const run = (NODE_PATH) => childProcess.spawnSync(
    process.execPath, ['-e', 'require(process.argv[1])', path.join(__dirname, '..', 'socket.io.js')],
    { env: { ...process.env, NODE_PATH }, encoding: 'utf8' });
  const missing = /needs the package socket.io-adapter.*npm install socket.io socket.io-adapter.*--install-links/s;
  assert.match(run('').stderr, missing);
  assert.match(run(path.join(__dirname, 'stand-ins', 'too-old')).stderr, /needs socket.io-adapter 2.5.4 or newer/);
});
