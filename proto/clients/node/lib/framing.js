'use strict';

const { Code } = require('./enums');
const { ProtocolError } = require('./codec');

const PREFIX_BYTES = 4;
/** The first buffer for a frame that has come in part, unless the frame is shorter. It grows with what comes. */
const FIRST_ROOM = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Splits what is read into bodies. For each body, `take` is called with a buffer, and where the body begins and ends in
 * it. `take` must keep nothing of that buffer. It returns false to get no more bodies.
 */
class Framing {
  /**
   * @param {number} maxBytes the longest body; may be changed at any time
   * @param {(buffer: Buffer, start: number, end: number) => boolean} take
   */
  constructor(maxBytes, take) {
    this.maxBytes = maxBytes;
    this._take = take;
    this._partial = NOTHING; // a frame that has come in part
    this._have = 0; // how many bytes of it have come
    this._need = PREFIX_BYTES; // bytes needed: first those of its length; once that is known, all
  }

  /** The bytes at the end of what was read that are not a whole frame yet. */
  get rest() {
    return this._partial.subarray(0, this._have);
  }

  /**
   * Takes what was read. Throws ProtocolError for an impossible length, before it allocates memory for the body.
   * @param {Buffer} data
   */
  feed(data) {
    const end = data.length;
    let position = 0;
    while (position < end && this._have > 0) {
      position = this._complete(data, position);
      if (position < 0) return;
    }
    while (end - position >= PREFIX_BYTES) {
      const body = position + PREFIX_BYTES;
      const next = body + this._length(data, position);
      if (next > end) break;
      position = next;
      if (!this._take(data, body, next)) return;
    }
    if (position === end) return;
    if (end - position >= PREFIX_BYTES) this._need += this._length(data, position);
    this._keep(data, position);
  }

  /**
   * Goes on with the frame that has come in part. Returns the position in `data` up to which it is used, or -1 if
   * `take` wants no more.
   * @param {Buffer} data
   * @param {number} position
   */
  _complete(data, position) {
    const next = position + this._keep(data, position);
    if (this._have < this._need) return next;
    if (this._need === PREFIX_BYTES) {
      this._need += this._length(this._partial, 0);
      return next;
    }
    const whole = this._partial;
    const end = this._need;
    this._partial = NOTHING;
    this._have = 0;
    this._need = PREFIX_BYTES;
    return this._take(whole, PREFIX_BYTES, end) ? next : -1;
  }

  /**
   * Keeps what has come of an incomplete frame. It allocates memory for what has come, and not for what a length only
   * announces. Returns how many bytes it has kept.
   * @param {Buffer} data
   * @param {number} position
   */
  _keep(data, position) {
    const count = Math.min(data.length - position, this._need - this._have);
    const size = this._have + count;
    if (size > this._partial.length) {
      const room = Math.max(size, 2 * this._partial.length, FIRST_ROOM);
      const partial = Buffer.allocUnsafe(Math.min(room, this._need));
      this._partial.copy(partial, 0, 0, this._have);
      this._partial = partial;
    }
    data.copy(this._partial, this._have, position, position + count);
    this._have = size;
    return count;
  }

  /** @param {Buffer} data @param {number} position */
  _length(data, position) {
    const length = data.readUInt32BE(position);
    if (length === 0) throw new ProtocolError(Code.MALFORMED, 'a frame of 0 bytes');
    if (length > this.maxBytes) {
      throw new ProtocolError(Code.FRAME_TOO_LARGE, `a frame of ${length} bytes; at most ${this.maxBytes} are allowed`);
    }
    return length;
  }
}

module.exports = { Framing };
