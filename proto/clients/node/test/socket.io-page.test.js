'use strict';

// The code of docs/socket.io.md runs: all of it is one program.

const assert = require('node:assert/strict');
const childProcess = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const test = require('node:test');

const { FakeRelay } = require('../testing.js');

const ROOT = path.join(__dirname, '..');
const STAND_INS = path.join(__dirname, 'stand-ins');
const PAGE = fs.readFileSync(path.join(ROOT, 'docs', 'socket.io.md'), 'utf8');
const BLOCKS = [...PAGE.matchAll(/^```js\n(.*?)^```/gms)].map(([, text]) => text);

/** A client of this server, and one of another server of the process, which has the options of the page. */
const DRIVER = `
const heard = (data) => console.log('heard', JSON.stringify(data));
const person = io.of('/').connect(heard);
const other = new Server({ adapter: adapterOfThisServer });
await new Promise((entered) => { person.receives('enter', 'room 7', entered); });
other.to('room 7').emit('said', 'from the other server');
adapter.on('status', ({ publishing }) => {
  if (!publishing) other.to('room 7').emit('said', 'nobody hears it');
});
process.once('SIGTERM', () => other.close());
`;

test('the code of the page runs as it says', async (t) => {
  assert.equal(BLOCKS.length, 3);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'hubrelay-page-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const modules = path.join(directory, 'node_modules');
  fs.mkdirSync(modules);
  fs.symlinkSync(ROOT, path.join(modules, 'hubrelay'));
  for (const name of ['socket.io', 'socket.io-adapter']) {
    fs.symlinkSync(path.join(STAND_INS, name), path.join(modules, name));
  }
  const socket = path.join(directory, 'relay.sock');
  const relay = new FakeRelay();
  t.after(() => relay.close());
  await relay.listen(socket);
  const program = path.join(directory, 'server.mjs');
  const text = [...BLOCKS, DRIVER].join('\n');
  fs.writeFileSync(program, text.replace("'/run/hubrelay/hubrelay.sock'", `${JSON.stringify(socket)}, gapJitter: 0`));
  // Beside `import`, which finds what is beside the program, the adapter's `require` starts at its own folder.
  const env = { ...process.env, NODE_PATH: STAND_INS };
  const server = childProcess.spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill('SIGKILL'));
  const ended = new Promise((resolve) => { server.on('exit', (...how) => resolve(how)); });
  const lines = readline.createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const printed = async (expected) => {
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(!done, `the server has ended before ${expected}`);
      if (expected.test(value)) return;
    }
  };
  await printed(/^heard \["said","from the other server"\]$/);
  relay.restart(); // its STOPPING alarms nobody, and the Status of the next relay comes when the move is over
  for (let status = 0; status < 2; status++) assert.equal((await lines.next()).value, 'heard ["banner",""]');
  relay.outage('Redis is away');
  await printed(/^heard \["banner","You may miss messages: Redis is away"\]$/);
  await printed(/^not on other servers: said: NOT_CONNECTED: the event "said" to room room 7 was not sent/);
  relay.recover();
  await printed(/^heard \["banner",""\]$/);
  await printed(/^clients read again: /);
  await printed(/^heard \["read again"\]$/);
  relay.lose(2);
  await printed(/^2 messages were dropped$/);
  relay.revoke('socket.io#/#room 7#');
  await printed(/^Redis refuses \[ 'socket.io#\/#room 7#' \] NOPERM$/);
  server.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
