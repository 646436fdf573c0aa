'use strict';

// The examples of the README run.

const assert = require('node:assert/strict');
const childProcess = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const test = require('node:test');
const { promisify } = require('node:util');

const { FakeRelay } = require('../testing.js');

const execFile = promisify(childProcess.execFile);
const ROOT = path.join(__dirname, '..');
const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const BLOCKS = [...README.matchAll(/^```js\n(.*?)^```/gms)].map(([, text]) => text);
const SETUP = "import { Client, HubrelayError } from 'hubrelay';\nconst client = new Client({ path: PATH });\n";

/** What is put before and behind an example so that it is a program that ends, by a word of the example. */
const FRAMES = {
  'sockets.on': [
    `import { EventEmitter } from 'node:events';
     const sockets = new EventEmitter();
     import assert from 'node:assert/strict';
     const readRoomFromDatabase = async () => 'the room';`,
    `const socket = new EventEmitter();
     const sent = [];
     socket.send = (text, done) => {
       assert.equal(typeof text, 'string');
       sent.push(text);
       setImmediate(() => done());
       if (sent.length === 2) {
         console.log(sent.join());
         socket.emit('close');
         client.close();
       }
     };
     sockets.emit('connection', socket);
     await client.ping();
     socket.emit('message', 'hello');
     await client.ping();
     socket.emit('message', 'again');`,
  ],
  "require('hubrelay')": ['(async () => {', '})();'],
  "'user.7.*'": [SETUP, ''],
  "client.on('status'": [
    `${SETUP}const showBanner = (text) => console.log('banner:', text);`,
    'await client.ready(); await client.close();',
  ],
  'error.delivered': [SETUP.replace(', HubrelayError', ''), 'await client.close();'],
  'hubrelay/testing': ['', ''],
  newerThan: [
    `import { FakeRelay } from 'hubrelay/testing';
     import { setTimeout } from 'node:timers/promises';
     const relay = new FakeRelay();
     const client = relay.client('worker-1', { gapJitter: 0 });
     const stored = [];
     const database = {
       add: async (room, text) => { stored.push({ number: stored.length + 1, text }); return stored.at(-1); },
       newerThan: async (room, number) => stored.slice(number),
       newest: async () => stored.at(-1),
     };
     const shown = [];
     const show = ({ number, text }) => shown.push(number + text);
     const until = async (length) => { while (shown.length < length) await setTimeout(1); };
     const publishing = async (value) => { while (client.status.publishing !== value) await setTimeout(1); };`,
    `await database.add('room.7', 'before');
     follow('room.7');
     await until(1);
     await say('room.7', 'heard');
     await until(2);
     relay.outage();
     await publishing(false);
     await say('room.7', 'refused').catch(({ message }) => console.log(message));
     await database.add('room.7', 'by another host');
     relay.recover();
     await until(3);
     await publishing(true);
     const { publish } = client;
     client.publish = async () => { client.publish = publish; throw new Error('it fails after storing'); };
     await say('room.7', 'late');
     await until(4);
     relay.publish('room.7', JSON.stringify(stored[1]));
     stored.push({ number: 5, text: 'not published' }, { number: 6, text: 'published' });
     relay.publish('room.7', JSON.stringify(stored[5]));
     await until(6);
     console.log(shown.join());
     await client.close();`,
  ],
};
const PRINTED = {
  'sockets.on': /^hello,again\n$/,
  "require('hubrelay')": /^0 relays or other clients of Redis have it\n$/,
  "'user.7.*'": /room\.7  <Buffer 31> 1\n(.*\n)*Redis refuses \[ 'room\.7' \] \[\]/,
  "client.on('status'": /^banner: \n/,
  'error.delivered': /^not sent REFUSED\n$/,
  'hubrelay/testing': /pass 1/,
  newerThan: /^not sent: .+\n1before,2heard,3by another host,4late,5not published,6published\n$/,
};

