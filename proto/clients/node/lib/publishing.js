'use strict';

const { bytesField } = require('./codec');
const { ClosedError, CongestedError, InvalidError, NotConnectedError } = require('./errors');
const { checkedName } = require('./names');

/** @typedef {import('./link').Link} Link */
/** @typedef {import('./waiter').Waiter} Waiter */
/** @typedef {string | Uint8Array} Payload */
/** @typedef {{ field: Buffer, payload: Payload, size: number, waiter: Waiter | null }} Waiting */

/** For how many channels the encoded name is kept. If there are more, all are forgotten. */
const MAX_KEPT_FIELDS = 4096;
/** The bytes that a waiting publish takes beside its name and its payload. */
const WAITING_OVERHEAD = 200;

/** Checks and bounds publishes, and writes them in the order of the calls. */
class Publishing {
  /**
   * @param {import('./options').Options} options
   * @param {import('./options').Counters} counters
   * @param {(link: Link) => void} sentFirst called when a publish without id was written and no other one is unsettled
   */
  constructor(options, counters, sentFirst) {
    /** @type {Link | null} Null: there is no connection to a relay. */
    this.link = null;
    this.isHeld = false; // new publishes wait: for the first connection, or until the former one is read to its end
    this.isClosed = false;
    this.reason = ''; // why there is no connection
    /**
     * @type {Map<object, Waiting>} Publishes that wait for room, in their order. The key is the waiter if there is one.
     */
    this._waiting = new Map();
    // The bytes that waiting publishes take: those with Reply, and those without.
    this._waitingPublishes = 0;
    this._waitingSends = 0;
    /** @type {Map<string, Buffer>} */
    this._fields = new Map();
    this._maxUnsent = options.unsentBytes;
    this._maxUnsentSends = options.unsentBytes / 16;
    this._maxUnanswered = options.unanswered;
    this._counters = counters;
    this._sentFirst = sentFirst;
  }

  get isWaiting() {
    return this._waiting.size > 0;
  }

  /**
   * The waiter gets the number of receivers, or an error. Throws Invalid, NotConnected, Closed; Congested unless it
   * may `wait`.
   * @param {string} channel
   * @param {Payload} payload
   * @param {Waiter} waiter
   * @param {boolean} wait
   */
  publish(channel, payload, waiter, wait) {
    const field = this._fields.get(channel) ?? this._newField(channel);
    const size = sizeOf(payload);
    const link = this.link;
    if (link === null || this.isHeld || this.isClosed || this._waiting.size > 0 || !this._hasRoom(link, size)) {
      this._wait({ field, payload, size, waiter }, wait);
      return;
    }
    if (size > link.maxPayload || !link.publish(field, payload, size, waiter)) throw tooLarge(size, link);
    this._counters.sent++;
  }

  /**
   * Publishes without Reply. Throws Invalid, NotConnected, Congested, Closed.
   * @param {string} channel
   * @param {Payload} payload
   */
  send(channel, payload) {
    const field = this._fields.get(channel) ?? this._newField(channel);
    const size = sizeOf(payload);
    const link = this.link;
    if (this.isClosed) throw new ClosedError('the client is closed');
    if (this.isHeld) {
      if (link !== null && size > link.maxPayload) throw tooLarge(size, link);
      this._keep({ field, payload, size, waiter: null });
      return;
    }
    if (link === null) throw new NotConnectedError(this.reason);
    if (size > link.maxPayload) throw tooLarge(size, link);
    const { unsent } = link.outbox;
    if (unsent > 0 && unsent + size > this._maxUnsentSends) {
      throw new CongestedError(`the relay has not read ${unsent} bytes yet`);
    }
    this._sendOn(link, field, payload, size);
  }

  /** Writes waiting publishes while there is room. Returns how many waiting sends failed: they are never sent. */
  pump() {
    let lost = 0;
    for (const [key, { field, payload, size, waiter }] of this._waiting) {
      const link = this.link;
      if (this.isHeld || link !== null && waiter !== null && !this._hasRoom(link, size)) break;
      this._drop(key);
      try {
        if (link === null) throw new NotConnectedError(this.reason);
        if (size > link.maxPayload) throw tooLarge(size, link);
        if (waiter === null) {
          this._sendOn(link, field, payload, size);
        } else {
          if (!link.publish(field, payload, size, waiter)) throw tooLarge(size, link);
          this._counters.sent++;
        }
      } catch (error) {
        if (waiter === null) lost++;
        else waiter.reject(/** @type {Error} */ (error));
      }
    }
    return lost;
  }

