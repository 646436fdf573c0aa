'use strict';

const assert = require('node:assert/strict');
const childProcess = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { promisify } = require('node:util');

const hubrelay = require('../index.js');
const { FakeRelay } = require('../testing.js');

const execFile = promisify(childProcess.execFile);

/** A relay, a client and what else a test needs; all of it is closed with the test. */
function setUp(t, options) {
  const relay = new FakeRelay();
  t.after(() => relay.close());
  return { relay, client: relay.client('test', { gapJitter: 0, ...options }) };
}

/** The next event of a type. */
async function nextOf(stream, type) {
  for (;;) {
    const { value, done } = await stream.next();
    assert.ok(!done, `the stream has ended before a ${type}`);
    if (value.type === type) return value;
  }
}

test('publishes are heard by those who listen', async (t) => {
  const { relay, client } = setUp(t);
  const room = await client.listen('room.7');
  const pattern = await client.listenPattern('room.*');
  assert.equal(room.pending, false);
  assert.equal(await client.publish('room.7', 'h\u00e9'), 2);
  client.send('room.7', new Uint8Array([1, 2]));
  const [first, second] = [await nextOf(room, 'message'), await nextOf(room, 'message')];
  assert.deepEqual([first.channel, first.text, first.pattern, [...second.payload]], ['room.7', 'h\u00e9', '', [1, 2]]);
  assert.equal((await nextOf(pattern, 'message')).pattern, 'room.*');
  assert.deepEqual(relay.published.map(({ channel }) => channel), ['room.7', 'room.7']);
  assert.deepEqual([client.counters.sent, client.status.state, client.features.includes('patterns')],
    [2, hubrelay.State.UP, true]);
});

test('plain subscribes come as events, with others in their places', async (t) => {
  const { relay, client } = setUp(t);
  assert.deepEqual(await client.subscribe(['a'], { patterns: 'b*' }), { pending: false });
  relay.publish('b1', '1');
  relay.outage();
  relay.recover();
  relay.publish('a', '2');
  const events = [];
  while (events.length < 6) events.push((await client.events.next()).value);
  assert.deepEqual(events.map(({ type, text, state }) => [type, text ?? state]), [
    ['status', hubrelay.State.UP], ['message', '1'], ['status', hubrelay.State.DOWN], ['status', hubrelay.State.UP],
    ['message', '2'], ['gap', undefined],
  ]);
  await client.unsubscribe('a', { patterns: ['b*'] });
  assert.equal(await client.publish('a', 'x'), 0);
});

test('handlers are given each event once, and none that comes before they are there is lost', async (t) => {
  const { relay, client } = setUp(t);
  await client.subscribe('a');
  relay.publish('a', '1');
  await client.ping();
  const texts = [];
  const states = [];
  client.on('message', (event) => texts.push(event.text));
  client.on('status', (event) => states.push(event.state));
  await client.ping();
  assert.deepEqual(texts, ['1']);
  const gap = once(client, 'gap');
  relay.publish('a', '2');
  relay.outage();
  relay.recover();
  await gap;
  assert.deepEqual(texts, ['1', '2']);
  assert.deepEqual(states, [hubrelay.State.UP, hubrelay.State.DOWN, hubrelay.State.UP]);
  assert.equal(client.events.tryNext(), null);
});

test('without handlers, or when they are taken away, events wait to be iterated over', async (t) => {
  const { relay, client } = setUp(t);
  await client.subscribe('a');
  const heard = [];
  const handler = (event) => heard.push(event.text);
  client.on('message', handler);
  relay.publish('a', '1');
  await client.ping();
  client.off('message', handler);
  relay.publish('a', '2');
  assert.equal((await nextOf(client.events, 'message')).text, '2');
  assert.deepEqual(heard, ['1']);
  client.once('message', handler);
  relay.publish('a', '3');
  relay.publish('a', '4');
  await client.ping();
  assert.deepEqual(heard, ['1', '3']);
  assert.equal(client.events.tryNext().text, '4');
});

