'use strict';

const { State } = require('../enums');
const { NotConnectedError, RefusedError } = require('../errors');
const { check } = require('./checking');
const { decode, encode, isFrom } = require('./messages');
const { channelOf, isSocketId } = require('./names');
const { Reporting, explained } = require('./reporting');
const { Switchboard } = require('./switchboard');
const { ClusterAdapterWithHeartbeat, MessageType } = require('./upstream');

/** @typedef {import('./messages').ClusterMessage} ClusterMessage */
/** @typedef {import('./options').Options} Options */
/** @typedef {import('socket.io-adapter').BroadcastOptions} BroadcastOptions */

/** Milliseconds in which servers whose sockets are made to join a room subscribe to the room's channel. */
const JOINING = 10_000;
/**
 * For this long, in milliseconds, one heartbeat answers the first heartbeats of all servers, which they send together
 * at UP.
 */
const ANSWERING = 20;
/** A result that waits for nothing: a client of this server must not have to wait for Redis. */
const SENT = Promise.resolve('');

const RESPONSES = new Set([
  MessageType.FETCH_SOCKETS_RESPONSE, MessageType.SERVER_SIDE_EMIT_RESPONSE, MessageType.BROADCAST_CLIENT_COUNT,
  MessageType.BROADCAST_ACK,
]);
const HEARTBEATS = new Set([MessageType.INITIAL_HEARTBEAT, MessageType.HEARTBEAT, MessageType.ADAPTER_CLOSE]);
const NO_RECOVERY = 'hubrelay: Socket.IO: connectionStateRecovery has no effect, since nothing is stored, and makes ' +
  'each socket.emit a message to all servers. Leave it out';
/** The error codes of a publish in an outage. */
const OUTAGE = new Set(['NOT_CONNECTED', 'INTERRUPTED', 'CLOSED']);

/** One namespace of one Socket.IO server. `socket.io.d.ts` documents it for the application. */
class HubrelayAdapter extends ClusterAdapterWithHeartbeat {
  #options;
  #switchboard;
  #reporting;
  #channel;
  #ownChannel;
  #started;
  #isHeard = false; // this server hears its channels
  #isClosed = false;
  /** @type {NodeJS.Timeout | null} */
  #heartbeatDue = null;
  /** Resolves when the last publish has its answer. */
  #answered = Promise.resolve();
  /** @type {string[]} The channels of rooms that the current call has created. */
  #newRooms = [];
  /** @type {Map<string, number>} Rooms that sockets of any server may be joining now, and until when this counts. */
  #joining = new Map();

