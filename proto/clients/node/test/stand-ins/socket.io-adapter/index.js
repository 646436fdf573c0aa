'use strict';

// Does what the package socket.io-adapter does as far as the adapter relies on it. See ../README.md.

const { randomBytes } = require('node:crypto');
const { EventEmitter } = require('node:events');

const MessageType = {};
for (const [index, name] of [
  'INITIAL_HEARTBEAT', 'HEARTBEAT', 'BROADCAST', 'SOCKETS_JOIN', 'SOCKETS_LEAVE', 'DISCONNECT_SOCKETS', 'FETCH_SOCKETS',
  'FETCH_SOCKETS_RESPONSE', 'SERVER_SIDE_EMIT', 'SERVER_SIDE_EMIT_RESPONSE', 'BROADCAST_CLIENT_COUNT', 'BROADCAST_ACK',
  'ADAPTER_CLOSE',
].entries()) {
  MessageType[name] = index + 1;
  MessageType[index + 1] = name;
}

const ANSWER_WITHIN = 5000;
const newId = () => randomBytes(8).toString('hex');
const asArrays = ({ rooms, except = [], flags }) => ({ rooms: [...rooms], except: [...except], flags });
const asSets = ({ rooms, except, flags }) => ({ rooms: new Set(rooms), except: new Set(except), flags });

/** The sockets of one namespace of one server, by room. */
class Adapter extends EventEmitter {
  rooms = new Map();
  sids = new Map();

  constructor(nsp) {
    super();
    this.nsp = nsp;
  }

  init() {}

  close() {}

  addAll(id, rooms) {
    if (!this.sids.has(id)) this.sids.set(id, new Set());
    for (const room of rooms) {
      this.sids.get(id).add(room);
      if (!this.rooms.has(room)) {
        this.rooms.set(room, new Set());
        this.emit('create-room', room);
      }
      if (this.rooms.get(room).has(id)) continue;
      this.rooms.get(room).add(id);
      this.emit('join-room', room, id);
    }
  }

  del(id, room) {
    this.sids.get(id)?.delete(room);
    const ids = this.rooms.get(room);
    if (ids?.delete(id)) this.emit('leave-room', room, id);
    if (ids?.size === 0 && this.rooms.delete(room)) this.emit('delete-room', room);
  }

  delAll(id) {
    for (const room of [...this.sids.get(id) ?? []]) this.del(id, room);
    this.sids.delete(id);
  }

  _matching({ rooms, except = [] }) {
    const idsOf = (names) => new Set([...names].flatMap((name) => [...this.rooms.get(name) ?? []]));
    const left = idsOf(except);
    const ids = rooms.size > 0 ? idsOf(rooms) : this.sids.keys();
    return [...ids].filter((id) => !left.has(id)).map((id) => this.nsp.sockets.get(id)).filter(Boolean);
  }

  broadcast(packet, opts) {
    for (const socket of this._matching(opts)) socket.packet(packet);
  }

  broadcastWithAck(packet, opts, counted, acknowledged) {
    const sockets = this._matching(opts);
    for (const socket of sockets) socket.packet(packet, acknowledged);
    counted(sockets.length);
  }

  async fetchSockets(opts) {
    return this._matching(opts);
  }

  addSockets(opts, rooms) {
    for (const socket of this._matching(opts)) socket.join(rooms);
  }

  delSockets(opts, rooms) {
    for (const socket of this._matching(opts)) rooms.forEach((room) => socket.leave(room));
  }

  disconnectSockets(opts, close) {
    for (const socket of this._matching(opts)) socket.disconnect(close);
  }
}

/** Knows the other servers by their heartbeats. Extended by how messages are published. */
class ClusterAdapterWithHeartbeat extends Adapter {
  uid = newId();
  _nodes = new Map();
  _requests = new Map();
  _acknowledgements = new Map();

  constructor(nsp, { heartbeatInterval = 5000, heartbeatTimeout = 10_000 }) {
    super(nsp);
    this._interval = heartbeatInterval;
    this._cleanup = setInterval(() => {
      const heardSince = Date.now() - heartbeatTimeout;
      for (const [uid, heard] of this._nodes) if (heard < heardSince) this._forget(uid);
    }, 1000);
  }

  init() {
    this.publish({ type: MessageType.INITIAL_HEARTBEAT });
  }

  close() {
    this.publish({ type: MessageType.ADAPTER_CLOSE });
    clearTimeout(this._heartbeat);
    clearInterval(this._cleanup);
  }

  async serverCount() {
    return this._nodes.size + 1;
  }

  // What is published

  publish(message) {
    if (this._heartbeat) this._heartbeat.refresh();
    else this._heartbeat = setTimeout(() => this.publish({ type: MessageType.HEARTBEAT }), this._interval);
    this._send(message).catch(() => {});
  }

  _send(message) {
    return this.doPublish(Object.assign(message, { uid: this.uid, nsp: this.nsp.name }));
  }

  _respond(requester, type, data) {
    this.doPublishResponse(requester, { type, data, uid: this.uid, nsp: this.nsp.name }).catch(() => {});
  }

  async _sendUnlessLocal(type, opts, more) {
    if (!opts.flags?.local) await this._send({ type, data: { opts: asArrays(opts), ...more } });
  }

  async broadcast(packet, opts) {
    await this._sendUnlessLocal(MessageType.BROADCAST, opts, { packet });
    super.broadcast(packet, opts);
  }