test('handlers can be taken away all at once, and others come', async (t) => {
  const { relay, client } = setUp(t);
  await client.subscribe('a');
  const heard = [];
  const add = ['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'];
  for (const [index, method] of add.entries()) {
    client[method]('message', ({ text }) => heard.push(text));
    relay.publish('a', String(index));
    await client.ping();
    client.removeAllListeners();
  }
  assert.deepEqual(heard, ['0', '1', '2', '3', '4']);
});

test('a handler that throws does not cost the others their events', async () => {
  const program = `
    const { FakeRelay } = require('hubrelay/testing');
    process.on('uncaughtException', ({ message }) => console.log('uncaught', message));
    (async () => {
      const relay = new FakeRelay();
      const client = relay.client();
      await client.subscribe('a');
      client.on('message', ({ text }) => {
        console.log(text);
        if (text === '1') throw new Error('of the application');
      });
      relay.publish('a', '1');
      relay.publish('a', '2');
      await client.ping();
      console.log('ping');
      await relay.close();
    })();`;
  const { stdout } = await execFile(process.execPath, ['-e', program], { cwd: path.join(__dirname, '..') });
  assert.equal(stdout, '1\nuncaught of the application\n2\nping\n');
});

test('a lost relay is no uncaught error', async (t) => {
  const { relay, client } = setUp(t);
  await client.ready();
  relay.leave();
  await nextOf(client.events, 'status');
  const status = await nextOf(client.events, 'status');
  assert.deepEqual([status.connected, status.cause], [false, hubrelay.Cause.NO_RELAY]);
  const expected = { code: 'NOT_CONNECTED', delivered: false, name: 'NotConnectedError' };
  await assert.rejects(client.publish('a', 'x'), expected);
  assert.throws(() => client.send('a', 'x'), hubrelay.NotConnectedError);
  assert.deepEqual(client.counters.failed, { NOT_CONNECTED: 2 });
  assert.equal((await client.listen('a')).pending, true);
  relay.comeBack();
  await client.ready();
  assert.equal(client.counters.reconnects, 1);
});

test('ready says what is wrong', async (t) => {
  const { relay, client } = setUp(t);
  relay.leave();
  await assert.rejects(client.ready({ timeout: 20 }), (error) => error instanceof hubrelay.NotConnectedError &&
    /there is no relay|closed the connection|has not answered/.test(error.message));
  await assert.rejects(client.ready({ signal: AbortSignal.timeout(10) }),
    { name: 'AbortError', code: 'ABORT_ERR', delivered: false, message: 'the caller gave up, and nothing was sent' });
  relay.comeBack();
  await client.ready({ timeout: 30_000 });
});

test('a signal gives a request up, and says whether it may have been sent', async (t) => {
  const { relay, client } = setUp(t, { unanswered: 1 });
  await client.ready();
  const abort = new AbortController();
  const sent = client.publish('a', '1', { signal: abort.signal });
  const waiting = client.publish('a', '2', { signal: abort.signal });
  abort.abort(new Error('enough'));
  await assert.rejects(sent, (error) => error instanceof hubrelay.CancelledError && error.delivered === undefined &&
    error.cause.message === 'enough');
  await assert.rejects(waiting, { delivered: false, name: 'AbortError' });
  await assert.rejects(client.publish('a', '3', { signal: abort.signal }), { delivered: false });
  await assert.rejects(client.listen('a', { signal: abort.signal }), { code: 'ABORT_ERR' });
  await client.publish('a', '4');
  assert.deepEqual(relay.published.map(({ text }) => text), ['1', '4']);
  assert.deepEqual(client.counters.failed, { ABORT_ERR: 3 });
});

test('requests share one listener of a signal, and let go of it when they are answered', async (t) => {
  const { client } = setUp(t);
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...rest) => { listeners++; addEventListener.apply(signal, rest); };
  signal.removeEventListener = (...rest) => { listeners--; removeEventListener.apply(signal, rest); };
  const publishes = Array.from({ length: 30 }, () => client.publish('a', '1', { signal }));
  assert.equal(listeners, 1); // Node.js warns of more than ten
  await Promise.all(publishes);
  await (await client.listen('a', { signal })).close();
  assert.equal(listeners, 0);
});

