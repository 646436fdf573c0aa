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

/** The longest body before Welcome, which says how long a body may be. */
const MAX_WELCOME_BYTES = 64 * 1024;
/** The longest body ever: four times the largest setting of a relay. */
const MAX_FRAME_BYTES = 256 << 20;
/** After this id, ids start again at 1 once no request is unanswered: small ids make small frames. */
const MAX_SMALL_ID = 0x3fff;
/** The most memory that payloads of one name share, in bytes. */
const SHARED_BYTES = 8 * 1024;
const SUBSCRIBE = 3;
const UNSUBSCRIBE = 4;
/** A Ping without id. It has no Reply, but writing it fails if the relay has gone. */
const SILENT_PING = encode({ kind: 'ping' });

/** A request that is not a publish. `answer` is called once: with the Reply, or with null at the connection's end. */
class Request {
  /**
   * @param {(link: Link, request: Request, reply: ReplyFrame | null) => void} answer
   * @param {boolean} [isSubscribe]
   */
  constructor(answer, isSubscribe = false) {
    this.answer = answer;
    this.isSubscribe = isSubscribe;
    this.isUnwritten = false; // set at the end of the connection
  }
}

/**
 * Settles the waiter for the Reply to a Ping. Null means the end of the connection.
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
 * The error for a request that is unanswered when the connection ends.
 * @param {boolean} isUnwritten
 */
function errorAtEnd(isUnwritten) {
  return isUnwritten ?
    new NotConnectedError('the connection to the relay ended before this was sent') :
    new InterruptedError('the connection to the relay ended before it answered');
}

/** One connection to a relay, without its socket. Bytes go in and come out, and it keeps the unanswered requests. */
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
    // From its Welcome.
    this.relayId = '';
    /** @type {Set<string>} */
    this.features = new Set();
    this.maxFrame = MAX_WELCOME_BYTES;
    this.maxPayload = 0;
    this.welcomedAt = 0;
    this.status = new Status({}); // the last Status of the relay
    this.isWelcomed = false;
    // The requests.
    /** @type {Map<number, Waiter>} By id, in the order in which they were written. */
    this.publishes = new Map();
    /** @type {Map<number, Request>} */
    this.requests = new Map();
    /** @type {Set<Name>} Names whose last request on this connection is a Subscribe that has not failed. */
    this.asked = new Set();
    /** @type {Map<Name, Request>} The last written Subscribe of a name that is unanswered. */
    this.asking = new Map();
    /** @type {Set<Request>} The client's own Subscribes that are unanswered. */
    this.restoring = new Set();
    this.isPending = false; // some names of a restore were PENDING
    this._lastId = 0;
    // The state of the connection.
    this.isStopping = false; // its relay has said STOPPING
    this.isEnded = false;
    this.isAtItsEnd = false; // the relay has closed the connection in order
    this.shutWhenWritten = false; // the writing side is to be shut down once all is written
    this.isShut = false;
    this.isReading = true; // the socket has to be read
    // Which publishes without id are settled.
    this.unsettled = 0; // those written since the last answered Ping with `settled`
    this.lostOfUnsettled = 0; // how many of those are in a Loss
    this.settling = 0; // unanswered Pings with `settled`
    this._sends = 0;
    // The last copy of what was read, and the part of the buffer that it is a copy of.
    this._copied = this._copy = Buffer.alloc(0);
    this._copyStart = 0;
    this._copyEnd = 0;
    /**
     * @type {Name | null} The name whose payloads were copied last, one after the other, and how many bytes they had.
     */
    this._copiedName = null;
    this._copiedBytes = 0;
    // For detecting a relay that hangs, in the time of `now`.
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
   * Writes a Publish. Returns false if the frame would be too long. The waiter gets the number of receivers, or an
   * error. Without a waiter the Publish has no id.
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

  /** Writes something that has no Reply. So the end of a connection that is not read is noticed. */
  probe() {
    if (this.outbox.unsent === 0) this.outbox.write(SILENT_PING);
  }

  /**
   * Asks for the outcome of the publishes without id.
   * @param {Waiter | null} waiter gets the Reply's outcome
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
   * Takes what was read. Keeps nothing of its buffer. Throws ProtocolError.
   * @param {Buffer} data
   */
  feed(data) {
    this.lastRead = now();
    this.pingAt = null;
    this._copiedName = null;
    this._framing.feed(data);
  }

  /**
   * From now on the limits of this Welcome apply.
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
    if (name === undefined) return false; // the channel may not even be UTF-8
    this.takeMessage(name, new Message(name.text, this._copyOf(name, buffer, payloadStart, end), ''));
    return true;
  }

  /**
   * A copy of what was read. Small payloads of one name that come one after the other are copied together, and share
   * memory. They share as much as this sequence has had already. So a waiting message keeps about as much memory alive
   * as its queue counts for it.
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

  // The state

  /** Whether the writing side has to be shut down once all is written. */
  get isToShut() {
    return this.shutWhenWritten && !this.isShut;
  }

  /** Whether any request is unanswered. */
  get isOwed() {
    return this.publishes.size > 0 || this.requests.size > 0;
  }

  /** The Subscribes that have no Reply yet. */
  unansweredSubscribes() {
    return new Set([...this.requests.values()].filter((request) => request.isSubscribe));
  }

  /**
   * The connection has ended. Publishes that were written fail with Interrupted, others with NotConnected. Other
   * requests are answered with null, in their order. Returns how many publishes without id are unknown, and how many
   * were not sent.
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
