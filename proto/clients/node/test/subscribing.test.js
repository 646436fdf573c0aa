'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { encode } = require('../lib/codec');
const { Outcome, State } = require('../lib/enums');
const { InvalidError, LimitError, RefusedError } = require('../lib/errors');
const { Listener } = require('../lib/restoring');
const { now } = require('../lib/timers');
const { Waiter } = require('../lib/waiter');
const { Scripted, UP, watched } = require('./scripted');

const NO_PATTERNS = { features: ['settled'] };

function listen(scripted, channels, patterns = []) {
  const listener = new Listener(scripted.core.newQueue());
  const waiter = new Waiter();
  scripted.core.subscribing.listen(listener, channels, patterns, waiter);
  return { listener, ...watched(waiter), promise: waiter.promise };
}

function message(channel, text, pattern = '') {
  return { kind: 'message', channel, payload: Buffer.from(text), pattern };
}

function taken(listener) {
  const events = [];
  for (let event = listener.queue.take(); event !== null; event = listener.queue.take()) {
    events.push(event.type === 'message' ? event.text : event.type);
  }
  return events;
}

/** Loses the connection, and makes the next one. */
function reconnect(scripted, link, welcome) {
  scripted.core.ended(link, 'gone');
  scripted.core.tick(now() + 1000);
  return scripted.connect({ relayId: 'B', ...welcome });
}

test('what is held is asked for on the next connection, all of it and nothing else', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  scripted.subscribe(['a', 'b'], ['c*']);
  listen(scripted, ['b', 'd']);
  const closed = listen(scripted, ['e']);
  scripted.answer(link);
  scripted.core.subscribing.unlisten(closed.listener);
  scripted.answer(link);
  const [frame, ...others] = scripted.written(reconnect(scripted, link));
  assert.deepEqual([frame.channels.sort(), frame.patterns], [['a', 'b', 'd'], ['c*']]);
  assert.deepEqual(others, []);
});

test('UP is told when the restore has its Replies, and the Gap comes after it', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  scripted.subscribe(['a']);
  scripted.answer(link);
  scripted.events();
  const next = reconnect(scripted, link);
  assert.deepEqual(scripted.events().map(({ type, connected }) => [type, connected]), [['status', false]]);
  scripted.answer(next);
  scripted.core.tick(now());
  const events = scripted.events().map(({ type, state }) => [type, state]);
  assert.deepEqual(events, [['status', State.UP], ['gap', undefined]]);
});

test('a list that fits no frame is split, by the numbers of this Welcome', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const channels = Array.from({ length: 30 }, (_, index) => `${index}-`.padEnd(500, 'x'));
  scripted.subscribe(channels);
  assert.equal(scripted.written(link).length, 2);
  const next = reconnect(scripted, link, { maxFrameBytes: 4200, maxPayloadBytes: 104 });
  const frames = scripted.written(next);
  assert.equal(frames.length, 4);
  assert.deepEqual(frames.flatMap((frame) => frame.channels), channels);
});

test('a name that is refused does not cost the others, and is told', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const { listener } = listen(scripted, ['a', 'bad']);
  scripted.subscribe(['b', 'bad']);
  scripted.answer(link);
  const next = reconnect(scripted, link);
  const [{ id }] = scripted.written(next);
  scripted.events();
  scripted.send(next, { kind: 'reply', id, outcome: Outcome.REFUSED, channels: ['bad'], detail: 'NOPERM' });
  assert.deepEqual(taken(listener), ['revoked']);
  assert.ok(listener.queue.isEnded);
  const revoked = scripted.eventsOf('revoked').map(({ channels, detail }) => [channels, detail]);
  assert.deepEqual(revoked, [[['bad'], 'NOPERM']]);
  assert.deepEqual(scripted.written(next).map(({ channels }) => channels), [['b']]);
});