  /**
   * The waiter's caller has given up. Returns true if the publish was still waiting: it is never written.
   * @param {Waiter} waiter
   */
  withdraw(waiter) {
    return this._drop(waiter);
  }

  /** The client closes: waiting publishes are not sent any more. Returns how many sends are lost. */
  close() {
    this.isClosed = true;
    let lost = 0;
    for (const { waiter } of this._waiting.values()) {
      if (waiter === null) lost++;
      else waiter.reject(new ClosedError('the client was closed before this was sent'));
    }
    this._waiting.clear();
    this._waitingPublishes = this._waitingSends = 0;
    return lost;
  }

  /** @param {Waiting} entry @param {boolean} wait */
  _wait(entry, wait) {
    const link = this.link;
    if (this.isClosed) throw new ClosedError('the client is closed');
    if (link === null && !(this.isHeld && wait)) throw new NotConnectedError(this.reason);
    if (!wait && link !== null) {
      throw new CongestedError(`${link.publishes.size} publishes await their Reply, ${this._waiting.size} wait for ` +
        `room, and ${link.outbox.unsent} bytes for the relay`);
    }
    if (link !== null && entry.size > link.maxPayload) throw tooLarge(entry.size, link);
    this._keep(entry);
  }

  /**
   * Makes a publish wait for room. Throws Congested if the waiting ones already take too much.
   * @param {Waiting} entry
   */
  _keep(entry) {
    const taken = entry.waiter === null ? this._waitingSends : this._waitingPublishes;
    const limit = entry.waiter === null ? this._maxUnsentSends : this._maxUnsent;
    if (taken > 0 && taken + bytesOf(entry) > limit) {
      throw new CongestedError(`${this._waiting.size} publishes wait already, which take ${taken} bytes`);
    }
    entry.payload = copyOf(entry.payload);
    this._waiting.set(entry.waiter ?? entry, entry);
    this._count(entry, 1);
  }

  /**
   * Removes a publish from those that wait. Returns false if it was not waiting.
   * @param {object} key
   */
  _drop(key) {
    const entry = this._waiting.get(key);
    if (entry === undefined) return false;
    this._waiting.delete(key);
    this._count(entry, -1);
    return true;
  }

  /** @param {Waiting} entry @param {1 | -1} sign */
  _count(entry, sign) {
    if (entry.waiter === null) this._waitingSends += sign * bytesOf(entry);
    else this._waitingPublishes += sign * bytesOf(entry);
  }

  /** @param {Link} link @param {number} size */
  _hasRoom(link, size) {
    const { unsent } = link.outbox;
    return link.publishes.size < this._maxUnanswered && (unsent === 0 || unsent + size <= this._maxUnsent);
  }

  /** @param {Link} link @param {Buffer} field @param {Payload} payload @param {number} size */
  _sendOn(link, field, payload, size) {
    if (!link.publish(field, payload, size, null)) throw tooLarge(size, link);
    this._counters.sent++;
    if (link.unsettled === 1) this._sentFirst(link);
  }

  /** @param {string} channel */
  _newField(channel) {
    const field = bytesField(1, checkedName(channel));
    if (this._fields.size >= MAX_KEPT_FIELDS) this._fields.clear();
    this._fields.set(channel, field);
    return field;
  }
}

/** @param {Payload} payload */
function sizeOf(payload) {
  if (typeof payload === 'string') return Buffer.byteLength(payload);
  if (payload instanceof Uint8Array) return payload.length;
  const { name } = Object(payload).constructor ?? {};
  throw new InvalidError(`the payload must be a string or a Uint8Array, not ${payload === null ? 'null' : name}`);
}

/** @param {Waiting} entry */
function bytesOf({ field, size }) {
  return field.length + size + WAITING_OVERHEAD;
}

/**
 * Copies bytes, which the caller may change later.
 * @param {Payload} payload
 */
function copyOf(payload) {
  return typeof payload === 'string' ? payload : Buffer.from(payload);
}

/** @param {number} size @param {Link} link */
function tooLarge(size, link) {
  return new InvalidError(`the payload has ${size} bytes; this relay takes ${link.maxPayload}`);
}

module.exports = { Publishing };
