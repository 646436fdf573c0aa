'use strict';

// A relay in memory, for the tests of applications: no Redis, no other process, no file. Its clients are real clients,
// so an application gets the same errors, order and events as in production.

const net = require('node:net');
const { CONNECT, Client } = require('./client');
const { decode, encode } = require('./codec');
const { Cause, Outcome, State } = require('./enums');
const { Message } = require('./events');
const { Framing } = require('./framing');
const { matches } = require('./patterns');
const { CLIENT_FRAME } = require('./schema');

/** @typedef {import('./socket').SocketHandler} SocketHandler */
/** @typedef {Record<string, any> & { kind: string }} Frame */

const MAX_PAYLOAD_BYTES = 1 << 20;
const MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES + 4096;
const OWN_NAMES = '__hubrelay:';
const FENCES = '__hubrelay:fence:';

/** Longer times, so that a test does not fail on a busy machine. */
const PATIENT = { firstUse: 30_000, handshake: 30_000, successor: 10_000 };

/**
 * The cause in the Loss for a send that was not accepted.
 * @type {Record<number, number>}
 */
const CAUSES = {
  [Outcome.NOT_CONNECTED]: Cause.NOT_CONNECTED,
  [Outcome.REFUSED]: Cause.REFUSED,
  [Outcome.INVALID]: Cause.INVALID,
};

/** A client's connection, as the relay sees it. */
class Connection {
  /**
   * @param {string} relayId
   * @param {(data: Buffer) => void} write
   * @param {() => void} end
   * @param {(connection: Connection, frame: Frame) => void} take
   */
  constructor(relayId, write, end, take) {
    this.relayId = relayId;
    this.write = write;
    this.end = end;
    /** @type {Set<string>} */
    this.channels = new Set();
    /** @type {Set<string>} */
    this.patterns = new Set();
    this._framing = new Framing(MAX_FRAME_BYTES, (buffer, start, stop) => {
      const frame = decode(buffer, start, stop, CLIENT_FRAME);
      if (frame !== null) take(this, frame);
      return true;
    });
  }

  /**
   * Takes what the client has written.
   * @param {Buffer} data
   */
  feed(data) {
    this._framing.feed(data);
  }

  /** @param {Frame} frame */
  send(frame) {
    this.write(encode(frame));
  }
}

/**
 * The socket of a client in this process. Data for the client comes in later turns of the event loop, as from a socket.
 */
class Pipe {
  /** @param {SocketHandler} handler */
  constructor(handler) {
    this._handler = handler;
    /** @type {Connection | null} Null: there is no relay. */
    this.connection = null;
    /** @type {(() => void)[]} */
    this._steps = [];
    this._isPaused = false;
    this._isScheduled = false;
    this._isClosed = false;
    /** @type {() => void} */
    this.whenShut = () => {};
  }

  /**
   * Does this in a later turn, after the steps before it.
   * @param {() => void} step
   */
  later(step) {
    this._steps.push(step);
    this._schedule();
  }

  /** @param {Buffer} data */
  receive(data) {
    this.later(() => this._handler.received(data));
  }

  /** @param {string} why */
  fail(why) {
    this.later(() => {
      this._isClosed = true;
      this._handler.ended(why);
    });
  }

  /** @param {Buffer} batch */
  give(batch) {
    this.connection?.feed(Buffer.from(batch));
    return true;
  }

  shut() {
    this.whenShut();
    this.fail('the relay closed the connection');
  }

  close() {
    this._isClosed = true;
    this.whenShut();
  }

  ref() {
    return /** @type {any} */ (this);
  }

  unref() {
    return /** @type {any} */ (this);
  }

  pause() {
    this._isPaused = true;
    return /** @type {any} */ (this);
  }

  resume() {
    this._isPaused = false;
    this._schedule();
    return /** @type {any} */ (this);
  }

  _schedule() {
    if (this._isScheduled || this._steps.length === 0) return;
    this._isScheduled = true;
    setImmediate(() => {
      this._isScheduled = false;
      while (!this._isPaused && !this._isClosed && this._steps.length > 0) this._steps.shift()?.();
    });
  }
}

/** A relay with a Redis of its own. */
class FakeRelay {
  constructor() {
    /** @type {Message[]} What clients have published, in order. */
    this.published = [];
    /** @type {Set<Client>} */
    this._clients = new Set();
    /** @type {Set<Connection>} */
    this._connections = new Set();
    /** @type {Set<string>} */
    this._refused = new Set();
    /** @type {net.Server | null} */
    this._server = null;
    /** @type {Frame} */
    this._status = UP;
    this._isAway = false;
    this._starts = 1;
  }