  broadcastWithAck(packet, opts, counted, acknowledged) {
    const requestId = newId();
    this._acknowledgements.set(requestId, { counted, acknowledged });
    setTimeout(() => this._acknowledgements.delete(requestId), opts.flags.timeout);
    this.publish({ type: MessageType.BROADCAST, data: { packet, requestId, opts: asArrays(opts) } });
    super.broadcastWithAck(packet, opts, counted, acknowledged);
  }

  async addSockets(opts, rooms) {
    await this._sendUnlessLocal(MessageType.SOCKETS_JOIN, opts, { rooms });
    super.addSockets(opts, rooms);
  }

  async delSockets(opts, rooms) {
    await this._sendUnlessLocal(MessageType.SOCKETS_LEAVE, opts, { rooms });
    super.delSockets(opts, rooms);
  }

  async disconnectSockets(opts, close) {
    await this._sendUnlessLocal(MessageType.DISCONNECT_SOCKETS, opts, { close });
    super.disconnectSockets(opts, close);
  }

  async fetchSockets(opts) {
    const sockets = await super.fetchSockets(opts);
    if (opts.flags?.local || this._nodes.size === 0) return sockets;
    return new Promise((resolve, reject) => {
      const done = (error, found) => (error ? reject(error) : resolve(found));
      const requestId = this._request(sockets, done, opts.flags?.timeout);
      this.publish({ type: MessageType.FETCH_SOCKETS, data: { opts: asArrays(opts), requestId } });
    });
  }

  async serverSideEmit(packet) {
    const data = { packet };
    if (typeof packet.at(-1) === 'function') {
      const done = packet.pop();
      if (this._nodes.size === 0) return done(null, []);
      data.requestId = this._request([], done);
    }
    return this.publish({ type: MessageType.SERVER_SIDE_EMIT, data });
  }

  _request(responses, done, timeout = ANSWER_WITHIN) {
    const requestId = newId();
    const missing = new Set(this._nodes.keys());
    const timer = setTimeout(() => {
      this._requests.delete(requestId);
      done(new Error(`timeout reached: missing ${missing.size} responses`), responses);
    }, timeout);
    this._requests.set(requestId, { missing, responses, done, timer });
    return requestId;
  }

  // What is heard

  onMessage(message) {
    const { uid, nsp, type, data } = message;
    if (uid === this.uid) return;
    if (uid !== 'emitter') this._nodes.set(uid, Date.now());
    if (nsp !== this.nsp.name) return;
    const opts = data?.opts && asSets(data.opts);
    if (type === MessageType.INITIAL_HEARTBEAT) {
      this.publish({ type: MessageType.HEARTBEAT });
    } else if (type === MessageType.ADAPTER_CLOSE) {
      this._forget(uid);
    } else if (type === MessageType.BROADCAST && data.requestId === undefined) {
      super.broadcast(data.packet, opts);
    } else if (type === MessageType.BROADCAST) {
      const { requestId } = data;
      super.broadcastWithAck(
        data.packet, opts,
        (clientCount) => this._respond(uid, MessageType.BROADCAST_CLIENT_COUNT, { requestId, clientCount }),
        (packet) => this._respond(uid, MessageType.BROADCAST_ACK, { requestId, packet }));
    } else if (type === MessageType.SOCKETS_JOIN) {
      super.addSockets(opts, data.rooms);
    } else if (type === MessageType.SOCKETS_LEAVE) {
      super.delSockets(opts, data.rooms);
    } else if (type === MessageType.DISCONNECT_SOCKETS) {
      super.disconnectSockets(opts, data.close);
    } else if (type === MessageType.FETCH_SOCKETS) {
      const sockets = this._matching(opts).map(({ id, handshake, rooms, data: own }) => (
        { id, handshake, rooms: [...rooms], data: own }));
      this._respond(uid, MessageType.FETCH_SOCKETS_RESPONSE, { requestId: data.requestId, sockets });
    } else if (type === MessageType.SERVER_SIDE_EMIT) {
      const { requestId } = data;
      const answer = (packet) => this._respond(uid, MessageType.SERVER_SIDE_EMIT_RESPONSE, { requestId, packet });
      this.nsp._onServerSideEmit(requestId === undefined ? data.packet : [...data.packet, answer]);
    }
  }

  onResponse({ uid, type, data }) {
    const acknowledgement = this._acknowledgements.get(data.requestId);
    if (type === MessageType.BROADCAST_CLIENT_COUNT) acknowledgement?.counted(data.clientCount);
    if (type === MessageType.BROADCAST_ACK) acknowledgement?.acknowledged(data.packet);
    const request = this._requests.get(data.requestId);
    if (request === undefined) return;
    if (type === MessageType.FETCH_SOCKETS_RESPONSE) request.responses.push(...data.sockets);
    if (type === MessageType.SERVER_SIDE_EMIT_RESPONSE) request.responses.push(data.packet);
    this._answered(data.requestId, request, uid);
  }

  _answered(requestId, { missing, responses, done, timer }, uid) {
    missing.delete(uid);
    if (missing.size > 0) return;
    this._requests.delete(requestId);
    clearTimeout(timer);
    done(null, responses);
  }

  _forget(uid) {
    this._nodes.delete(uid);
    for (const [requestId, request] of this._requests) this._answered(requestId, request, uid);
  }
}

module.exports = { Adapter, ClusterAdapterWithHeartbeat, MessageType };
