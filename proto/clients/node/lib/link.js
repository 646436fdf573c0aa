'use strict';

const { ProtocolError, decode, encode, framed, bytesField, varint } = require('./codec');
const { Outcome } = require('./enums');
const { InterruptedError, NotConnectedError, errorOf } = require('./errors');
const { Message, Status } = require('./events');
const fast = require('./fast');
const { Framing } = require('./framing');
const { Outbox } = require('./outbox');
const { now } = require('./timers');

/** @typedef {import('./schema').ReplyFrame} ReplyFrame */
/** @typedef {import('./names').Name} Name */
/** @typedef {import('./waiter').Waiter} Waiter */

/** The longest body before Welcome has said what is the longest. */
const MAX_WELCOME_BYTES = 64 * 1024;
/** The longest body at all: four times what a relay can be set to. */
const MAX_FRAME_BYTES = 256 << 20;
/** Ids begin anew beyond this one once nothing is unanswered: small ids make small frames. */
const MAX_SMALL_ID = 0x3fff;
/** Payloads of one name share memory of so many bytes at most. */
const SHARED_BYTES = 8 * 1024;
const SUBSCRIBE = 3;
const UNSUBSCRIBE = 4;
/** A Ping without id: there is no Reply, but it cannot be written if the relay has gone. */
const SILENT_PING = encode({ kind: 'ping' });

/** A request that is no publish. `answer` is called once: with the Reply, or with null at the connection's end. */
class Request {
  /**
   * @param {(link: Link, request: Request, reply: ReplyFrame | null) => void} answer
   * @param {boolean} [isSubscribe]
   */
  constructor(answer, isSubscribe = false) {
    this.answer = answer;
    this.isSubscribe = isSubscribe;
    this.isUnwritten = false; // at the end of the connection
  }
}

/**
 * Ends a wait for the Reply to a Ping; null is the end of the connection.
 * @param {Waiter | null} waiter
 * @param {Request} request
 * @param {ReplyFrame | null} reply
 */
function settlePing(waiter, request, reply) {
  if (waiter === null) return;
  if (reply === null) waiter.reject(errorAtEnd(request.isUnwritten));
  else if (reply.outcome === Outcome.OK) waiter.resolve();
  else waiter.reject(errorOf(reply));
}

/**
 * Of what the connection has ended without an answer to.
 * @param {boolean} isUnwritten
 */
function errorAtEnd(isUnwritten) {
  return isUnwritten ?
    new NotConnectedError('the connection to the relay ended before this was sent') :
    new InterruptedError('the connection to the relay ended before it answered');
}

/** One connection to a relay, without its socket: bytes go in and come out, and what is unanswered is kept. */
class Link {
  /**
   * @param {Map<string, Name>} routes the channels that are held
   * @param {(link: Link, frame: Record<string, any> & { kind: string }) => void} takeFrame gets all but Replies and
   *   Messages on channels that are held
   * @param {(name: Name, message: Message) => void} takeMessage
   */
  constructor(routes, takeFrame, takeMessage) {
    this.takeFrame = takeFrame;
    this.takeMessage = takeMessage;
    this._routes = routes;
    this.outbox = new Outbox();
    this._framing = new Framing(MAX_WELCOME_BYTES, this._take.bind(this));
    // What its Welcome has said.
    this.relayId = '';
    /** @type {Set<string>} */
    this.features = new Set();
    this.maxFrame = MAX_WELCOME_BYTES;
    this.maxPayload = 0;
    this.welcomedAt = 0;
    this.status = new Status({}); // its last one
    this.isWelcomed = false;
    // What is asked for.
    /** @type {Map<number, Waiter>} By id, in the order written. */
    this.publishes = new Map();
    /** @type {Map<number, Request>} */
    this.requests = new Map();
    /** @type {Set<Name>} The last that was written of them here is a Subscribe, and it has not failed. */
    this.asked = new Set();
    /** @type {Map<Name, Request>} The unanswered Subscribe of a name that was written last. */
    this.asking = new Map();
    /** @type {Set<Request>} Subscribes of the client's own that are unanswered. */
    this.restoring = new Set();
    this.isPending = false; // some of what it was asked for was PENDING when it was last asked
    this._lastId = 0;
    // How far it has come.
    this.isStopping = false; // its relay has said STOPPING
    this.isEnded = false;
    this.isAtItsEnd = false; // the relay has closed it
    this.shutWhenWritten = false; // the writing side is to be shut down once all is written
    this.isShut = false;
    this.isReading = true; // the socket is to be read
    // What is settled of the publishes without id.
    this.unsettled = 0; // written since the last Ping with `settled` that was answered
    this.lostOfUnsettled = 0; // of those, in a Loss
    this.settling = 0; // Pings with `settled` that are unanswered
    this._sends = 0;
    // The last copy of what was read, and what it is a copy of.
    this._copied = this._copy = Buffer.alloc(0);
    this._copyStart = 0;
    this._copyEnd = 0;
    /** @type {Name | null} Whose payloads they are, in a row, and so many bytes. */
    this._copiedName = null;
    this._copiedBytes = 0;
    // Whether the relay hangs, by `now`.
    this.lastRead = now();
    this.owedSince = 0;
    /** @type {number | null} */
    this.pingAt = null;
  }