test('each example runs', { concurrency: 1 }, async (t) => {
  assert.equal(BLOCKS.length, Object.keys(FRAMES).length);
  for (const [index, block] of BLOCKS.entries()) {
    const key = Object.keys(FRAMES).find((word) => block.includes(word));
    assert.ok(key, block);
    await t.test(key, async () => {
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hubrelay-readme-'));
      t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
      fs.mkdirSync(path.join(directory, 'node_modules'));
      fs.symlinkSync(ROOT, path.join(directory, 'node_modules', 'hubrelay'));
      const socket = path.join(directory, 'relay.sock');
      const relay = new FakeRelay();
      t.after(() => relay.close());
      await relay.listen(socket);
      if (key === 'error.delivered') relay.refuse('room.7');
      if (key === "'user.7.*'") tellAll(relay);
      const text = [FRAMES[key][0], block, FRAMES[key][1]].join('\n')
        .replace("'/run/hubrelay/hubrelay.sock'", JSON.stringify(socket)).replace('PATH', JSON.stringify(socket))
        .replace('console.log(\'Redis refuses\', event.channels, event.patterns);', '$&\nclient.close();');
      const file = path.join(directory, `example-${index}.${block.includes('require(') ? 'cjs' : 'mjs'}`);
      fs.writeFileSync(file, text);
      const env = { ...process.env };
      delete env.NODE_TEST_CONTEXT; // an example has a test of its own
      const { stdout } = await execFile(process.execPath, [file], { env, timeout: 60_000 });
      assert.match(stdout, PRINTED[key]);
    });
  }
});

/** Has a Subscription told one event of each kind, when it is there. */
function tellAll(relay) {
  if (relay.publish('room.7', '1') === 0) {
    setImmediate(() => tellAll(relay));
    return;
  }
  relay.lose(3);
  relay.revoke('room.7');
}

