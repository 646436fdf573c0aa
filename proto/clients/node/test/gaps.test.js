'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { Cause, State } = require('../lib/enums');
const { Listener } = require('../lib/restoring');
const { now } = require('../lib/timers');
const { Waiter } = require('../lib/waiter');
const { Scripted, UP } = require('./scripted');

const AWAY = { kind: 'status', state: State.DEGRADED, publishing: true, cause: Cause.CLOSED };

function subscribed(options) {
  const scripted = new Scripted(options);
  const link = scripted.connect();
  scripted.subscribe(['a']);
  scripted.answer(link);
  scripted.events();
  return { scripted, link };
}

/** The Gaps that have come by a time from now. */
function gapsBy(scripted, delay) {
  scripted.core.tick(now() + delay);
  return scripted.eventsOf('gap');
}

test('gaps has grown: one Gap, when receiving again', () => {
  const { scripted, link } = subscribed();
  scripted.send(link, { ...AWAY, gaps: 1, reason: 'cut' });
  assert.deepEqual(gapsBy(scripted, 100), []);
  scripted.send(link, { kind: 'status', ...UP, gaps: 1 });
  const [gap, ...more] = gapsBy(scripted, 1);
  assert.deepEqual([gap.reasons, gap.partial, more], [['cut'], false, []]);
  assert.deepEqual(gapsBy(scripted, 5000), []);
  assert.equal(scripted.core.counters.gaps, 1);
});

test('it comes after a random delay, and a break within that begins anew', () => {
  const { scripted, link } = subscribed({ gapJitter: 1e9 });
  scripted.send(link, { ...AWAY, gaps: 1, reason: 'first' }, { kind: 'status', ...UP, gaps: 1 });
  assert.ok(scripted.core.timers.dueAt('gap') > now());
  scripted.send(link, { ...AWAY, gaps: 2, reason: 'second' });
  assert.equal(scripted.core.timers.dueAt('gap'), undefined);
  scripted.send(link, { kind: 'status', ...UP, gaps: 2 });
  const [gap] = gapsBy(scripted, 2e9);
  assert.deepEqual(gap.reasons, ['first', 'second']);
});

test('publishing alone was lost: no Gap', () => {
  const { scripted, link } = subscribed();
  scripted.send(link, { kind: 'status', state: State.DEGRADED, receiving: true }, { kind: 'status', ...UP });
  assert.deepEqual(gapsBy(scripted, 5000), []);
});

test('nothing is held: no Gap', () => {
  const scripted = new Scripted();
  const link = scripted.connect();
  scripted.send(link, { ...AWAY, gaps: 1 }, { kind: 'status', ...UP, gaps: 1 }, { kind: 'loss', messages: 1 });
  assert.deepEqual(gapsBy(scripted, 5000), []);
});

test('a Gap waits for the Subscribes that were written before receiving, and not for later ones', () => {
  const { scripted, link } = subscribed();
  scripted.send(link, { ...AWAY, gaps: 1 });
  scripted.subscribe(['b']);
  const [earlier] = scripted.written(link);
  scripted.send(link, { kind: 'status', ...UP, gaps: 1 });
  scripted.subscribe(['c']);
  scripted.written(link);
  scripted.send(link, { kind: 'status', ...UP, gaps: 1, outages: 2 });
  assert.deepEqual(gapsBy(scripted, 100), []);
  scripted.send(link, { kind: 'reply', id: earlier.id, outcome: 1 });
  assert.equal(gapsBy(scripted, 1).length, 1);
});

test('a Loss of messages is a Gap at once, to events and to every Subscription', () => {
  const { scripted, link } = subscribed({ gapJitter: 1e9 });
  const listener = new Listener(scripted.core.newQueue());
  scripted.core.subscribing.listen(listener, ['b'], [], new Waiter());
  scripted.answer(link);
  scripted.send(link, { kind: 'loss', messages: 3, cause: Cause.SLOW_READER, reason: 'slow reader' });
  const events = scripted.events();
  assert.deepEqual(events.map(({ type, messages, local }) => [type, messages, local]),
    [['loss', 3, false], ['gap', undefined, undefined]]);
  assert.deepEqual([listener.queue.take().messages, listener.queue.take().reasons], [3, ['slow reader']]);
});

test('a part is away for long: a partial Gap for each growth, and a whole one at the end', () => {
  const { scripted, link } = subscribed();
  scripted.send(link, { ...AWAY, gaps: 1, reason: 'first' });
  const [partial] = gapsBy(scripted, 5001);
  assert.deepEqual([partial.partial, partial.reasons], [true, ['first']]);
  assert.deepEqual(gapsBy(scripted, 60_000), []);
  scripted.send(link, { ...AWAY, gaps: 2, reason: 'second' });
  assert.equal(gapsBy(scripted, 5001).length, 1);
  scripted.send(link, { kind: 'status', ...UP, gaps: 2 });
  assert.deepEqual(gapsBy(scripted, 1).map(({ partial: isPartial }) => isPartial), [false]);
});

test('gaps counts anew with another relay: only a new connection is the reason', () => {
  const { scripted, link } = subscribed();
  scripted.core.ended(link, 'gone');
  scripted.core.tick(now() + 1000);
  scripted.answer(scripted.connect({ relayId: 'B', status: { ...UP, gaps: 7 } }));
  const [gap] = gapsBy(scripted, 1);
  assert.deepEqual(gap.reasons, ['the connection to the relay was lost']);
});