  /** @param {any} nsp @param {any} client a Client of this package @param {Options} options */
  constructor(nsp, client, options) {
    super(nsp, { heartbeatInterval: options.heartbeatInterval, heartbeatTimeout: options.heartbeatTimeout });
    this.client = client;
    if (nsp.name === '/' && nsp.server?.opts?.connectionStateRecovery) options.logger.warn(NO_RECOVERY);
    this.#options = options;
    this.#reporting = new Reporting(options);
    this.#switchboard = Switchboard.of(client);
    this.#channel = channelOf(options.channelPrefix, nsp.name);
    this.#ownChannel = channelOf(options.channelPrefix, nsp.name, this.uid);
    this.on('create-room', (/** @type {string} */ room) => {
      if (!this.#isClosed && this.#hasChannel(room)) this.#newRooms.push(this.#roomChannel(room));
    });
    this.on('delete-room', (/** @type {string} */ room) => {
      if (!this.#hasChannel(room) || this.#isStillNeeded(room)) return;
      this.#switchboard.remove(this, [this.#roomChannel(room)]);
    });
    this.#started = this.#start(); // here, since Socket.IO before 4.8.2 does not call `init`
  }

  /** Resolves when this server hears the other servers, or will do so as soon as the relay receives. */
  init() {
    return this.#started;
  }

  async #start() {
    await this.#switchboard.add(this, [this.#channel, this.#ownChannel]);
    this.#isHeard = true;
    this.#announce();
  }

  /**
   * Other servers answer the first heartbeat of a server, so both sides know each other again at once. Each side has
   * forgotten the other if they were separated for `heartbeatTimeout`.
   */
  #announce() {
    if (!this.#isClosed && this.#isHeard) super.init();
  }

  /**
   * Announces to the other servers that this one ends, and gives up its channels. Resolves when the relay has answered.
   * The client stays open.
   * @returns {Promise<void>}
   */
  async close() {
    if (this.#isClosed) return;
    if (this.#heartbeatDue !== null) clearTimeout(this.#heartbeatDue);
    super.close();
    this.#isClosed = true;
    const channels = [this.#channel, this.#ownChannel];
    for (const room of this.rooms.keys()) if (this.#hasChannel(room)) channels.push(this.#roomChannel(room));
    await Promise.all([this.#answered, this.#switchboard.remove(this, channels)]);
  }

  // Rooms

  /**
   * Returns a promise if the channel of a room is being subscribed to. It resolves when the room hears the other
   * servers.
   * @param {string} id @param {Set<string>} rooms
   */
  addAll(id, rooms) {
    super.addAll(id, rooms);
    if (this.#newRooms.length > 0) this.#switchboard.add(this, this.#newRooms.splice(0));
    const channels = [...rooms].filter((room) => this.#hasChannel(room)).map((room) => this.#roomChannel(room));
    return /** @type {Promise<any> | undefined} */ (this.#switchboard.whenHeard(channels) ?? undefined);
  }

  /**
   * Whether a room has a channel. Publishers and listeners both decide this from the name alone.
   * @param {string} room
   */
  #hasChannel(room) {
    const { subscriptionMode } = this.#options;
    return subscriptionMode === 'dynamic-private' || subscriptionMode === 'dynamic' && !isSocketId(room);
  }

  /**
   * Whether the channel of a room that is gone is also the channel of another room: 7 and '7' are two rooms with one
   * name. A room that is named like this server's uid would share the server's own channel.
   * @param {string} room
   */
  #isStillNeeded(room) {
    const rooms = /** @type {Map<unknown, unknown>} */ (this.rooms);
    const name = String(room);
    const number = Number(name);
    return name === this.uid || rooms.has(name) || String(number) === name && rooms.has(number);
  }

  /** @param {string} room */
  #roomChannel(room) {
    return channelOf(this.#options.channelPrefix, this.nsp.name, room);
  }

  /**
   * Sockets of any server are about to join these rooms. Their server may not listen to the rooms' channels yet.
   * @param {unknown[]} rooms
   */
  #willJoin(rooms) {
    const now = Date.now();
    for (const [room, until] of this.#joining) {
      if (until > now) break;
      this.#joining.delete(room);
    }
    for (const room of rooms.map(String)) {
      this.#joining.delete(room); // so that the Map is in the order of time
      this.#joining.set(room, now + JOINING);
    }
  }

  // Messages to other servers

  /** @param {any} message without `uid` and `nsp`, which upstream adds */
  publish(message) {
    if (this.#isClosed) return; // upstream's method would start the heartbeat again
    if (message.type !== MessageType.HEARTBEAT) {
      super.publish(message);
    } else if (this.#heartbeatDue === null) {
      this.#heartbeatDue = setTimeout(() => {
        this.#heartbeatDue = null;
        super.publish(message);
      }, ANSWERING).unref();
    }
  }

  /** @param {ClusterMessage} message */
  doPublish(message) {
    if (message.type === MessageType.SOCKETS_JOIN) this.#willJoin(message.data.rooms);
    this.#publish(this.#channelFor(message), message);
    return SENT;
  }

  /** @param {string} requester the `uid` of a server @param {ClusterMessage} response */
  doPublishResponse(requester, response) {
    this.#publish(channelOf(this.#options.channelPrefix, this.nsp.name, requester), response);
    return SENT.then(() => {});
  }

  /**
   * The channel for a message: that of a room if the message is for one room, so that only servers that have the room
   * get it. But each server has to answer a message with acknowledgements.
   * @param {ClusterMessage} message
   */
  #channelFor({ type, data }) {
    if (type !== MessageType.BROADCAST || data.requestId !== undefined) return this.#channel;
    const [room, other] = data.opts.rooms;
    if (room === undefined || other !== undefined || !this.#hasChannel(room)) return this.#channel;
    return (this.#joining.get(String(room)) ?? 0) > Date.now() ? this.#channel : this.#roomChannel(room);
  }

  /** @param {string} channel @param {ClusterMessage} message */
  #publish(channel, message) {
    if (this.#isClosed) return;
    try {
      this.#answered = this.client.publish(channel, encode(message))
        .then(() => {}, (/** @type {Error} */ error) => this.#failed(error, message));
    } catch (error) {
      this.#failed(/** @type {Error} */ (error), message); // an error of JSON.stringify
    }
  }

  /** @param {Error & { code?: string }} error @param {ClusterMessage} message */
  #failed(error, message) {
    const code = error.code ?? 'INVALID';
    const isOutage = OUTAGE.has(code);
    // The application did not ask for heartbeats, and learns of an outage from `status`.
    if (isOutage && (this.#isClosed || HEARTBEATS.has(message.type))) return;
    this.#reporting.report(isOutage ? 'outage' : code, explained(error, nameOf(message)), message);
  }

  // Messages from other servers

  /** @param {Buffer} payload */
  take(payload) {
    if (this.#isClosed || isFrom(payload, this.uid)) return;
    let message;
    try {
      message = check(decode(payload));
    } catch (error) {
      const what = `somebody has published something other than a Socket.IO message on a channel of "${this.nsp.name}"`;
      const { message: why } = /** @type {Error} */ (error);
      this.#reporting.report('malformed', new SyntaxError(`${what}: ${why}`, { cause: error }));
      return;
    }
    if (message.nsp !== this.nsp.name) return;
    try {
      if (message.type === MessageType.SOCKETS_JOIN) this.#willJoin(message.data.rooms);
      if (RESPONSES.has(message.type)) this.onResponse(message);
      else this.onMessage(message);
    } catch (error) {
      // Nobody else catches it: it would end the process, and the other adapters in it would miss the message.
      this.#reporting.reportThrown(`what another server sent ("${nameOf(message)}") has failed`, error);
    }
  }

  /** @param {import('./switchboard').Told} event */
  tell(event) {
    if (event.type === 'status' && event.state === State.UP) this.#announce();
    if (event.type === 'revoked') {
      const { channels, patterns, detail } = event;
      const text = `not heard, and asked for again later: ${channels.join(', ')}: ${detail}`;
      this.#reporting.report('revoked', new RefusedError(text, { channels, patterns }));
    }
    try {
      this.emit(event.type, event);
    } catch (error) {
      this.#reporting.reportThrown(`a handler of "${event.type}" has thrown`, error);
    }
  }

  // Requests that other servers answer

  /** @param {BroadcastOptions} opts @returns {Promise<any[]>} */
  async fetchSockets(opts) {
    const outage = opts.flags?.local ? null : this.#outage('fetchSockets');
    if (outage !== null) throw outage;
    return super.fetchSockets(opts);
  }

  /** @param {any[]} packet */
  async serverSideEmit(packet) {
    const acknowledge = packet[packet.length - 1];
    const outage = typeof acknowledge === 'function' ? this.#outage('serverSideEmit') : null;
    if (outage !== null) acknowledge(outage, []);
    else await super.serverSideEmit(packet);
  }

  /**
   * Why the other servers cannot be asked now. Null if they can. Upstream would wait in vain, and in the end assume
   * that servers that it does not hear do not exist.
   * @param {string} what
   */
  #outage(what) {
    const { publishing, receiving, reason } = this.client.status;
    if (publishing && receiving) return null;
    return new NotConnectedError(`${what}: other servers cannot be asked: ${reason}`);
  }
}

/**
 * A description of a message for people, in the terms of the application.
 * @param {ClusterMessage} message
 */
function nameOf({ type, data }) {
  if (type !== MessageType.BROADCAST) return MessageType[type]?.toLowerCase().replaceAll('_', ' ') ?? `type ${type}`;
  const { rooms } = data.opts;
  const to = rooms.length === 0 ? 'all' : `${rooms.length > 1 ? 'rooms' : 'room'} ${rooms.slice(0, 5).join(', ')}`;
  return `the event "${data.packet.data?.[0]}" to ${to}`;
}

module.exports = { HubrelayAdapter };
