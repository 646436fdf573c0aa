'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { Cause, Outcome, State } = require('../lib/enums');
const { CongestedError, InterruptedError, InvalidError, NotConnectedError, UnknownError } = require('../lib/errors');
const { now } = require('../lib/timers');
const { Waiter } = require('../lib/waiter');
const { Scripted, UP, watched } = require('./scripted');

test('the first requests wait for the first attempt to connect', async () => {
  const scripted = new Scripted();
  const publish = scripted.publish('room');
  const subscribe = scripted.subscribe(['room']);
  assert.equal(publish.isDone || subscribe.isDone, false);
  const link = scripted.connect();
  scripted.answer(link);
  assert.equal(await publish.promise, 0);
  assert.equal(await subscribe.promise, 'OK');
});

test('they fail, or are pending, if that attempt fails', async () => {
  const scripted = new Scripted();
  const publish = scripted.publish('room');
  const subscribe = scripted.subscribe(['room']);
  scripted.core.ended(scripted.open(), 'nobody is there');
  await assert.rejects(publish.promise, new NotConnectedError(
    'no connection to a relay: /relay.sock: nobody is there'));
  assert.equal(await subscribe.promise, 'PENDING');
});

test('they do not wait for ever', async () => {
  const scripted = new Scripted();
  const publish = scripted.publish('room');
  scripted.core.tick(now() + 1001);
  await assert.rejects(publish.promise, NotConnectedError);
});

test('they wait on if this process was stopped meanwhile', async () => {
  const scripted = new Scripted();
  const publish = scripted.publish('room');
  const link = scripted.open();
  scripted.core.opened(link);
  scripted.core.tick(now() + 20_000);
  assert.equal(publish.isDone || link.isEnded, false);
  scripted.core.tick(now() + 1001);
  await assert.rejects(publish.promise, NotConnectedError);
  scripted.core.tick(now() + 5001);
  assert.ok(link.isEnded);
});

test('an error says the path, however the attempt has ended, and the Status since when', async () => {
  const scripted = new Scripted({ firstUse: 0 });
  const { sinceUnixMs } = scripted.core.status;
  while (Date.now() === sinceUnixMs) await new Promise(setImmediate);
  const attempts = [
    [(link) => scripted.core.ended(link, 'the relay closed the connection'), 'the relay closed the connection'],
    [() => scripted.core.tick(now() + 5001), 'the relay said nothing for 5000 ms'],
    [(link) => scripted.send(link, { kind: 'status' }), "the relay's first frame is not Welcome"],
  ];
  scripted.core.tick(now());
  await assert.rejects(scripted.publish('room').promise, /: \/relay\.sock: the relay has not answered yet$/);
  for (const [end, why] of attempts) {
    const link = scripted.open();
    scripted.core.opened(link);
    end(link);
    await assert.rejects(scripted.publish('room').promise, new NotConnectedError(
      `no connection to a relay: /relay.sock: ${why}`));
    assert.equal(scripted.core.status.reason, `/relay.sock: ${why}`);
    assert.equal(scripted.core.status.sinceUnixMs, sinceUnixMs);
    scripted.core.tick(now() + 500);
  }
  scripted.core.ended(scripted.connect(), 'gone');
  assert.ok(scripted.core.status.sinceUnixMs > sinceUnixMs);
});

test('publishes that wait for room are bounded, by bytes, the empty ones too', async () => {
  const scripted = new Scripted({ unanswered: 1, unsentBytes: 10_000 });
  const link = scripted.connect();
  for (const payload of ['', 'x'.repeat(4000)]) {
    const publishes = Array.from({ length: 50 }, () => scripted.publish('room', payload));
    const waiting = publishes.filter((publish) => !publish.isDone).length;
    assert.ok(waiting >= 3 && waiting < 50);
    await assert.rejects(publishes.at(-1).promise, CongestedError);
    scripted.core.publishing.withdraw(publishes[waiting - 1]);
    assert.equal(scripted.publish('room', payload).isDone, false); // there is room again
    scripted.answer(link);
  }
  const large = scripted.publish('room', 'x'.repeat(4096));
  const first = scripted.publish('room', 'x'.repeat(4096));
  assert.equal(large.isDone || first.isDone, false);
});