test('near a limit half is asked for, and the rest when that was granted', () => {
  const scripted = new Scripted();
  const link = scripted.connect({ maxFrameBytes: 1 << 20 });
  const count = 1000;
  scripted.subscribe(Array.from({ length: count }, (_, index) => `room.${index}`));
  scripted.answer(link);
  const next = reconnect(scripted, link, { maxFrameBytes: 1 << 20 });
  scripted.events();
  const limit = 333;
  const held = new Set();
  let requests = 0;
  for (let frames = scripted.written(next); frames.length > 0; frames = scripted.written(next)) {
    for (const { id, channels } of frames) {
      requests++;
      const isGranted = held.size + channels.length <= limit;
      if (isGranted) for (const name of channels) held.add(name);
      scripted.send(next, { kind: 'reply', id, outcome: isGranted ? Outcome.OK : Outcome.LIMIT });
    }
  }
  assert.equal(held.size, limit);
  const revoked = scripted.eventsOf('revoked').flatMap(({ channels }) => channels);
  assert.equal(revoked.length, count - limit);
  assert.ok(requests < 40, `${requests} requests`);
});

test('an outcome that is unknown is narrowed down to the names that are wrong', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const channels = Array.from({ length: 20 }, (_, index) => `room.${index}`);
  scripted.subscribe(channels);
  scripted.answer(link);
  const next = reconnect(scripted, link);
  const held = [];
  scripted.events();
  for (let frames = scripted.written(next); frames.length > 0; frames = scripted.written(next)) {
    for (const frame of frames) {
      const isGranted = !frame.channels.includes('room.7');
      if (isGranted) held.push(...frame.channels);
      scripted.send(next, { kind: 'reply', id: frame.id, outcome: isGranted ? Outcome.OK : 99 });
    }
  }
  assert.deepEqual(scripted.eventsOf('revoked').map((event) => event.channels), [['room.7']]);
  assert.equal(held.length, 19);
});

test('patterns are Invalid where there are none, and revoked where the next relay has none', async () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const { listener } = listen(scripted, [], ['a*']);
  scripted.subscribe(['b']);
  scripted.answer(link);
  const next = reconnect(scripted, link, NO_PATTERNS);
  assert.deepEqual(taken(listener), ['revoked']);
  assert.deepEqual(scripted.written(next).map(({ channels, patterns }) => [channels, patterns]), [[['b'], []]]);
  assert.throws(() => listen(scripted, [], ['a*']), InvalidError);
  assert.throws(() => listen(scripted, []), InvalidError);
});

test('several listen to one channel: one Subscribe, all get every message, the last one unsubscribes', async () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const one = listen(scripted, ['a']);
  const other = listen(scripted, ['a']);
  const [{ id }, ...more] = scripted.written(link);
  assert.deepEqual(more, []);
  scripted.send(link, { kind: 'reply', id, outcome: Outcome.OK }, message('a', '1'));
  assert.deepEqual([await one.promise, await other.promise], ['OK', 'OK']);
  scripted.core.subscribing.unlisten(one.listener);
  assert.deepEqual(scripted.written(link), []);
  scripted.send(link, message('a', '2'));
  assert.deepEqual([taken(one.listener), taken(other.listener)], [[], ['1', '2']]);
  scripted.core.subscribing.unlisten(other.listener);
  assert.deepEqual(scripted.written(link).map(({ kind }) => kind), ['unsubscribe']);
});

test('who joins a request that is refused for another name asks for its own', async () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const refused = listen(scripted, ['a', 'bad']);
  const joined = listen(scripted, ['a']);
  const [{ id }] = scripted.written(link);
  scripted.send(link, { kind: 'reply', id, outcome: Outcome.REFUSED, channels: ['bad'] });
  await assert.rejects(refused.promise, (error) => error instanceof RefusedError && error.channels[0] === 'bad');
  const frames = scripted.written(link).filter(({ kind }) => kind === 'subscribe');
  assert.deepEqual(frames.map(({ channels }) => channels), [['a']]);
  scripted.send(link, { kind: 'reply', id: frames[0].id, outcome: Outcome.OK }, message('a', '1'));
  assert.equal(await joined.promise, 'OK');
  assert.deepEqual(taken(joined.listener), ['1']);
});

test('a subscribe of which one part is not granted fails as a whole, and the rest is given up', async () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const channels = Array.from({ length: 20 }, (_, index) => `${index}-`.padEnd(500, 'x'));
  scripted.subscribe([channels[0]]);
  scripted.answer(link);
  const whole = scripted.subscribe(channels);
  const [one, two] = scripted.written(link);
  scripted.send(link, { kind: 'reply', id: one.id, outcome: Outcome.OK });
  scripted.send(link, { kind: 'reply', id: two.id, outcome: Outcome.LIMIT });
  await assert.rejects(whole.promise, LimitError);
  const [gone] = scripted.written(link);
  assert.equal(gone.kind, 'unsubscribe');
  assert.deepEqual(gone.channels, one.channels.slice(1)); // the first was held before
});