/** What a browser writes: frames with a mask, of which this one changes nothing. */
const frame = (first, text) => Buffer.concat([Buffer.from([first, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
const TEXT = 0x81;
const RESERVED = 0x83; // a kind of frame that does not exist

/** A browser: what it writes, and what it has got so far, behind the answer to its request, as Latin-1. */
function browserOf(t, port) {
  const socket = net.connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  let got = '';
  socket.setEncoding('latin1').on('data', (text) => { got += text; });
  const ended = new Promise((resolve) => { socket.on('error', () => {}).on('close', resolve); });
  return {
    write: (bytes) => socket.write(bytes),
    ended,
    async hear(text) {
      while (!got.includes(text)) {
        if (socket.destroyed) assert.fail(`the server has gone before ${text}`);
        await new Promise((resolve) => { socket.once('data', resolve).once('close', resolve); });
      }
    },
  };
}

// The stand-in, and the package itself where Debian's node-ws is installed.
const WEBSOCKETS = {
  'a stand-in': path.join(__dirname, 'stand-ins', 'ws'),
  'Debian\'s node-ws': '/usr/share/nodejs/ws',
};

for (const [name, websockets] of Object.entries(WEBSOCKETS)) {
  const skip = !fs.existsSync(websockets) && `no ${websockets}`;
  const options = { skip, timeout: 60_000 };
  test(`a malformed frame ends no process, and a refused room is closed: ${name}`, options, async (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hubrelay-readme-'));
    t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
    const modules = path.join(directory, 'node_modules');
    fs.mkdirSync(modules);
    fs.symlinkSync(ROOT, path.join(modules, 'hubrelay'));
    fs.symlinkSync(websockets, path.join(modules, 'ws'));
    const where = path.join(directory, 'relay.sock');
    const relay = new FakeRelay();
    t.after(() => relay.close());
    await relay.listen(where);
    const program = path.join(directory, 'server.mjs');
    fs.writeFileSync(program, `
      import { WebSocketServer } from 'ws';
      const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
      sockets.on('listening', () => console.log(sockets.address().port));
      const readRoomFromDatabase = async () => 'the room';
      ${BLOCKS[0].replace("'/run/hubrelay/hubrelay.sock'", JSON.stringify(where))}`);
    const server = childProcess.spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => server.kill());
    const { value: port } = await readline.createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
    const [good, bad] = [browserOf(t, Number(port)), browserOf(t, Number(port))];
    for (const browser of [good, bad]) await browser.hear('\r\n\r\n');
    bad.write(frame(RESERVED, 'x'));
    await bad.ended;
    while (relay.publish('room.7', 'from another host') === 0) await new Promise(setImmediate);
    await good.hear('from another host');
    good.write(frame(TEXT, 'hello'));
    await good.hear('hello');
    relay.revoke('room.7');
    await good.hear(`${String.fromCharCode(1011 >> 8, 1011 & 255)}this room is closed`);
    assert.equal(server.exitCode, null);
  });
}

/** A guest of a chat server: what is said, and a way to say something. */
function guestOf(t, port) {
  const socket = net.connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  const lines = readline.createInterface({ input: socket })[Symbol.asyncIterator]();
  return {
    say: (line) => socket.write(`${line}\n`),
    leave: () => socket.destroy(),
    async hear(line) {
      for (;;) {
        const { value, done } = await lines.next();
        assert.ok(!done, `the server has gone before ${line}`);
        if (value === line) return;
      }
    },
  };
}

test('guests of two chat servers meet in a room', async (t) => {
  const { serve } = await import('../examples/chat-room.mjs');
  const relay = new FakeRelay();
  t.after(() => relay.close());
  const guests = [];
  for (const name of ['server-1', 'server-2']) {
    const server = net.createServer();
    t.after(() => server.close());
    serve(relay.client(name), server);
    await new Promise((resolve) => { server.listen({ host: '127.0.0.1', port: 0 }, resolve); });
    guests.push(guestOf(t, server.address().port));
  }
  // A guest has entered when he hears himself.
  for (const [index, guest] of guests.entries()) {
    guest.say('lobby');
    guest.say(`hello from ${index}`);
    await guest.hear(`hello from ${index}`);
  }
  guests[1].say('how are you?');
  await guests[0].hear('how are you?');
  relay.refuse('room.lobby');
  guests[0].say('and now?');
  await guests[0].hear('* that was not said: REFUSED');
});

test('a guest who leaves while the room is asked for leaves nothing behind', async (t) => {
  const { serve } = await import('../examples/chat-room.mjs');
  const relay = new FakeRelay();
  t.after(() => relay.close());
  const client = relay.client();
  const server = net.createServer();
  t.after(() => server.close());
  const left = new Promise((resolve) => {
    server.on('connection', (socket) => socket.once('close', resolve));
  });
  serve(client, server);
  await new Promise((resolve) => { server.listen({ host: '127.0.0.1', port: 0 }, resolve); });
  const guest = guestOf(t, server.address().port);
  const { listen } = client;
  const listened = new Promise((resolve) => {
    client.listen = (...rest) => {
      const listening = left.then(() => listen.apply(client, rest));
      resolve(listening.catch(() => {}));
      guest.leave();
      return listening;
    };
  });
  guest.say('lobby');
  await listened;
  await client.ping();
  assert.equal(relay.publish('room.lobby', 'x'), 0);
});

test('the chat server is started as it says, and says where it listens', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hubrelay-chat-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const where = path.join(directory, 'relay.sock');
  const relay = new FakeRelay();
  t.after(() => relay.close());
  await relay.listen(where);
  const program = path.join(ROOT, 'examples', 'chat-room.mjs');
  const server = childProcess.spawn(process.execPath, [program, '-relay', where, '--listen', '127.0.0.1:0']);
  t.after(() => server.kill());
  for await (const line of readline.createInterface({ input: server.stdout })) {
    const port = /^listening on port (\d+)$/.exec(line)?.[1];
    if (!port) continue;
    const guest = guestOf(t, Number(port));
    guest.say('lobby');
    guest.say('hello');
    await guest.hear('hello');
    assert.deepEqual(relay.published.map(({ channel, text }) => [channel, text]), [['room.lobby', 'hello']]);
    break;
  }
});