test('a Subscription that is given up while it is made is closed', async (t) => {
  const { client } = setUp(t);
  await client.ready();
  const abort = new AbortController();
  const listening = client.listen('a', { signal: abort.signal });
  abort.abort();
  await assert.rejects(listening, { code: 'ABORT_ERR' });
  await client.ping();
  assert.equal(await client.publish('a', 'x'), 0);
});

test('who gives up waiting for an event loses none', async (t) => {
  const { relay, client } = setUp(t);
  const room = await client.listen('a');
  const abort = new AbortController();
  const waiting = room.next({ signal: abort.signal });
  const other = room.next({ signal: new AbortController().signal });
  abort.abort(new Error('enough'));
  await assert.rejects(waiting, ({ name, cause }) => name === 'AbortError' && cause.message === 'enough');
  await assert.rejects(room.next({ signal: abort.signal }), hubrelay.CancelledError);
  relay.publish('a', '1');
  relay.publish('a', '2');
  assert.deepEqual([(await other).value.text, (await room.next()).value.text], ['1', '2']);
});

test('leaving a loop closes the Subscription, and so does `close`', async (t) => {
  const { relay, client } = setUp(t);
  const room = await client.listen('a');
  relay.publish('a', '1');
  relay.publish('a', '2');
  for await (const event of room) {
    assert.equal(event.text, '1');
    break;
  }
  assert.deepEqual(await room.next(), { value: undefined, done: true });
  await client.ping();
  assert.equal(relay.publish('a', '3'), 0);
  const other = await client.listen('a');
  const waiting = other.next();
  other.close();
  other.close();
  assert.deepEqual(await waiting, { value: undefined, done: true });
});

test('a Subscription of which a name is refused fails, and says which', async (t) => {
  const { relay, client } = setUp(t);
  relay.refuse('bad');
  await assert.rejects(client.listen(['a', 'bad']), { code: 'REFUSED', channels: ['bad'], patterns: [] });
  await assert.rejects(client.publish('bad', 'x'), hubrelay.RefusedError);
  const room = await client.listen('a');
  relay.revoke('a');
  const revoked = await nextOf(room, 'revoked');
  assert.deepEqual([revoked.channels, (await room.next()).done], [['a'], true]);
});

test('arguments that are wrong are Invalid, and the client lives', async (t) => {
  const { client } = setUp(t);
  for (const channel of ['', 'x'.repeat(513), '\udfff', 7, undefined]) {
    await assert.rejects(client.publish(channel, 'x'), hubrelay.InvalidError);
    assert.throws(() => client.send(channel, 'x'), hubrelay.InvalidError);
    await assert.rejects(client.listen([channel]), hubrelay.InvalidError);
    await assert.rejects(client.subscribe([channel]), hubrelay.InvalidError);
  }
  await assert.rejects(client.listen([]), hubrelay.InvalidError);
  for (const names of [undefined, null, 7, {}]) await assert.rejects(client.listen(names), hubrelay.InvalidError);
  for (const call of [
    (options) => client.publish('a', 'x', options), (options) => client.listen('a', options),
    (options) => client.listenPattern('a', options), (options) => client.subscribe('a', options),
    (options) => client.unsubscribe('a', options), (options) => client.ping(options),
  ]) {
    await assert.rejects(call({ pattern: 'x*' }), TypeError);
    await assert.rejects(call({ signal: 7 }), TypeError);
    await call({ signal: null });
  }
  await assert.rejects(client.publish('a', new ArrayBuffer(3)), /not ArrayBuffer$/);
  await assert.rejects(client.publish('__hubrelay:probe:x', 'x'), hubrelay.InvalidError);
  assert.equal(await client.publish('b', 'x'), 0);
});

test('impossible options are errors when the client is made', () => {
  assert.throws(() => new hubrelay.Client({ name: 'x'.repeat(65) }), hubrelay.InvalidError);
  assert.throws(() => new hubrelay.Client({ path: `/${'x'.repeat(108)}` }), hubrelay.InvalidError);
  assert.throws(() => new hubrelay.Client({ path: 7 }), hubrelay.InvalidError);
  assert.throws(() => new hubrelay.Client({ path: '' }), hubrelay.InvalidError);
  assert.throws(() => new hubrelay.Client({ path: '/tmp/x\0y' }), hubrelay.InvalidError);
  assert.throws(() => new hubrelay.Client({ pth: '/x' }), TypeError);
  for (const logger of [null, 7, { info() {} }]) assert.throws(() => new hubrelay.Client({ logger }), TypeError);
  for (const hooks of [null, 7, { afterPublish: 7 }]) assert.throws(() => new hubrelay.Client({ hooks }), TypeError);
});

