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
const SETUP = "import { Client, HubrelayError, State } from 'hubrelay';\nconst client = new Client({ path: PATH });\n";

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
  "client.on('status'": [SETUP, 'await client.ready(); await client.close();'],
  'error.delivered': [SETUP, 'await client.close();'],
  'hubrelay/testing': ['', ''],
};
const PRINTED = {
  'sockets.on': /^hello,again\n$/,
  "require('hubrelay')": /^0 relays or other clients of Redis have it\n$/,
  "'user.7.*'": /room\.7  <Buffer 31> 1\n(.*\n)*Redis refuses \[ 'room\.7' \] \[\]/,
  "client.on('status'": /^up\n/,
  'error.delivered': /^not sent REFUSED\n$/,
  'hubrelay/testing': /pass 1/,
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