test('sends that wait for the next connection are bounded, the empty ones too', () => {
  const scripted = new Scripted({ unsentBytes: 160_000 });
  scripted.send(scripted.connect(), { kind: 'status', ...UP, state: State.STOPPING });
  scripted.connect({ relayId: 'B' });
  assert.throws(() => {
    for (let count = 0; count < 100; count++) scripted.core.publishing.send('room', '');
  }, CongestedError);
});

test('at the end of a connection what was written is Interrupted, what was not is NotConnected', async () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const written = scripted.publish('room');
  link.outbox.take(); // a write that has not ended counts
  const unwritten = scripted.publish('room');
  scripted.core.ended(link, 'gone');
  await assert.rejects(written.promise, InterruptedError);
  await assert.rejects(unwritten.promise, NotConnectedError);
  assert.deepEqual(scripted.core.counters.failed, { INTERRUPTED: 1, NOT_CONNECTED: 1 });
});

test('each outcome has its error, one that is unknown too', async () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const codes = ['', 'PENDING', 'NOT_CONNECTED', 'INTERRUPTED', 'REFUSED', 'INVALID', 'LIMIT'];
  for (const outcome of [3, 4, 5, 6, 7, 99]) {
    const publish = scripted.publish('room');
    const [{ id }] = scripted.written(link);
    scripted.send(link, { kind: 'reply', id, outcome, detail: 'why' });
    await assert.rejects(publish.promise, { code: codes[outcome - 1] ?? 'UNKNOWN', message: 'why' });
  }
  const publish = scripted.publish('room');
  scripted.answer(link, 42);
  await assert.rejects(publish.promise, (error) => error instanceof UnknownError && error.outcome === 42);
});

test('publishes without a Reply are bounded: beyond, they wait, or are Congested', async () => {
  const scripted = new Scripted({ unanswered: 2 });
  const link = scripted.connect();
  const publishes = [1, 2, 3].map((number) => scripted.publish('room', String(number)));
  await assert.rejects(scripted.publish('room', 'now', false).promise, CongestedError);
  const frames = scripted.written(link);
  assert.deepEqual(frames.map(({ payload }) => String(payload)), ['1', '2']);
  scripted.send(link, { kind: 'reply', id: frames[0].id, outcome: Outcome.OK, receivers: 4 });
  assert.equal(await publishes[0].promise, 4);
  assert.deepEqual(scripted.written(link).map(({ payload }) => String(payload)), ['3']);
});

test('what the relay does not read is bounded, and one that is larger goes when nothing is before it', () => {
  const scripted = new Scripted({ unsentBytes: 3200 });
  const link = scripted.connect();
  scripted.written(link);
  scripted.publish('room', 'x'.repeat(4000));
  const waits = scripted.publish('room', 'y');
  assert.throws(() => scripted.core.publishing.send('room', 'z'), CongestedError);
  assert.equal(scripted.core.publishing.isWaiting, true);
  assert.deepEqual(scripted.written(link).map(({ payload }) => payload.length), [4000, 1]);
  assert.equal(waits.isDone, false);
});

test('payloads and frames are checked by the numbers of this Welcome', async () => {
  const scripted = new Scripted();
  const link = scripted.connect({ maxPayloadBytes: 10 });
  await assert.rejects(scripted.publish('room', 'x'.repeat(11)).promise, InvalidError);
  await assert.rejects(scripted.publish('', 'x').promise, InvalidError);
  await assert.rejects(scripted.publish('x'.repeat(513), 'x').promise, InvalidError);
  await assert.rejects(scripted.publish('\ud800', 'x').promise, InvalidError);
  await assert.rejects(scripted.publish('room', 5).promise, InvalidError);
  await assert.rejects(scripted.publish('room', null).promise, InvalidError);
  assert.throws(() => scripted.core.publishing.send('room', 'x'.repeat(11)), InvalidError);
  assert.deepEqual(scripted.written(link), []);
  scripted.publish('x'.repeat(512), new Uint8Array(10));
  assert.equal(scripted.written(link).length, 1);
});

