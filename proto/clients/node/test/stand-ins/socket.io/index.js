'use strict';

// The part of a Socket.IO server that an adapter sees, with sockets that have no client: what a client would be sent is
// given to its `heard`. See ../README.md.

const { randomBytes } = require('node:crypto');

class Socket {
  handshake = { headers: {}, auth: {} };
  data = {};
  _handlers = new Map();

  constructor(nsp, heard) {
    this.id = randomBytes(15).toString('base64url');
    this.nsp = nsp;
    this._heard = heard;
    nsp.sockets.set(this.id, this);
    this.join(this.id);
  }

  get rooms() {
    return this.nsp.adapter.sids.get(this.id) ?? new Set();
  }

  on(name, handler) {
    this._handlers.set(name, handler);
  }

  /** Its client emits this. */
  receives(name, ...values) {
    this._handlers.get(name)(...values);
  }

  join(rooms) {
    return this.nsp.adapter.addAll(this.id, new Set(Array.isArray(rooms) ? rooms : [rooms]));
  }

  leave(room) {
    return this.nsp.adapter.del(this.id, room);
  }

  disconnect() {
    this.nsp.adapter.delAll(this.id);
    this.nsp.sockets.delete(this.id);
    this._heard(['disconnect']);
  }

  packet({ data }, acknowledge) {
    // As on the way to a client, through JSON, but for binary.
    const sent = data.map((value) => (Buffer.isBuffer(value) ? value : JSON.parse(JSON.stringify(value ?? null))));
    this._heard(sent, acknowledge);
  }
}

class Operator {
  constructor(adapter, rooms = new Set(), except = new Set(), flags = {}) {
    Object.assign(this, { adapter, opts: { rooms, except, flags } });
  }

  to(rooms) {
    const { rooms: before, except, flags } = this.opts;
    return new Operator(this.adapter, new Set([...before].concat(rooms)), except, flags);
  }

  except(rooms) {
    const { rooms: before, except, flags } = this.opts;
    return new Operator(this.adapter, before, new Set([...except].concat(rooms)), flags);
  }

  _with(flags) {
    const { rooms, except, flags: before } = this.opts;
    return new Operator(this.adapter, rooms, except, { ...before, ...flags });
  }

  get local() {
    return this._with({ local: true });
  }

  timeout(timeout) {
    return this._with({ timeout });
  }

  emit(...data) {
    this.adapter.broadcast({ type: 2, data }, this.opts);
    return true;
  }

  /** All answers, or an error after `timeout`. */
  emitWithAck(...data) {
    return new Promise((resolve, reject) => {
      const responses = [];
      let servers = 0;
      let clients = 0;
      let allServers = -1;
      const timer = setTimeout(() => reject(new Error('operation has timed out')), this.opts.flags.timeout);
      const check = () => {
        if (servers !== allServers || responses.length !== clients) return;
        clearTimeout(timer);
        resolve(responses);
      };
      this.adapter.broadcastWithAck({ type: 2, data }, this.opts, (count) => {
        servers++;
        clients += count;
        check();
      }, (response) => {
        responses.push(response);
        check();
      });
      this.adapter.serverCount().then((count) => {
        allServers = count;
        check();
      });
    });
  }

  fetchSockets() {
    return this.adapter.fetchSockets(this.opts);
  }

  socketsJoin(rooms) {
    this.adapter.addSockets(this.opts, [].concat(rooms));
  }

  socketsLeave(rooms) {
    this.adapter.delSockets(this.opts, [].concat(rooms));
  }

  disconnectSockets(close = false) {
    this.adapter.disconnectSockets(this.opts, close);
  }
}

class Namespace {
  sockets = new Map();
  _handlers = new Map();

  constructor(server, name) {
    this.server = server;
    this.name = name;
    this.adapter = new server.createAdapter(this); // with `new`, as Socket.IO does
    Promise.resolve(this.adapter.init()).catch(() => {});
  }

  get all() {
    return new Operator(this.adapter);
  }

  on(name, handler) {
    this._handlers.set(name, handler);
  }

  serverSideEmit(...packet) {
    this.adapter.serverSideEmit(packet);
  }

  _onServerSideEmit([name, ...values]) {
    this._handlers.get(name)?.(...values);
  }

  /** A client connects. It is told what it hears by a callback, and may answer by the second argument. */
  connect(heard = () => {}) {
    const socket = new Socket(this, heard);
    this._handlers.get('connection')?.(socket);
    return socket;
  }
}

class Server {
  _nsps = new Map();

  /** The server of HTTP is not used. */
  constructor(server, opts = server) {
    this.opts = opts;
    this.createAdapter = opts.adapter;
    this.of('/');
  }

  get sockets() {
    return this.of('/');
  }

  emit(...data) {
    return this.sockets.all.emit(...data);
  }

  to(rooms) {
    return this.sockets.all.to(rooms);
  }

  get local() {
    return this.sockets.all.local;
  }

  fetchSockets() {
    return this.sockets.all.fetchSockets();
  }

  on(name, handler) {
    this.sockets.on(name, handler);
  }

  of(name) {
    if (!this._nsps.has(name)) this._nsps.set(name, new Namespace(this, name));
    return this._nsps.get(name);
  }

  async close() {
    for (const nsp of this._nsps.values()) {
      for (const socket of [...nsp.sockets.values()]) socket.disconnect();
      await nsp.adapter.close();
    }
  }
}

module.exports = { Server };
