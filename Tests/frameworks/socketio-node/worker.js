'use strict';

// A Socket.IO server for the tests, on hubrelay: `node worker.js RELAY CONTROL [OPTIONS]`. It does what it is told by
// lines of JSON on the Unix socket CONTROL, each of which it answers, and says by lines of its output what its clients
// hear.
//
// With NODE_PATH naming upstream's packages they are used, and clients connect by WebSockets; else stand-ins of them.

const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');

const { Server } = require('socket.io');

const NODE_CLIENT = path.join(__dirname, '..', '..', '..', 'proto', 'clients', 'node');
const { Client } = require(path.join(NODE_CLIENT, 'index.js'));
const { createAdapter } = require(path.join(NODE_CLIENT, 'socket.io.js'));

const [, , relay, control, options = '{}'] = process.argv;

function say(what, values) {
  process.stdout.write(`say ${JSON.stringify({ what, time: Date.now() / 1000, ...values })}\n`);
}

const client = new Client({ path: relay, name: path.basename(control), gapJitter: 0 });
const httpServer = http.createServer();
const io = new Server(httpServer, {
  adapter: createAdapter(client, {
    errorHandler: ({ code, message: text }, sent) => say('error', { code, text, event: sent?.data?.packet?.data?.[0] }),
    ...JSON.parse(options),
  }),
});
const isStandIn = require('socket.io/package.json').version.endsWith('stand-in');

for (const name of ['status', 'gap', 'loss', 'revoked']) {
  io.of('/').adapter.on(name, (event) => say(name, event));
}
io.on('ask', (question, answer) => answer?.(`${question} - ${path.basename(control)}`));

/** By name: the server's socket of a client that says what it hears. */
const sockets = new Map();

function hear(name, [event, ...values]) {
  const answer = typeof values.at(-1) === 'function' ? values.pop() : undefined;
  const args = values.map((value) => (Buffer.isBuffer(value) ? { hex: value.toString('hex') } : value));
  say('heard', { who: name, event, args });
  answer?.(name);
}

async function connect(name) {
  if (isStandIn) {
    const heard = (data, acknowledge) => hear(name, acknowledge ? [...data, acknowledge] : data);
    sockets.set(name, io.of('/').connect(heard));
    return;
  }
  const { io: person } = require('socket.io-client');
  const connected = new Promise((resolve) => { io.once('connection', resolve); });
  const socket = person(`http://127.0.0.1:${httpServer.address().port}`, { transports: ['websocket'], forceNew: true });
  socket.onAny((...data) => hear(name, data));
  socket.on('disconnect', () => hear(name, ['disconnect']));
  sockets.set(name, await connected);
}

/** What the test may ask for. */
const commands = {
  connect: ({ name }) => connect(name),
  id: ({ name }) => sockets.get(name).id,
  join: async ({ name, room }) => { await sockets.get(name).join(room); },
  leave: async ({ name, room }) => { await sockets.get(name).leave(room); },
  emit: ({ to = [], event, args = [], hex }) => {
    const binary = hex === undefined ? [] : [Buffer.from(hex, 'hex')];
    (to.length > 0 ? io.to(to) : io).emit(event, ...args, ...binary);
  },
  large: ({ bytes }) => { io.emit('large', Buffer.alloc(bytes)); },
  acknowledged: ({ event, timeout }) => all().timeout(timeout).emitWithAck(event),
  socketsJoin: ({ to, room }) => { all().to(to).socketsJoin(room); },
  joinAndEmit: ({ to, room, event }) => {
    all().to(to).socketsJoin(room);
    io.to(room).emit(event);
  },
  disconnect: ({ to }) => { all().to(to).disconnectSockets(true); },
  fetchSockets: async () => (await io.fetchSockets()).length,
  ask: ({ question }) => new Promise((resolve, reject) => {
    io.of('/').serverSideEmit('ask', question, (error, answers) => (error ? reject(error) : resolve(answers.sort())));
  }),
  servers: () => io.of('/').adapter.serverCount(),
  state: () => client.status.state,
  // As if the heartbeats of the others had not come for heartbeatTimeout.
  forget: () => { (isStandIn ? io.of('/').adapter._nodes : io.of('/').adapter.nodesMap).clear(); },
  close: async () => {
    await io.close();
    await client.close();
  },
};

/** What emits to all, with either package. */
function all() {
  return isStandIn ? io.of('/').all : io.of('/').except([]);
}

net.createServer((connection) => {
  readline.createInterface({ input: connection }).on('line', async (line) => {
    const { command, ...values } = JSON.parse(line);
    const answer = {};
    try {
      answer.value = (await commands[command](values)) ?? null;
    } catch (error) {
      answer.error = { code: error.code ?? null, message: error.message };
    }
    connection.write(`${JSON.stringify(answer)}\n`);
    if (command === 'close') process.exit(0);
  });
}).listen(control, async () => {
  if (!isStandIn) await new Promise((resolve) => { httpServer.listen(0, '127.0.0.1', resolve); });
  await io.of('/').adapter.init();
  process.stdout.write('the worker is ready\n');
});