test('who gave up before it was written is not sent, who gave up later keeps his place until the Reply', () => {
  const scripted = new Scripted({ unanswered: 1 });
  const link = scripted.connect();
  const first = scripted.publish('room', '1');
  const second = scripted.publish('room', '2');
  const third = scripted.publish('room', '3');
  assert.equal(scripted.core.publishing.withdraw(first), false);
  assert.equal(scripted.core.publishing.withdraw(second), true);
  first.reject(new Error('gave up'));
  const [{ id }] = scripted.written(link);
  scripted.send(link, { kind: 'reply', id, outcome: Outcome.OK });
  assert.deepEqual(scripted.written(link).map(({ payload }) => String(payload)), ['3']);
  assert.equal(third.isDone, false);
});

test('sends that were written and not settled are unknown at the end, those that were not written are lost', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  for (const payload of ['1', '2', '3']) scripted.core.publishing.send('room', payload);
  scripted.written(link);
  scripted.core.tick(now() + 1001);
  const [ping] = scripted.written(link);
  assert.deepEqual([ping.kind, ping.settled], ['ping', true]);
  scripted.core.publishing.send('room', '4');
  scripted.core.publishing.send('room', '5');
  scripted.written(link);
  scripted.send(link, { kind: 'reply', id: ping.id, outcome: Outcome.OK },
    { kind: 'loss', publishes: 1, cause: Cause.REFUSED });
  scripted.core.publishing.send('room', '6');
  scripted.events();
  scripted.core.ended(link, 'gone');
  const losses = scripted.eventsOf('loss');
  assert.deepEqual(losses.map(({ publishes, publishesUnknown, cause, local }) =>
    [publishes, publishesUnknown, cause, local]),
  [[1, 1, Cause.NO_RELAY, true]]);
  assert.equal(scripted.core.counters.lostPublishes, 3);
});

test('one Ping with settled is under way at a time, and none where there is no such feature', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  scripted.core.publishing.send('room', '1');
  scripted.written(link);
  scripted.core.tick(now() + 1001);
  scripted.core.tick(now() + 2100);
  assert.equal(scripted.written(link).filter(({ kind }) => kind === 'ping').length, 1);
  const without = new Scripted();
  const other = without.connect({ features: [] });
  without.core.publishing.send('room', '1');
  without.written(other);
  without.core.tick(now() + 2000);
  assert.deepEqual(without.written(other), []);
  without.core.ended(other, 'gone');
  assert.equal(without.eventsOf('loss')[0].publishesUnknown, 1);
});

test('close settles what was published, and ends when that is answered', async () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const publish = scripted.publish('room');
  scripted.core.publishing.send('room', '1');
  const closing = new Waiter();
  scripted.core.close(8000, closing);
  await assert.rejects(scripted.publish('room').promise, { code: 'CLOSED' });
  const frames = scripted.written(link);
  assert.deepEqual(frames.map(({ kind }) => kind), ['publish', 'publish', 'ping']);
  assert.equal(closing.isDone, false);
  scripted.send(link, { kind: 'reply', id: frames[0].id, outcome: Outcome.OK });
  assert.equal(closing.isDone, false);
  scripted.send(link, { kind: 'reply', id: frames[2].id, outcome: Outcome.OK });
  assert.equal(closing.isDone, true);
  await publish.promise;
  assert.deepEqual(scripted.eventsOf('loss'), []);
  assert.ok(scripted.core.events.isEnded);
});

test('what waits for the next connection is in the same Loss when that ends', () => {
  const scripted = new Scripted();
  const old = scripted.connect();
  scripted.send(old, { kind: 'status', ...UP, state: State.STOPPING });
  const next = scripted.connect({ relayId: 'B' });
  scripted.core.publishing.send('room', '1'); // waits until the old connection has ended
  scripted.core.ended(next, 'gone');
  assert.deepEqual(scripted.eventsOf('loss').map(({ publishes, cause }) => [publishes, cause]), [[1, Cause.NO_RELAY]]);
});

