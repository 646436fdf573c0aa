'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { Cause, Code, State } = require('../lib/enums');
const { Listener } = require('../lib/restoring');
const { now } = require('../lib/timers');
const { Waiter } = require('../lib/waiter');
const { Scripted, UP } = require('./scripted');

const STATUS = { kind: 'status', ...UP };

test('a relay that owes a Reply is asked by a Ping, and given up when it does not answer', async () => {
  const scripted = new Scripted({ pingOwed: 900, pingIdle: 5000, pingTimeout: 800 });
  const link = scripted.connect();
  const owed = scripted.publish('room');
  scripted.written(link);
  scripted.core.tick(now() + 901);
  assert.deepEqual(scripted.written(link).map(({ kind }) => kind), ['ping']);
  scripted.core.tick(now() + 1750);
  assert.ok(link.isEnded);
  await assert.rejects(owed.promise, { code: 'INTERRUPTED' });
});

test('any byte is a sign of life', () => {
  const scripted = new Scripted({ pingOwed: 900, pingTimeout: 800 });
  const link = scripted.connect();
  scripted.publish('room');
  scripted.written(link);
  scripted.core.tick(now() + 901);
  scripted.send(link, STATUS);
  scripted.core.tick(now() + 1750);
  assert.equal(link.isEnded, false);
});

test('a timer that is over a second late proves nothing: the clock starts anew', () => {
  const scripted = new Scripted({ pingOwed: 900, pingTimeout: 800 });
  const link = scripted.connect();
  scripted.publish('room');
  scripted.written(link);
  scripted.core.tick(now() + 901);
  assert.equal(scripted.written(link).length, 1);
  scripted.core.tick(now() + 60_000);
  assert.equal(link.isEnded, false);
});

/** A client whose events are full, so that its socket is left unread. */
function full() {
  const scripted = new Scripted({ eventsBytes: 1000 });
  const link = scripted.connect();
  scripted.subscribe(['a']);
  scripted.answer(link);
  const messages = Array.from({ length: 10 }, (_, index) => (
    { kind: 'message', channel: 'a', payload: Buffer.from(String(index)) }));
  scripted.send(link, ...messages);
  return { scripted, link };
}

test('the socket is left unread when nobody listens, nobody takes events, and nothing is owed', () => {
  const { scripted, link } = full();
  assert.equal(link.isReading, false);
  assert.deepEqual(scripted.core.actions.splice(0).map(({ action }) => action), ['reading']);
  const texts = scripted.eventsOf('message').map(({ text }) => text);
  assert.deepEqual(texts, Array.from({ length: 10 }, (_, index) => String(index)));
  scripted.core.requested();
  assert.equal(link.isReading, true);
});

test('it is read again when something is owed, or somebody listens', () => {
  for (const request of ['publish', 'listen']) {
    const { scripted, link } = full();
    if (request === 'publish') scripted.publish('room');
    else scripted.core.subscribing.listen(new Listener(scripted.core.newQueue()), ['b'], [], new Waiter());
    scripted.core.requested();
    assert.equal(link.isReading, true, request);
    scripted.answer(link);
    assert.equal(link.isReading, request === 'listen', `${request}, answered`);
  }
});

test('while it is unread no Ping is owed, but its end would be noticed by what is written', () => {
  const { scripted, link } = full();
  scripted.core.tick(now() + 5001);
  const [ping] = scripted.written(link);
  assert.deepEqual([ping.kind, ping.id], ['ping', 0]);
  scripted.core.tick(now() + 60_000);
  assert.equal(link.isEnded, false);
});

test('a malformed frame, and a length that cannot be, end the connection and only it', () => {
  for (const bytes of [[0, 0, 0, 0], [0, 0, 0, 1, 0x0b], [0xff, 0xff, 0xff, 0xff]]) {
    const scripted = new Scripted();
    const link = scripted.connect();
    scripted.core.received(link, Buffer.from(bytes));
    assert.ok(link.isEnded);
    assert.match(scripted.core.status.reason, /broke the protocol/);
    scripted.core.tick(now() + 50);
    assert.equal(scripted.connect({ relayId: 'B' }).isEnded, false);
  }
});

test('a relay that says nothing, or something else than Welcome, is tried again', () => {
  const silent = new Scripted();
  const first = silent.open();
  silent.core.opened(first);
  silent.core.tick(now() + 5001);
  assert.ok(first.isEnded);
  assert.match(silent.core.status.reason, /said nothing for 5000 ms/);
  for (const frame of [STATUS, { kind: 'reply', id: 1, outcome: 1 }, { kind: 'message', channel: 'a', payload: 'x' }]) {
    const scripted = new Scripted();
    const link = scripted.open();
    scripted.core.opened(link);
    scripted.send(link, frame);
    assert.ok(link.isEnded, frame.kind);
  }
});

test('VERSION is told once, and the next attempt is slow', () => {
  const scripted = new Scripted();
  let link = scripted.open();
  scripted.core.ended(link, 'nobody is there');
  scripted.events();
  scripted.core.tick(now() + 50);
  for (let attempt = 0; attempt < 2; attempt++) {
    link = scripted.open();
    scripted.core.opened(link);
    scripted.send(link, { kind: 'error', code: Code.VERSION, detail: 'version 1' });
    scripted.core.tick(now() + 490);
    assert.equal(scripted.open(), null);
    scripted.core.tick(now() + 30_001);
  }
  assert.deepEqual(scripted.eventsOf('status').map(({ reason }) => reason), ['/relay.sock: VERSION: version 1']);
});

test('a relay that speaks a newer version only is not spoken to', () => {
  const scripted = new Scripted();
  assert.ok(scripted.connect({ version: 2 }).isEnded);
});

test('that there is no relay is told once', () => {
  const scripted = new Scripted();
  for (let attempt = 0; attempt < 3; attempt++) {
    scripted.core.ended(scripted.open(), 'nobody is there');
    scripted.core.tick(now() + 1000);
  }
  const told = scripted.events();
  assert.deepEqual(told.map(({ state, cause, connected }) => [state, cause, connected]),
    [[State.DOWN, Cause.NO_RELAY, false]]);
  assert.equal(scripted.log.length, 1);
});

test('frames of kinds that are unknown, and what nobody waits for, do no harm', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  scripted.core.received(link, Buffer.from([0, 0, 0, 3, 0x7a, 1, 0xff]));
  scripted.send(link,
    { kind: 'reply', id: 77, outcome: 1 },
    { kind: 'reply', id: 78, outcome: 5, detail: 'x' },
    { kind: 'revoked', channels: ['a'] },
    { kind: 'message', channel: 'a', payload: Buffer.from('x') },
    { kind: 'welcome', version: 1, relayId: 'Z' });
  assert.equal(link.isEnded, false);
  assert.equal(scripted.eventsOf('message').length, 0);
});
