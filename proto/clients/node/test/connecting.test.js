'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { Backoff, Watch, isHopeless, randomUpTo } = require('../lib/connecting');
const { Code } = require('../lib/enums');
const { optionsWith } = require('../lib/options');
const { Timers, now } = require('../lib/timers');

const most = (bound) => bound;

test('the bound of the delay doubles from 20 ms to 500 ms', () => {
  const backoff = new Backoff(optionsWith({}), most);
  assert.deepEqual(Array.from({ length: 7 }, () => backoff.next(false)), [20, 40, 80, 160, 320, 500, 500]);
});

test('a good connection makes it begin anew, a short one does not', () => {
  const backoff = new Backoff(optionsWith({}), most);
  backoff.next(false);
  backoff.ended(4999);
  assert.equal(backoff.next(false), 40);
  backoff.ended(5000);
  assert.equal(backoff.next(false), 20);
});

test('after a hopeless answer the delay is between half a bound and the bound, up to 30 s', () => {
  const upper = new Backoff(optionsWith({}), most);
  const lower = new Backoff(optionsWith({}), () => 0);
  assert.deepEqual(Array.from({ length: 7 }, () => upper.next(true)), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.deepEqual(Array.from({ length: 3 }, () => lower.next(true)), [500, 1000, 2000]);
  assert.equal(upper.next(false), 20);
  assert.equal(upper.next(true), 1000);
});

test('random numbers are within their bound, and not all the same', () => {
  const numbers = Array.from({ length: 100 }, () => randomUpTo(10));
  assert.ok(numbers.every((number) => number >= 0 && number < 10));
  assert.ok(new Set(numbers).size > 90);
});

test('VERSION and NOT_ALLOWED are hopeless, others are not', () => {
  assert.deepEqual(Object.values(Code).filter(isHopeless), [Code.VERSION, Code.NOT_ALLOWED]);
});

test('a Ping is due after 15 s of silence, after 5 s while something is owed, and the end 5 s later', () => {
  const watch = new Watch(optionsWith({}));
  assert.equal(watch.due(1000, null, null), 16_000);
  assert.equal(watch.due(1000, 2000, null), 7000);
  assert.equal(watch.due(3000, 2000, null), 8000);
  assert.equal(watch.due(1000, 2000, 9000), 14_000);
  assert.equal(watch.period, 5000);
});

test('timers are due in time, once, and what one of them changes counts', () => {
  const timers = new Timers();
  timers.set('a', 10);
  timers.set('b', 20);
  timers.set('c', 30_000);
  assert.ok(timers.hasChanged);
  assert.ok(timers.deadline <= now() + 10);
  const due = [];
  for (const [name] of timers.takeDue(now() + 25)) {
    due.push(name);
    timers.set('b', null);
  }
  assert.deepEqual(due, ['a']);
  assert.deepEqual([...timers.takeDue(now() + 25)], []);
  assert.ok(timers.deadline > now() + 20_000);
  timers.clear();
  assert.equal(timers.deadline, null);
});

test('options have defaults, and those that do not exist are errors', () => {
  assert.equal(optionsWith({}).eventsBytes, 4 << 20);
  assert.equal(optionsWith({ drain: 1, settle: undefined }).drain, 1);
  assert.equal(optionsWith({ settle: undefined }).settle, 1000);
  for (const options of [{ drian: 1 }, { drain: '1' }, { drain: -1 }, { drain: NaN }]) {
    assert.throws(() => optionsWith(options), TypeError);
  }
});
