'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { Cause } = require('../lib/enums');
const { Gap, Loss, Message, Revoked, Status } = require('../lib/events');
const { Counters } = require('../lib/options');
const { EVENT_BYTES, EventQueue, MAX_NOTICES, MESSAGE_OVERHEAD } = require('../lib/queue');

const SIZE = MESSAGE_OVERHEAD + 4 + 10;

function queueOf(messages, counters = new Counters(), total = 1e9) {
  return new EventQueue(messages * SIZE, total, counters);
}

function message(number, channel = 'room') {
  return new Message(channel, Buffer.from(String(number).padStart(10, '0')), '');
}

function taken(queue) {
  const events = [];
  for (let event = queue.take(); event !== null; event = queue.take()) {
    events.push(event.type === 'message' ? Number(event.text) : event.type);
  }
  return events;
}

test('events come in their order', () => {
  const queue = queueOf(10);
  queue.putMessage(message(1), false);
  queue.put(new Gap(['a']));
  queue.putMessage(message(2), false);
  queue.put(new Revoked(['room'], [], ''));
  assert.deepEqual(taken(queue), [1, 'gap', 2, 'revoked']);
  assert.equal(queue.bytes, 0);
});

test('what does not fit is counted, and told in its place', () => {
  const counters = new Counters();
  const queue = queueOf(2, counters);
  for (const number of [1, 2, 3, 4]) queue.putMessage(message(number), false);
  assert.equal(queue.length, 3);
  assert.equal(queue.take().text, '0000000001');
  queue.putMessage(message(5), false);
  assert.equal(queue.take().text, '0000000002');
  const loss = queue.take();
  assert.deepEqual([loss.messages, loss.local, loss.cause], [2, true, Cause.SLOW_READER]);
  assert.deepEqual(taken(queue), ['gap', 5]);
  assert.equal(counters.lostMessages, 2);
  assert.equal(counters.queuedBytes, 0);
});

test('a loss at the end is told when all before it was taken', () => {
  const queue = queueOf(1);
  for (const number of [1, 2]) queue.putMessage(message(number), false);
  assert.deepEqual(taken(queue), [1, 'loss', 'gap']);
});

test('an empty queue takes any one message', () => {
  const queue = new EventQueue(10, 10, new Counters());
  queue.putMessage(new Message('room', Buffer.alloc(10_000), ''), false);
  assert.equal(queue.take().payload.length, 10_000);
});

test('a message that was read before the socket was left unread is taken beyond the bound', () => {
  const queue = queueOf(1);
  for (const number of [1, 2, 3]) queue.putMessage(message(number), true);
  assert.deepEqual(taken(queue), [1, 2, 3]);
});

test('all queues together have a bound', () => {
  const counters = new Counters();
  const [one, other] = [queueOf(10, counters, 3 * SIZE), queueOf(10, counters, 3 * SIZE)];
  for (const number of [1, 2, 3]) one.putMessage(message(number), false);
  assert.ok(other.isFull);
  other.putMessage(message(1), false); // empty: one always fits
  other.putMessage(message(2), false);
  assert.deepEqual(taken(other), [1, 'loss', 'gap']);
  assert.deepEqual(taken(one), [1, 2, 3]);
  assert.equal(counters.queuedBytes, 0);
});

test('losses of one kind with nothing between them are one', () => {
  const queue = queueOf(10);
  queue.put(new Loss({ messages: 1, cause: Cause.SLOW_READER }));
  queue.put(new Loss({ messages: 2, publishes: 3, cause: Cause.SLOW_READER }));
  queue.put(new Loss({ messages: 4, cause: Cause.TOO_LARGE }));
  queue.put(new Loss({ messages: 5, cause: Cause.TOO_LARGE }, true));
  const losses = [queue.take(), queue.take(), queue.take()];
  assert.deepEqual(losses.map(({ messages, publishes, local }) => [messages, publishes, local]),
    [[3, 3, false], [4, 0, false], [5, 0, true]]);
  assert.equal(queue.take(), null);
});

test('of Status and Gap that nobody takes the newest are kept, and no Revoked is dropped', () => {
  const queue = queueOf(10);
  queue.put(new Revoked(['room'], [], ''));
  for (let gaps = 0; gaps < MAX_NOTICES + 5; gaps++) queue.put(new Status({ gaps }));
  assert.equal(queue.length, MAX_NOTICES);
  assert.equal(queue.bytes, MAX_NOTICES * EVENT_BYTES);
  assert.equal(queue.take().type, 'revoked');
  assert.equal(queue.take().gaps, 6);
});

test('who waits is given the next event, in their order', () => {
  const queue = queueOf(10);
  const got = [];
  queue.takers.push((event) => got.push(['first', event.text]));
  queue.takers.push((event) => got.push(['second', event.text]));
  for (const number of [1, 2, 3]) queue.putMessage(message(number), false);
  assert.deepEqual(got, [['first', '0000000001'], ['second', '0000000002']]);
  assert.deepEqual(taken(queue), [3]);
  queue.takers.push((event) => got.push(['third', event.type]), (event) => got.push(['fourth', event.type]));
  queue.put(new Gap([]));
  queue.put(new Revoked([], [], ''));
  assert.deepEqual(got.slice(2), [['third', 'gap'], ['fourth', 'revoked']]);
  assert.equal(queue.bytes, 0);
});

test('the end is told to who waits, and what is there may still be taken', () => {
  const queue = queueOf(10);
  const got = [];
  queue.takers.push((event) => got.push(event));
  queue.end();
  assert.deepEqual(got, [null]);
  const full = queueOf(10);
  full.putMessage(message(1), false);
  full.end();
  assert.ok(full.isEnded);
  assert.deepEqual(taken(full), [1]);
});

test('messages of names that are given up are forgotten, and nothing else', () => {
  const counters = new Counters();
  const queue = queueOf(10, counters);
  queue.putMessage(message(1, 'a'), false);
  queue.putMessage(message(2, 'b'), false);
  queue.put(new Gap([]));
  queue.putMessage(new Message('a', Buffer.from('0000000000'), '*'), false);
  queue.removeMessages(new Set(['a']), new Set(['a*']));
  assert.deepEqual(taken(queue), [2, 'gap', 0]);
  queue.putMessage(message(1), false);
  queue.clear();
  assert.equal(queue.length, 0);
  assert.equal(counters.queuedBytes, 0);
});

test('a queue that is taken from for long keeps nothing of what was taken', () => {
  const queue = queueOf(100_000);
  let next = 0;
  for (let number = 0; number < 20_000; number++) {
    queue.putMessage(message(number), false);
    if (number % 8 !== 0) assert.equal(Number(queue.take().text), next++);
  }
  assert.ok(queue._items.length < 2 * queue.length + 1100);
  assert.deepEqual(taken(queue), Array.from({ length: 20_000 - next }, (_, index) => next + index));
});