test('a message belongs to its pattern, or to its channel, and to nobody else', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const byName = listen(scripted, ['a1']).listener;
  const byPattern = listen(scripted, [], ['a*']).listener;
  scripted.answer(link);
  scripted.send(link, message('a1', '1'), message('a1', '2', 'a*'), message('b', '3'), message('a1', '4', 'b*'));
  assert.deepEqual([taken(byName), taken(byPattern)], [['1'], ['2']]);
});

test('names are compared byte by byte, and may be any UTF-8', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const composed = listen(scripted, ['caf\u00e9']).listener;
  const combined = listen(scripted, ['cafe\u0301']).listener;
  const marked = listen(scripted, ['\ufeffa']).listener;
  scripted.answer(link);
  scripted.send(link, message('caf\u00e9', '1'), message('cafe\u0301', '2'));
  scripted.send(link, message('\ufeffa', '3'), message('a', '4'));
  assert.deepEqual([taken(composed), taken(combined), taken(marked)], [['1'], ['2'], ['3']]);
});

test('a payload is not changed by what is read later', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const { listener } = listen(scripted, ['a']);
  scripted.answer(link);
  const buffer = encode(message('a', 'first'));
  scripted.core.received(link, buffer);
  buffer.fill(0);
  assert.deepEqual(taken(listener), ['first']);
});

test('payloads of any size that come in one read are each their own', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const { listener } = listen(scripted, ['a']);
  scripted.answer(link);
  const texts = [0, 1, 4000, 3000, 3000, 5000, 10, 4000, 2].map((size, index) => String(index).padEnd(size, 'abc'));
  const buffer = Buffer.concat(texts.map((text) => encode(message('a', text))));
  for (const split of [0, 9000]) {
    scripted.core.received(link, Buffer.from(buffer.subarray(0, split)));
    const rest = Buffer.from(buffer.subarray(split));
    scripted.core.received(link, rest);
    rest.fill(0);
    assert.deepEqual(taken(listener), texts);
  }
});

test('PENDING is followed by a Gap when the relay receives', async () => {
  const scripted = new Scripted();
  const link = scripted.connect({ status: { state: State.DEGRADED, publishing: true } });
  const { promise, listener } = listen(scripted, ['a']);
  scripted.answer(link, Outcome.PENDING);
  assert.equal(await promise, 'PENDING');
  scripted.send(link, { kind: 'status', ...UP });
  scripted.core.tick(now());
  assert.deepEqual(taken(listener), ['gap']);
});

test('what was asked for without a relay is followed by a Gap, though nothing was held before', async () => {
  const scripted = new Scripted();
  scripted.core.ended(scripted.open(), 'nobody is there');
  const { promise, listener } = listen(scripted, ['a']);
  assert.equal(await promise, 'PENDING');
  scripted.core.tick(now() + 1000);
  scripted.answer(scripted.connect());
  scripted.core.tick(now());
  assert.deepEqual(taken(listener), ['gap']);
});

test('Revoked ends a Subscription, also if it has other names, which are given up', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  const { listener } = listen(scripted, ['a', 'b']);
  scripted.answer(link);
  scripted.send(link, message('a', '1'), { kind: 'revoked', channels: ['a'], detail: 'NOPERM' }, message('b', '2'));
  assert.deepEqual(taken(listener), ['1', 'revoked']);
  const [frame] = scripted.written(link);
  assert.deepEqual([frame.kind, frame.channels], ['unsubscribe', ['b']]);
  assert.equal([...scripted.core.names].length, 0);
});

test('after unsubscribe no message of the names is left, and what is listened to goes on', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  scripted.subscribe(['a', 'b']);
  const { listener } = listen(scripted, ['a']);
  scripted.answer(link);
  scripted.send(link, message('a', '1'), message('b', '2'));
  const waiter = new Waiter();
  scripted.core.subscribing.unsubscribe(['a', 'b'], [], waiter);
  const [frame] = scripted.written(link);
  assert.deepEqual(frame.channels, ['b']);
  scripted.send(link, message('a', '3'), { kind: 'reply', id: frame.id, outcome: Outcome.OK });
  assert.deepEqual(scripted.eventsOf('message'), []);
  assert.deepEqual(taken(listener), ['1', '3']);
});