  // What goes out

  /** An id that no unanswered request has. */
  nextId() {
    if (this.publishes.size === 0 && this.requests.size === 0) {
      this.owedSince = now();
      if (this._lastId > MAX_SMALL_ID) this._lastId = 0;
    }
    return ++this._lastId;
  }

  /**
   * Writes the first frame.
   * @param {string} clientName
   */
  hello(clientName) {
    this.outbox.write(encode({ kind: 'hello', version: 1, clientName }));
  }

  /**
   * Writes a Publish, if a frame may be so long. The waiter gets the number of receivers, or an error; without one the
   * Publish has no id.
   * @param {Buffer} channelField
   * @param {string | Uint8Array} payload
   * @param {number} payloadSize
   * @param {Waiter | null} waiter
   */
  publish(channelField, payload, payloadSize, waiter) {
    const id = waiter === null ? 0 : this.nextId();
    const size = fast.publishSize(channelField.length, payloadSize, id);
    const frameSize = fast.frameSize(size);
    if (frameSize > this.maxFrame + 4) return false;
    const position = this.outbox.reserve(frameSize);
    fast.writePublish(this.outbox.buffer, position, size, channelField, payload, payloadSize, id);
    if (waiter !== null) {
      this.publishes.set(id, waiter);
    } else {
      this._sends++;
      this.unsettled++;
    }
    return true;
  }

  /**
   * Writes a Subscribe (3) or Unsubscribe (4).
   * @param {Request} request
   * @param {number} kind
   * @param {Name[]} names
   */
  ask(request, kind, names) {
    const id = this.nextId();
    this.requests.set(id, request);
    const channels = names.filter((name) => !name.isPattern).map((name) => name.field);
    const patterns = names.filter((name) => name.isPattern).map((name) => name.field);
    const content = Buffer.concat([varint(0x08), varint(id), ...channels, ...patterns]);
    this.outbox.write(framed(bytesField(kind, content)));
  }

  /** @param {Request} request @param {boolean} [settled] */
  ping(request, settled = false) {
    const id = this.nextId();
    this.requests.set(id, request);
    this.outbox.write(encode({ kind: 'ping', id, settled }));
  }

  /** Writes something that has no Reply, so that a connection that has ended is noticed though it is not read. */
  probe() {
    if (this.outbox.unsent === 0) this.outbox.write(SILENT_PING);
  }

  /**
   * Asks what became of the publishes without id.
   * @param {Waiter | null} waiter is given the Reply's outcome
   */
  settleSends(waiter = null) {
    this.settling++;
    const before = this._sends;
    this.ping(new Request((link, request, reply) => {
      if (reply !== null) {
        this.unsettled = this._sends - before;
        this.lostOfUnsettled = 0;
        this.settling--;
      }
      settlePing(waiter, request, reply);
    }), true);
  }

  // What comes in

  /**
   * Takes what was read; keeps nothing of its buffer. Throws ProtocolError.
   * @param {Buffer} data
   */
  feed(data) {
    this.lastRead = now();
    this.pingAt = null;
    this._copiedName = null;
    this._framing.feed(data);
  }

  /**
   * From here on the numbers of this Welcome hold.
   * @param {import('./schema').WelcomeFrame} welcome
   */
  welcomed(welcome) {
    this.relayId = welcome.relayId;
    this.features = new Set(welcome.features);
    this.maxFrame = this._framing.maxBytes = Math.min(welcome.maxFrameBytes, MAX_FRAME_BYTES);
    this.maxPayload = Math.min(welcome.maxPayloadBytes, this.maxFrame);
    this.welcomedAt = now();
    this.isWelcomed = true;
  }