test('hooks are called around each publish and each delivery', async (t) => {
  const calls = [];
  const { relay, client } = setUp(t, {
    hooks: {
      beforePublish: (channel, payload) => { calls.push(['publish', channel, payload]); return calls.length; },
      afterPublish: (context, { receivers, error }) => calls.push(['published', context, receivers, error?.code]),
      beforeDelivery: (message) => calls.push(['deliver', message.text]),
      afterDelivery: (message) => calls.push(['delivered', message.text]),
    },
  });
  relay.refuse('bad');
  const room = await client.listen('a');
  await client.publish('a', '1');
  await assert.rejects(client.publish('bad', '2'), hubrelay.RefusedError);
  client.send('a', '3');
  assert.throws(() => client.send('', '4'), hubrelay.InvalidError);
  assert.equal((await room.next()).value.text, '1');
  assert.equal((await room.next()).value.text, '3');
  room.close();
  assert.deepEqual(calls, [
    ['publish', 'a', '1'], ['published', 1, 1, undefined],
    ['publish', 'bad', '2'], ['published', 3, undefined, 'REFUSED'],
    ['publish', 'a', '3'], ['published', 5, undefined, undefined],
    ['publish', '', '4'], ['published', 7, undefined, 'INVALID'],
    ['deliver', '1'], ['delivered', '1'], ['deliver', '3'], ['delivered', '3'],
  ]);
});

test('hooks that fail cost nothing but a line in the log', async (t) => {
  const lines = [];
  const fail = (name) => () => { throw new Error(name); };
  const { relay, client } = setUp(t, {
    logger: { info() {}, warn: (text) => lines.push(text) },
    hooks: {
      beforePublish: fail('1'),
      afterPublish: async () => fail('2')(),
      beforeDelivery: fail('3'),
      afterDelivery: fail('4'),
    },
  });
  const room = await client.listen('a');
  const first = room.next();
  assert.equal(await client.publish('a', '1'), 1);
  client.send('a', '2');
  await client.ping();
  assert.equal((await first).value.text, '1');
  assert.equal((await room.next()).value.text, '2');
  relay.publish('a', '3');
  await client.ping();
  assert.equal(room.tryNext().text, '3');
  room.close();
  assert.deepEqual(lines.map((line) => line.replace(/hubrelay: the hook (\w+) has failed: Error:/, '$1')).sort(),
    ['afterDelivery 4', 'afterPublish 2', 'beforeDelivery 3', 'beforePublish 1']);
});

test('a logger that throws disturbs nobody', async (t) => {
  const fail = () => { throw new Error('of the logger'); };
  const { relay, client } = setUp(t, { logger: { info: fail, warn: fail } });
  await client.ready();
  relay.disconnect();
  await nextOf(client.events, 'status');
  await nextOf(client.events, 'status');
  await client.ready();
  await client.publish('a', 'x');
});

test('the logger is told of connections', async (t) => {
  const lines = [];
  const logger = { info: (text) => lines.push(text), warn: (text) => lines.push(text) };
  const { relay, client } = setUp(t, { logger });
  await client.ready();
  relay.disconnect();
  await nextOf(client.events, 'status');
  await nextOf(client.events, 'status');
  assert.match(lines[0], /^hubrelay: connected to relay fake-1/);
  assert.match(lines[1], /^hubrelay: not connected to a relay: fake: the relay closed the connection/);
});

test('close waits for what is owed; then nothing more comes, and every call is Closed', async (t) => {
  const { client } = setUp(t);
  const room = await client.listen('a');
  const publish = client.publish('a', '1');
  client.send('a', '2');
  await Promise.all([client.close(), client.close()]);
  assert.equal(await publish, 1);
  const rest = [];
  for await (const event of client.events) rest.push(event.type);
  assert.ok(!rest.includes('loss'));
  for await (const event of room) assert.fail(event.type);
  for (const call of [
    () => client.publish('a', 'x'), () => client.listen('a'), () => client.subscribe('a'),
    () => client.unsubscribe('a'), () => client.ready(), () => client.ping(), async () => client.send('a', 'x'),
  ]) {
    await assert.rejects(call, hubrelay.ClosedError);
  }
  await client.close();
});

