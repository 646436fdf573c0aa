'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { Cause, Outcome, State } = require('../lib/enums');
const { NotConnectedError } = require('../lib/errors');
const { Listener } = require('../lib/restoring');
const { now } = require('../lib/timers');
const { Waiter } = require('../lib/waiter');
const { Scripted, UP } = require('./scripted');

const STOPPING = { kind: 'status', ...UP, state: State.STOPPING, cause: Cause.STOPPING };

function message(text, channel = 'a') {
  return { kind: 'message', channel, payload: Buffer.from(String(text)) };
}

/** A client that listens to "a" and whose relay is stopping: the old connection, and what has been taken. */
function stopping(options) {
  const scripted = new Scripted(options);
  const old = scripted.connect();
  const listener = new Listener(scripted.core.newQueue());
  scripted.core.subscribing.listen(listener, ['a'], [], new Waiter());
  scripted.answer(old);
  scripted.events();
  scripted.send(old, STOPPING);
  const taken = () => {
    const events = [];
    for (let event = listener.queue.take(); event !== null; event = listener.queue.take()) {
      events.push(event.type === 'message' ? event.text : event.type);
    }
    return events;
  };
  return { scripted, old, taken };
}

/** The fence of a move, subscribed to on both. */
function fenceOf(scripted, old, next) {
  const [asked] = scripted.written(old);
  const [{ id }, { id: fenceId, channels: [fence] }] = scripted.written(next);
  assert.match(fence, /^__hubrelay:fence:.{1,64}$/);
  assert.deepEqual(asked.channels, [fence]);
  return {
    fence,
    grant() {
      scripted.send(old, { kind: 'reply', id: asked.id, outcome: Outcome.OK });
      for (const granted of [id, fenceId]) scripted.send(next, { kind: 'reply', id: granted, outcome: Outcome.OK });
    },
  };
}

test('with a fence every message comes once and in order, and there is no Gap', () => {
  const { scripted, old, taken } = stopping();
  const next = scripted.connect({ relayId: 'B' });
  const { fence, grant } = fenceOf(scripted, old, next);
  scripted.send(old, message(1));
  scripted.send(next, message(1));
  grant();
  const [published] = scripted.written(next);
  assert.deepEqual([published.kind, published.channel], ['publish', fence]);
  scripted.send(next, message(2), message('', fence), message(3), message(4));
  scripted.send(old, message(2));
  assert.deepEqual(taken(), ['1', '2']);
  scripted.send(old, message('', fence), message(3));
  scripted.send(next, message(5));
  scripted.send(old, message(5));
  assert.deepEqual(taken(), ['3', '4', '5']);
  assert.ok(old.shutWhenWritten);
  assert.deepEqual(scripted.written(next).map(({ kind, channels }) => [kind, channels]), [['unsubscribe', [fence]]]);
  scripted.core.tick(now() + 100);
  assert.deepEqual(scripted.eventsOf('gap'), []);
});

test('what the old connection sends behind its fence is left to the next one, whose fence may come later', () => {
  const { scripted, old, taken } = stopping();
  const next = scripted.connect({ relayId: 'B' });
  const { fence, grant } = fenceOf(scripted, old, next);
  grant();
  scripted.send(old, message(1), message('', fence), message(2));
  scripted.send(next, message(1));
  assert.deepEqual(taken(), ['1']);
  scripted.send(next, message('', fence), message(2));
  assert.deepEqual(taken(), ['2']);
  assert.equal(scripted.core.move, null);
});

test('a fence that does not come is given up: one Gap, and nothing that was kept is lost', () => {
  const { scripted, old, taken } = stopping();
  const next = scripted.connect({ relayId: 'B' });
  const { fence, grant } = fenceOf(scripted, old, next);
  grant();
  scripted.send(next, message(1), message('', fence), message(2));
  assert.deepEqual(taken(), []);
  scripted.core.tick(now() + 251);
  scripted.core.tick(now() + 1);
  scripted.send(old, message(2));
  assert.deepEqual(taken(), ['2', 'gap']);
  assert.ok(old.shutWhenWritten);
});

test('what is kept behind the fence is bounded', () => {
  const { scripted, old, taken } = stopping({ eventsBytes: 64 << 20 });
  const next = scripted.connect({ relayId: 'B', maxFrameBytes: 1_052_672, maxPayloadBytes: 1 << 20 });
  const { fence, grant } = fenceOf(scripted, old, next);
  grant();
  scripted.send(next, message('', fence));
  for (let count = 0; count < 5; count++) scripted.send(next, message('x'.repeat(1 << 20)));
  assert.equal(scripted.core.move, null);
  scripted.answer(next);
  scripted.core.tick(now());
  assert.deepEqual(taken().map((text) => text.length), [1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 'gap'.length]);
});

