'use strict';

const { Cause } = require('./enums');
const { Gap, Loss, Message } = require('./events');

/** @typedef {import('./events').Event} Event */

/** The bytes that a message takes beside its names and its payload, and those that any other event takes. */
const MESSAGE_OVERHEAD = 200;
const EVENT_BYTES = 400;
/** If more events wait that are not messages, the oldest Status or Gap is dropped. */
const MAX_NOTICES = 1000;
/** If a queue's array begins with more taken events than this, they may be cut off. */
const MAX_TAKEN = 1024;

/** @param {Message} message */
function sizeOf(message) {
  return message.payload.length + message.channel.length + message.pattern.length + MESSAGE_OVERHEAD;
}

/** Events that the application has not taken, bounded in bytes. A Loss takes the place of messages that did not fit. */
class EventQueue {
  /**
   * @param {number} limit bytes
   * @param {number} totalLimit bytes for all queues together
   * @param {import('./options').Counters} counters `queuedBytes` is what all queues hold
   */
  constructor(limit, totalLimit, counters) {
    this.bytes = 0;
    this.isEnded = false;
    /** @type {((event: Event | null) => void)[]} Each gets one event, or null at the end. */
    this.takers = [];
    /** @type {(() => void) | null} Called when there is something to take, and nobody waits for it. */
    this.whenFilled = null;
    /** @type {Event[]} Those before `_first` have been taken. */
    this._items = [];
    this._first = 0;
    this._limit = limit;
    this._totalLimit = totalLimit;
    this._counters = counters;
    this._lost = 0; // messages after the last item for which there was no room
    this._notices = 0; // items that are not messages
  }

  get length() {
    return this._items.length - this._first + (this._lost > 0 ? 1 : 0);
  }

  /** Whether this queue, or all queues together, have reached their limit. */
  get isFull() {
    return this.bytes >= this._limit || this._counters.queuedBytes >= this._totalLimit;
  }

  /**
   * Puts a message, or counts it as lost. An empty queue takes one of any size.
   * @param {Message} message
   * @param {boolean} mayExceed true: the limits do not apply, since the socket will be left unread after this
   */
  putMessage(message, mayExceed) {
    if (this.takers.length > 0) { // so the queue is empty
      this.takers.shift()?.(message);
      return;
    }
    const size = sizeOf(message);
    if (!mayExceed && this._items.length > this._first &&
        (this.bytes + size > this._limit || this._counters.queuedBytes + size > this._totalLimit)) {
      this._lost++;
      return;
    }
    if (this._lost > 0) this._tellLost();
    this.bytes += size;
    this._counters.queuedBytes += size;
    this._items.push(message);
    if (this.whenFilled !== null) this.whenFilled();
  }

  /**
   * Puts an event that is not a message. It is never refused. Losses of one kind with nothing between them are merged.
   * Beyond MAX_NOTICES the oldest Status or Gap is dropped.
   * @param {Exclude<Event, Message>} event
   */
  put(event) {
    if (this._lost > 0) this._tellLost();
    if (event.type === 'loss' && this._merge(event)) return;
    this._append(event);
    if (this._notices > MAX_NOTICES) this._dropOldestNotice();
    this._wake();
  }

  /** The next event, or null. */
  take() {
    if (this._first === this._items.length) {
      if (this._lost === 0) return null;
      this._tellLost();
    }
    const event = this._items[this._first++];
    if (this._first === this._items.length) {
      this._items.length = this._first = 0;
    } else if (this._first > MAX_TAKEN && 2 * this._first > this._items.length) {
      this._items = this._items.slice(this._first);
      this._first = 0;
    }
    this._count(event, -1);
    return event;
  }

  /** Ends the queue. The events in it may still be taken. */
  end() {
    if (this.isEnded) return;
    this.isEnded = true;
    for (const take of this.takers.splice(0)) take(null);
    if (this.whenFilled) this.whenFilled();
  }

  /**
   * Forgets the messages that came by these names.
   * @param {Set<string>} channels
   * @param {Set<string>} patterns
   */
  removeMessages(channels, patterns) {
    const kept = this._items.slice(this._first).filter((event) => {
      const isGone = event.type === 'message' &&
        (event.pattern ? patterns.has(event.pattern) : channels.has(event.channel));
      if (isGone) this._count(event, -1);
      return !isGone;
    });
    this._items = kept;
    this._first = 0;
  }

  /** Forgets everything. */
  clear() {
    this._counters.queuedBytes -= this.bytes;
    this.bytes = this._lost = this._notices = this._first = 0;
    this._items = [];
  }

  /** @param {Loss} loss */
  _merge(loss) {
    const last = this._items.length > this._first ? this._items[this._items.length - 1] : null;
    if (!(last instanceof Loss) || last.cause !== loss.cause || last.local !== loss.local) return false;
    this._items[this._items.length - 1] = new Loss({
      ...last,
      kind: 'loss',
      messages: last.messages + loss.messages,
      publishes: last.publishes + loss.publishes,
      publishesUnknown: last.publishesUnknown + loss.publishesUnknown,
    }, last.local);
    return true;
  }

  _tellLost() {
    const messages = this._lost;
    this._lost = 0;
    this._counters.lostMessages += messages;
    this._append(new Loss({ messages, cause: Cause.SLOW_READER, reason: 'not read in time' }, true));
    this._append(new Gap(['messages were dropped, since they were not read in time']));
  }

  /** @param {Event} event */
  _append(event) {
    this._items.push(event);
    this._count(event, 1);
  }

  /** @param {Event} event @param {1 | -1} sign */
  _count(event, sign) {
    const isMessage = event.type === 'message';
    const size = isMessage ? sizeOf(event) : EVENT_BYTES;
    if (!isMessage) this._notices += sign;
    this.bytes += sign * size;
    this._counters.queuedBytes += sign * size;
  }

  _dropOldestNotice() {
    const index = this._items.findIndex((event, at) => at >= this._first &&
      (event.type === 'status' || event.type === 'gap'));
    if (index >= 0) this._count(this._items.splice(index, 1)[0], -1);
  }

  _wake() {
    if (this.takers.length > 0) {
      const taker = this.takers.shift();
      if (taker) taker(this.take());
    } else if (this.whenFilled) {
      this.whenFilled();
    }
  }
}

module.exports = { EVENT_BYTES, EventQueue, MAX_NOTICES, MESSAGE_OVERHEAD, sizeOf };