  /**
   * A client of this relay. `close` closes it.
   * @param {string} [name]
   * @param {Record<string, any>} [options] options of the Client
   */
  client(name = '', options = {}) {
    const client = new Client({ ...PATIENT, ...options, path: 'fake', name, [CONNECT]: this._connect.bind(this) });
    this._clients.add(client);
    return client;
  }

  /**
   * Also listens at a path, for clients of other processes.
   * @param {string} path
   * @returns {Promise<void>}
   */
  listen(path) {
    return new Promise((resolve, reject) => {
      this._server = net.createServer({ allowHalfOpen: true }, (socket) => this._accept(socket));
      this._server.once('error', reject);
      this._server.listen({ path }, resolve);
    });
  }

  // What a test makes happen

  /**
   * Publishes as another host does. Returns how many subscriptions get the message: 0 during an outage.
   * @param {string} channel
   * @param {string | Uint8Array} payload
   */
  publish(channel, payload) {
    return this._status.receiving ? this._deliver(channel, Buffer.from(/** @type {any} */ (payload))) : 0;
  }

  /** Redis is lost: Status DOWN, publishes fail with NotConnectedError, subscribes are pending. */
  outage(reason = 'Redis is away') {
    this._tellAll({ kind: 'status', state: State.DOWN, reason, gaps: this._status.gaps + 1, cause: Cause.CLOSED });
  }

  /** Redis is back: Status UP, and a Gap for every subscriber. */
  recover() {
    this._tellAll({ ...UP, gaps: this._status.gaps });
  }

  /** Ends every connection. The clients reconnect at once. */
  disconnect() {
    for (const connection of this._connections) connection.end();
    this._connections.clear();
  }

  /** The relay dies: connections end, and there is no other relay until `comeBack`. */
  leave() {
    this._isAway = true;
    this.disconnect();
  }

  /** After `leave`: another relay is there, with another id. */
  comeBack() {
    this._isAway = false;
    this._starts++;
  }

  /** The relay restarts gracefully: the clients move to the next one, which is already there. There is no Gap. */
  restart() {
    this._starts++;
    for (const connection of this._connections) connection.send({ ...this._status, state: State.STOPPING });
  }

  /**
   * From now on Redis refuses these channels and patterns, and publishes to them.
   * @param {...string} names
   */
  refuse(...names) {
    for (const name of names) this._refused.add(name);
  }

  /**
   * Redis refuses these names, which it had granted: clients that hold them get a Revoked.
   * @param {...string} names
   */
  revoke(...names) {
    for (const connection of this._connections) {
      const channels = names.filter((name) => connection.channels.delete(name));
      const patterns = names.filter((name) => connection.patterns.delete(name));
      if (channels.length + patterns.length > 0) {
        connection.send({ kind: 'revoked', channels, patterns, detail: 'NOPERM' });
      }
    }
  }

  /**
   * Reports to every client that this many of its messages were dropped.
   * @param {number} messages
   */
  lose(messages) {
    for (const connection of this._connections) {
      connection.send({ kind: 'loss', messages, reason: 'slow reader', cause: Cause.SLOW_READER });
    }
  }

  /** Closes the clients, and ends the relay. */
  async close() {
    await Promise.all([...this._clients].map((client) => client.close({ drain: 0 })));
    this._isAway = true;
    this.disconnect();
    this._server?.close();
  }

  // Connections

  /**
   * @param {string} path
   * @param {SocketHandler} handler
   */
  _connect(path, handler) {
    const pipe = new Pipe(handler);
    if (this._isAway) {
      pipe.fail('there is no relay');
      return pipe;
    }
    const end = () => pipe.fail('the relay closed the connection');
    const connection = this._connection((data) => pipe.receive(data), end);
    pipe.connection = connection;
    pipe.whenShut = () => this._connections.delete(connection);
    pipe.later(() => handler.opened());
    return pipe;
  }