test('close ends at once without a relay, and in time when the relay does not answer', async (t) => {
  const { relay, client } = setUp(t);
  relay.leave();
  await client.close();
  const alone = new hubrelay.Client({ path: '/nonexistent/relay.sock' });
  const early = alone.publish('a', 'x');
  await alone.close();
  await assert.rejects(early, { delivered: false });
});

test('a client that is closed leaves no timer and no socket behind', async () => {
  const program = `
    const { Client } = require('hubrelay');
    const { FakeRelay } = require('hubrelay/testing');
    (async () => {
      const alone = new Client({ path: '/nonexistent/relay.sock', backoffMin: 0, backoffMax: 0 });
      await alone.ready({ timeout: 20 }).catch(() => {});
      const relay = new FakeRelay();
      const client = relay.client('test', { settle: 1 });
      for (let number = 0; number < 50; number++) {
        client.send('a', 'x');
        await client.publish('a', 'x');
      }
      await client.close();
      await alone.close();
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      console.log(process.getActiveResourcesInfo().filter((name) => /Timeout|Pipe|TCP/.test(name)));
    })();`;
  const { stdout } = await execFile(process.execPath, ['-e', program], { cwd: path.join(__dirname, '..') });
  assert.equal(stdout.replace(/'PipeWrap',?/g, '').replace(/\s/g, ''), '[]');
});

test('after `unref` a client does not keep the process alive, on its next connections neither', async (t) => {
  const relay = new FakeRelay();
  t.after(() => relay.close());
  const where = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'hubrelay-unref-')), 'relay.sock');
  t.after(() => fs.rmSync(path.dirname(where), { recursive: true }));
  await relay.listen(where);
  for (const program of [
    'client.unref(); client.ref(); await client.publish("a", "1"); client.unref();',
    'client.unref(); setTimeout(() => {}, 100);',
  ]) {
    const text = `const { Client } = require('hubrelay');
      const client = new Client({ path: ${JSON.stringify(where)} });
      (async () => { ${program} })();`;
    await execFile(process.execPath, ['-e', text], { cwd: path.join(__dirname, '..'), timeout: 60_000 });
  }
  assert.deepEqual(relay.published.map((message) => message.text), ['1']);
});

test('a relay that is replaced in order costs nothing: no Gap, and every message once', async (t) => {
  const { relay, client } = setUp(t);
  const room = await client.listen('a');
  const texts = [];
  const reading = (async () => {
    for await (const event of room) texts.push(event.type === 'message' ? event.text : event.type);
  })();
  let moved = false;
  client.on('status', ({ state }) => { moved ||= state === hubrelay.State.STOPPING; });
  const expected = [];
  for (let number = 0; number < 60; number++) {
    if (number === 20) relay.restart();
    await client.publish('a', String(number));
    expected.push(String(number));
  }
  await client.ping({ settled: true });
  assert.ok(moved);
  assert.equal(client.counters.reconnects, 1);
  room.close();
  await reading;
  assert.deepEqual(texts, expected);
});

test('what is published in one turn is one write', async (t) => {
  const { client } = setUp(t);
  await client.ready();
  const { Outbox } = require('../lib/outbox');
  const taken = t.mock.method(Outbox.prototype, 'wrote');
  await Promise.all(Array.from({ length: 64 }, (_, index) => client.publish('a', String(index))));
  assert.equal(taken.mock.callCount(), 1);
});

test('a client is disposed of where the language has that', async (t) => {
  const { client } = setUp(t);
  if (!Symbol.asyncDispose) return;
  const room = await client.listen('a');
  await room[Symbol.asyncDispose]();
  assert.equal((await room.next()).done, true);
  await client[Symbol.asyncDispose]();
  await assert.rejects(client.ping(), hubrelay.ClosedError);
});
