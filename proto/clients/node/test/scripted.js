'use strict';

// A Core without sockets, and the relay's side of its connections, played by the test.

const { decode, encode } = require('../lib/codec');
const { Core } = require('../lib/core');
const { Outcome, State } = require('../lib/enums');
const { Counters, optionsWith } = require('../lib/options');
const { CLIENT_FRAME } = require('../lib/schema');
const { Waiter } = require('../lib/waiter');

const ALL_FEATURES = ['patterns', 'settled', 'fence'];
const UP = { state: State.UP, publishing: true, receiving: true };

class Scripted {
  /** @param {Record<string, number>} [options] */
  constructor(options = {}) {
    this.log = [];
    const logger = { info: (text) => this.log.push(text), warn: (text) => this.log.push(text) };
    this.core = new Core('test', optionsWith({ gapJitter: 0, ...options }), new Counters(), logger, '/relay.sock');
    this.closed = [];
    this.core.start();
  }

  /** Connects the connection that the core wants to open, and says Welcome there. */
  connect(welcome = {}) {
    const link = this.open();
    this.core.opened(link);
    this.send(link, {
      kind: 'welcome',
      version: 1,
      relayId: 'A',
      maxFrameBytes: 8192,
      maxPayloadBytes: 4096,
      status: UP,
      features: ALL_FEATURES,
      ...welcome,
    });
    return link;
  }

  /** The connection that the core wants to open. */
  open() {
    let opened = null;
    for (const { action, link } of this.core.actions.splice(0)) {
      if (action === 'open') opened = link;
      if (action === 'close') this.closed.push(link);
    }
    return opened;
  }

  send(link, ...frames) {
    this.core.received(link, Buffer.concat(frames.map(encode)));
  }

  /** The frames that have been written, all of them taken by the socket; without Hello. */
  written(link) {
    const frames = [];
    for (let batch = link.outbox.take(); batch !== null; batch = link.outbox.take()) {
      for (let position = 0; position < batch.length;) {
        const end = position + 4 + batch.readUInt32BE(position);
        frames.push(decode(batch, position + 4, end, CLIENT_FRAME));
        position = end;
      }
      link.outbox.wrote();
      this.core.wrote();
    }
    return frames.filter((frame) => frame.kind !== 'hello');
  }

  /** Answers everything that was asked for with OK, again and again until nothing more is. */
  answer(link, outcome = Outcome.OK) {
    for (let frames = this.written(link); frames.length > 0; frames = this.written(link)) {
      for (const { id } of frames) if (id) this.send(link, { kind: 'reply', id, outcome });
    }
  }

  publish(channel, payload = 'x', wait = true) {
    const waiter = new Waiter(this.core.counters);
    try {
      this.core.publishing.publish(channel, payload, waiter, wait);
    } catch (error) {
      waiter.reject(error);
    }
    return watched(waiter);
  }

  subscribe(channels, patterns = []) {
    const waiter = new Waiter();
    this.core.subscribing.subscribe(channels, patterns, waiter);
    return watched(waiter);
  }

  /** What `events` has, all of it taken. */
  events() {
    const events = [];
    for (let event = this.core.events.take(); event !== null; event = this.core.events.take()) events.push(event);
    return events;
  }

  /** The events of a type. */
  eventsOf(type) {
    return this.events().filter((event) => event.type === type);
  }
}

/** A waiter whose failure the test may look at later. */
function watched(waiter) {
  waiter.promise.catch(() => {});
  return waiter;
}

module.exports = { ALL_FEATURES, Scripted, UP, watched };