test('without a fence the next one counts from its last Reply on, and there is a Gap', () => {
  const { scripted, old, taken } = stopping();
  const next = scripted.connect({ relayId: 'B', features: ['settled'] });
  scripted.send(next, message(1));
  scripted.send(old, message(1));
  scripted.answer(next);
  scripted.send(old, message(2));
  scripted.send(next, message(2));
  scripted.core.tick(now());
  assert.deepEqual(taken(), ['1', '2', 'gap']);
});

test('where nothing is held there is no fence, and no Gap', () => {
  const scripted = new Scripted();
  const old = scripted.connect();
  scripted.send(old, STOPPING);
  const next = scripted.connect({ relayId: 'B' });
  assert.deepEqual(scripted.written(next), []);
  assert.ok(old.shutWhenWritten);
  assert.deepEqual(scripted.eventsOf('gap'), []);
});

test('a Welcome with STOPPING, or of the same relay, is not a successor', () => {
  const { scripted, old } = stopping();
  for (const welcome of [{ relayId: 'A' }, { relayId: 'B', status: { ...UP, state: State.STOPPING } }]) {
    const candidate = scripted.connect(welcome);
    assert.ok(candidate.isEnded);
    scripted.core.tick(now() + 50);
  }
  assert.equal(scripted.core.link, old);
  const next = scripted.connect({ relayId: 'C' });
  assert.equal(scripted.core.link, next);
});

test('without a successor in time the old relay is left, and read to its end', async () => {
  const { scripted, old } = stopping();
  const owed = scripted.publish('a');
  scripted.core.tick(now() + 251);
  assert.ok(old.shutWhenWritten);
  assert.equal(scripted.core.status.connected, false);
  await assert.rejects(scripted.publish('a').promise, NotConnectedError);
  scripted.answer(old);
  assert.equal(await owed.promise, 0);
  scripted.core.ended(old, 'closed');
  assert.deepEqual(scripted.eventsOf('loss'), []);
});

test('publishes wait until the old connection has ended, and for no longer than 250 ms', async () => {
  for (const isInTime of [true, false]) {
    const { scripted, old } = stopping();
    const owed = scripted.publish('a', '1');
    const [first] = scripted.written(old);
    const next = scripted.connect({ relayId: 'B', features: [] });
    scripted.answer(next);
    const waits = scripted.publish('a', '2');
    await assert.rejects(scripted.publish('a', 'now', false).promise, { code: 'CONGESTED' });
    assert.deepEqual(scripted.written(next), []);
    scripted.send(old, { kind: 'reply', id: first.id, outcome: Outcome.OK, receivers: 3 });
    assert.equal(await owed.promise, 3);
    if (isInTime) scripted.core.ended(old, 'closed');
    else scripted.core.tick(now() + 251);
    assert.deepEqual(scripted.written(next).map(({ payload }) => String(payload)), ['2']);
    assert.equal(waits.isDone, false);
  }
});

test('subscribes during a move go to both, and the caller is given the old one\'s Reply', async () => {
  const { scripted, old } = stopping();
  const next = scripted.connect({ relayId: 'B' });
  scripted.written(old);
  scripted.written(next);
  const subscribe = scripted.subscribe(['b']);
  const [asked] = scripted.written(old);
  assert.deepEqual(scripted.written(next).map(({ channels }) => channels), [['b']]);
  scripted.send(old, { kind: 'reply', id: asked.id, outcome: Outcome.PENDING });
  assert.equal(await subscribe.promise, 'PENDING');
});

test('a successor that ends before it has taken over is none: the old one goes on', () => {
  const { scripted, old, taken } = stopping();
  const next = scripted.connect({ relayId: 'B' });
  const [{ channels: [fence] }] = scripted.written(old);
  scripted.core.ended(next, 'gone');
  assert.deepEqual(scripted.written(old).map(({ kind, channels }) => [kind, channels]), [['unsubscribe', [fence]]]);
  scripted.send(old, message(1));
  assert.deepEqual(taken(), ['1']);
  assert.equal(scripted.core.link, old);
  assert.equal(scripted.core.status.state, State.STOPPING);
});