  /** @param {Buffer} buffer @param {number} start @param {number} end */
  _take(buffer, start, end) {
    if (fast.readMessage(buffer, start, end) && this._takeUsualMessage(buffer, end)) return !this.isEnded;
    if (fast.readReply(buffer, start, end)) {
      this._takeOk(fast.reply.id, fast.reply.receivers);
      return !this.isEnded;
    }
    const frame = decode(buffer, start, end);
    if (frame === null) return true;
    if (!this.isWelcomed) this.takeFrame(this, frame);
    else if (frame.kind === 'reply') this._takeReply(/** @type {ReplyFrame} */ (frame));
    else this.takeFrame(this, frame);
    return !this.isEnded;
  }

  /** @param {Buffer} buffer @param {number} end */
  _takeUsualMessage(buffer, end) {
    if (!this.isWelcomed) return false;
    const { channelStart, channelEnd, payloadStart } = fast.message;
    const name = this._routes.get(buffer.latin1Slice(channelStart, channelEnd));
    if (name === undefined) return false; // perhaps it is not even UTF-8
    this.takeMessage(name, new Message(name.text, this._copyOf(name, buffer, payloadStart, end), ''));
    return true;
  }

  /**
   * A copy of what was read. Small payloads of one name that come in a row are copied together, and share memory: so
   * much as that row has had already. So a message that waits keeps no more alive than its queue counts, about.
   * @param {Name} name
   * @param {Buffer} buffer
   * @param {number} start
   * @param {number} end
   */
  _copyOf(name, buffer, start, end) {
    if (name !== this._copiedName || buffer !== this._copied) {
      this._copiedName = name;
      this._copied = buffer;
      this._copiedBytes = this._copyEnd = 0;
    }
    const size = end - start;
    if (end > this._copyEnd) {
      const shared = Math.max(size, Math.min(this._copiedBytes, SHARED_BYTES));
      this._copyStart = start;
      this._copyEnd = Math.min(buffer.length, start + shared);
      this._copy = Buffer.allocUnsafeSlow(this._copyEnd - start);
      buffer.copy(this._copy, 0, start, this._copyEnd);
    }
    this._copiedBytes += size;
    return this._copy.subarray(start - this._copyStart, end - this._copyStart);
  }

  /** @param {number} id @param {number} receivers */
  _takeOk(id, receivers) {
    const waiter = this.publishes.get(id);
    if (waiter !== undefined) {
      this.publishes.delete(id);
      waiter.resolve(receivers);
    } else if (this.isWelcomed) {
      this._answer({ ...OK, id, receivers });
    } else {
      this.takeFrame(this, { ...OK, id });
    }
  }

  /** @param {ReplyFrame} reply */
  _takeReply(reply) {
    const waiter = this.publishes.get(reply.id);
    if (waiter === undefined) {
      this._answer(reply);
      return;
    }
    this.publishes.delete(reply.id);
    if (reply.outcome === Outcome.OK) waiter.resolve(reply.receivers);
    else waiter.reject(errorOf(reply));
  }

  /** @param {ReplyFrame} reply */
  _answer(reply) {
    const request = this.requests.get(reply.id);
    if (request === undefined) return;
    this.requests.delete(reply.id);
    request.answer(this, request, reply);
  }

  // How it stands

  /** The writing side is to be shut down, once all is written. */
  get isToShut() {
    return this.shutWhenWritten && !this.isShut;
  }

  /** Something that was asked for is unanswered. */
  get isOwed() {
    return this.publishes.size > 0 || this.requests.size > 0;
  }

  /** The Subscribes that have no Reply yet. */
  unansweredSubscribes() {
    return new Set([...this.requests.values()].filter((request) => request.isSubscribe));
  }

  /**
   * The connection has ended. Publishes that were written are Interrupted, others NotConnected; other requests are
   * answered with null, in their order. Returns how many publishes without id are unknown, and how many were not sent.
   */
  end() {
    this.isEnded = true;
    const { ids, sends } = this.outbox.takeUnwritten();
    const unknown = Math.max(0, this.unsettled - this.lostOfUnsettled - sends);
    const publishes = [...this.publishes];
    this.publishes.clear();
    for (const [id, waiter] of publishes) {
      waiter.reject(errorAtEnd(ids.has(id)));
    }
    const requests = [...this.requests];
    this.requests.clear();
    for (const [id, request] of requests) {
      request.isUnwritten = ids.has(id);
      request.answer(this, request, null);
    }
    return { unknown, unsent: sends };
  }
}

/** @type {ReplyFrame} */
const OK = Object.freeze({
  kind: 'reply', id: 0, outcome: Outcome.OK, receivers: 0, detail: '', channels: [], patterns: [],
});

module.exports = { Link, OK, ProtocolError, Request, SUBSCRIBE, UNSUBSCRIBE, settlePing };