test('after an end in order nothing is unknown, after another one it is', () => {
  for (const hasFailed of [false, true]) {
    const scripted = new Scripted();
    const old = scripted.connect({ features: [] });
    scripted.core.publishing.send('room', '1');
    scripted.send(old, { kind: 'status', ...UP, state: State.STOPPING });
    scripted.connect({ relayId: 'B' });
    scripted.written(old);
    assert.ok(old.shutWhenWritten);
    old.isShut = true;
    scripted.core.ended(old, 'closed', hasFailed);
    assert.equal(scripted.eventsOf('loss').length, hasFailed ? 1 : 0);
  }
});

test('a Ping fails as a publish does at the end of a connection', async () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const pings = [false, true, false, true].map((settled, index) => {
    const waiter = watched(new Waiter());
    scripted.core.ping(waiter, settled);
    if (index === 1) scripted.written(link);
    return waiter;
  });
  scripted.core.ended(link, 'gone');
  for (const ping of pings.slice(0, 2)) await assert.rejects(ping.promise, InterruptedError);
  for (const ping of pings.slice(2)) await assert.rejects(ping.promise, NotConnectedError);
});

test('no event tells of the end that the application has asked for', () => {
  for (const isConnected of [true, false]) {
    const scripted = new Scripted();
    if (isConnected) scripted.written(scripted.connect());
    scripted.events();
    scripted.core.close(8000, new Waiter());
    assert.deepEqual(scripted.events(), []);
    assert.ok(scripted.core.isClosed);
    assert.equal(scripted.core.status.cause, Cause.NO_RELAY);
  }
});

test('close does not wait for longer than it was told to', async () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const publish = scripted.publish('room');
  scripted.written(link);
  const closing = new Waiter();
  scripted.core.close(100, closing);
  scripted.core.tick(now() + 101);
  assert.equal(closing.isDone, true);
  await assert.rejects(publish.promise, InterruptedError);
});

test('ids are small while everything is answered, and never those of two unanswered requests', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  link._lastId = 0x4000;
  scripted.publish('room');
  scripted.publish('room');
  assert.deepEqual(scripted.written(link).map(({ id }) => id), [1, 2]);
  link._lastId = 0x4000;
  scripted.publish('room');
  assert.deepEqual(scripted.written(link).map(({ id }) => id), [0x4001]);
});

test('a message that waits keeps little more alive than itself', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  scripted.subscribe(['slow', 'fast'], ['pattern*']);
  scripted.answer(link);
  scripted.events();
  const message = (channel, pattern = '') => ({ kind: 'message', channel, pattern, payload: Buffer.alloc(200) });
  const row = Array.from({ length: 40 }, () => message('fast'));
  scripted.send(link, ...row, message('slow'), message('pattern.1', 'pattern*'), ...row, message('slow'), ...row);
  const messages = scripted.eventsOf('message');
  const of = (channel) => messages.filter((event) => event.channel === channel);
  for (const event of [...of('slow'), ...of('pattern.1')]) assert.ok(event.payload.buffer.byteLength < 500);
  const blocks = new Set(of('fast').map(({ payload }) => payload.buffer));
  const bytes = [...blocks].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(blocks.size < 40 && bytes < 2 * 120 * 230);
});

test('counts beyond 2^53-1 saturate', async () => {
  const scripted = new Scripted();
  const link = scripted.connect({ status: { ...UP, outages: Number.MAX_SAFE_INTEGER } });
  const publish = scripted.publish('room');
  const [{ id }] = scripted.written(link);
  const huge = Buffer.from([0, 0, 0, 17, 0x1a, 15, 0x08, id, 0x10, 1, 0x18,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
  scripted.core.received(link, huge);
  assert.equal(await publish.promise, Number.MAX_SAFE_INTEGER);
});