test('the old relay\'s Status is told again when its successor ends, if another one was told since', () => {
  for (const isTold of [true, false]) {
    const { scripted, taken } = stopping();
    scripted.events();
    const next = scripted.connect({ relayId: 'B' });
    if (isTold) scripted.answer(next);
    scripted.core.ended(next, 'gone');
    const states = scripted.eventsOf('status').map(({ state, reason }) => [state, reason]);
    assert.deepEqual(states, isTold ? [[State.UP, ''], [State.STOPPING, '']] : []);
    assert.equal(scripted.core.status.state, State.STOPPING);
    scripted.core.tick(now());
    assert.deepEqual(taken(), []);
  }
});

test('who listens during a move to what is held does not wait for the next connection', () => {
  const { scripted } = stopping();
  scripted.connect({ relayId: 'B' });
  const waiter = new Waiter();
  scripted.core.subscribing.listen(new Listener(scripted.core.newQueue()), ['a'], [], waiter);
  assert.ok(waiter.isDone);
});

test('a time for the relay begins anew if this process was stopped meanwhile', () => {
  const { scripted, old, taken } = stopping();
  scripted.core.tick(now() + 2000); // for the successor
  assert.equal(scripted.core.link, old);
  const next = scripted.connect({ relayId: 'B' });
  const { grant } = fenceOf(scripted, old, next);
  grant();
  scripted.core.tick(now() + 2000); // for the fence
  assert.equal(scripted.core.serving, old);
  scripted.core.tick(now() + 251);
  assert.equal(scripted.core.serving, next);
  scripted.core.tick(now() + 20_000); // for what the former one owes
  scripted.core.tick(now());
  assert.equal(old.isEnded, false);
  assert.deepEqual(taken(), ['gap']);
});

test('a successor that says STOPPING is closed, and the old one goes on', () => {
  const { scripted, old, taken } = stopping();
  scripted.events();
  const next = scripted.connect({ relayId: 'B' });
  scripted.send(next, STOPPING);
  assert.ok(next.isEnded);
  assert.equal(scripted.core.serving, old);
  assert.equal(old.shutWhenWritten, false);
  assert.ok(scripted.core.timers.dueAt('successor') <= now() + 250);
  scripted.send(old, message(1));
  scripted.core.tick(scripted.core.timers.dueAt('attempt'));
  assert.deepEqual(taken(), ['1']);
  assert.deepEqual(scripted.events(), []);
  const third = scripted.connect({ relayId: 'C' });
  assert.equal(scripted.core.move.next, third);
});

test('what a relay that was left has not answered at its end is PENDING, and asked for at the next one', async () => {
  const { scripted, old, taken } = stopping();
  const subscribe = scripted.subscribe(['b']);
  const unsubscribe = new Waiter();
  scripted.core.subscribing.unsubscribe(['c'], [], unsubscribe);
  scripted.written(old);
  scripted.core.tick(now() + 251); // left without a successor
  const next = scripted.connect({ relayId: 'B' });
  scripted.answer(next);
  scripted.core.tick(now());
  assert.deepEqual(taken(), ['gap']);
  scripted.core.ended(old, 'gone');
  assert.equal(await subscribe.promise, 'PENDING');
  assert.equal(await unsubscribe.promise, 'OK');
  scripted.answer(next);
  assert.ok([...next.asked].some(({ text }) => text === 'b'));
  scripted.core.tick(now());
  assert.deepEqual(taken(), ['gap']);
});

test('what the old connection says of its state after the move does not count, its losses do', () => {
  const { scripted, old } = stopping();
  scripted.core.publishing.send('a', '1');
  scripted.written(old);
  const next = scripted.connect({ relayId: 'B', features: [] });
  scripted.answer(next);
  scripted.events();
  scripted.send(old, { kind: 'status', state: State.DOWN, gaps: 9 }, { kind: 'loss', publishes: 1, messages: 2 });
  const events = scripted.events();
  assert.deepEqual(events.map(({ type, publishes, messages }) => [type, publishes, messages]), [['loss', 1, 0]]);
  assert.equal(scripted.core.status.state, State.UP);
});

test('one connection is drained at a time', async () => {
  const { scripted, old } = stopping();
  const owed = scripted.publish('a');
  scripted.written(old);
  const next = scripted.connect({ relayId: 'B', features: [] });
  scripted.answer(next);
  scripted.send(next, STOPPING);
  const third = scripted.connect({ relayId: 'C', features: [] });
  assert.ok(old.isEnded);
  await assert.rejects(owed.promise, { code: 'INTERRUPTED' });
  scripted.answer(third);
  assert.equal(scripted.core.old, next);
});