  /** @param {net.Socket} socket */
  _accept(socket) {
    if (this._isAway) {
      socket.destroy();
      return;
    }
    const connection = this._connection((data) => socket.write(data), () => socket.destroy());
    socket.on('data', (data) => connection.feed(data));
    socket.on('end', () => socket.end());
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this._connections.delete(connection));
  }

  /**
   * @param {(data: Buffer) => void} write
   * @param {() => void} end
   */
  _connection(write, end) {
    const connection = new Connection(`fake-${this._starts}`, write, end, (from, frame) => this._take(from, frame));
    this._connections.add(connection);
    return connection;
  }

  // Frames

  /**
   * @param {Connection} connection
   * @param {Frame} frame
   */
  _take(connection, frame) {
    if (frame.kind === 'hello') this._welcome(connection);
    else if (frame.kind === 'publish') this._takePublish(connection, frame);
    else if (frame.kind === 'subscribe') this._takeSubscribe(connection, frame);
    else if (frame.kind === 'unsubscribe') this._takeUnsubscribe(connection, frame);
    else if (frame.id) connection.send({ kind: 'reply', id: frame.id, outcome: Outcome.OK });
  }

  /** @param {Connection} connection */
  _welcome(connection) {
    connection.send({
      kind: 'welcome',
      version: 1,
      relayVersion: 'fake',
      relayId: connection.relayId,
      maxFrameBytes: MAX_FRAME_BYTES,
      status: this._status,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      features: ['patterns', 'settled', 'fence'],
    });
  }

  /**
   * @param {Connection} connection
   * @param {Frame} frame
   */
  _takePublish(connection, { id, channel, payload }) {
    let outcome = Outcome.OK;
    let receivers = 0;
    if (isImpossible(channel)) outcome = Outcome.INVALID;
    else if (!this._status.publishing) outcome = Outcome.NOT_CONNECTED;
    else if (this._refused.has(channel)) outcome = Outcome.REFUSED;
    if (outcome === Outcome.OK) {
      if (!channel.startsWith(FENCES)) this.published.push(new Message(channel, payload, ''));
      receivers = this._deliver(channel, payload);
    }
    if (id) connection.send({ kind: 'reply', id, outcome, receivers });
    else if (outcome !== Outcome.OK) connection.send({ kind: 'loss', publishes: 1, cause: CAUSES[outcome] });
  }

  /**
   * @param {Connection} connection
   * @param {Frame} frame
   */
  _takeSubscribe(connection, frame) {
    const { id } = frame;
    const channels = frame.channels.filter((/** @type {string} */ name) => this._refused.has(name));
    const patterns = frame.patterns.filter((/** @type {string} */ name) => this._refused.has(name));
    if (channels.length + patterns.length > 0) {
      connection.send({ kind: 'reply', id, outcome: Outcome.REFUSED, detail: 'NOPERM', channels, patterns });
    } else if ([...frame.channels, ...frame.patterns].some(isImpossible)) {
      connection.send({ kind: 'reply', id, outcome: Outcome.INVALID, detail: 'a name of the relay\'s own' });
    } else {
      for (const name of frame.channels) connection.channels.add(name);
      for (const name of frame.patterns) connection.patterns.add(name);
      connection.send({ kind: 'reply', id, outcome: this._status.receiving ? Outcome.OK : Outcome.PENDING });
    }
  }

  /**
   * @param {Connection} connection
   * @param {Frame} frame
   */
  _takeUnsubscribe(connection, frame) {
    for (const name of frame.channels) connection.channels.delete(name);
    for (const name of frame.patterns) connection.patterns.delete(name);
    connection.send({ kind: 'reply', id: frame.id, outcome: Outcome.OK });
  }

  /**
   * @param {string} channel
   * @param {Buffer} payload
   */
  _deliver(channel, payload) {
    let receivers = 0;
    for (const connection of this._connections) {
      const matching = channel.startsWith(FENCES) ? [] :
        [...connection.patterns].filter((pattern) => matches(pattern, channel));
      const found = connection.channels.has(channel) ? ['', ...matching] : matching;
      for (const pattern of found) connection.send({ kind: 'message', channel, payload, pattern });
      receivers += found.length;
    }
    return receivers;
  }

  /** @param {Frame} status */
  _tellAll(status) {
    this._status = status;
    for (const connection of this._connections) connection.send(status);
  }
}

/** @param {string} name */
function isImpossible(name) {
  return name.startsWith(OWN_NAMES) && !name.startsWith(FENCES);
}

/** @type {Frame} */
const UP = Object.freeze({ kind: 'status', state: State.UP, publishing: true, receiving: true, gaps: 0 });

module.exports = { FakeRelay, MAX_PAYLOAD_BYTES };
