'use strict';

const { Code } = require('./enums');
const { ProtocolError } = require('./codec');

const PREFIX_BYTES = 4;

/**
 * Cuts what is read into bodies. `take` is called for each with a buffer, and where the body begins and ends in it; it
 * must keep nothing of that buffer. It returns false to have no more of them.
 */
class Framing {
  /**
   * @param {number} maxBytes the longest body; may be changed at any time
   * @param {(buffer: Buffer, start: number, end: number) => boolean} take
   */
  constructor(maxBytes, take) {
    this.maxBytes = maxBytes;
    this._take = take;
    // A frame that has come in part: first its length, then, once that is known, all of it.
    this._partial = Buffer.alloc(PREFIX_BYTES);
    this._have = 0;
  }

  /** Bytes at the end of what was read that are no whole frame yet. */
  get rest() {
    return this._partial.subarray(0, this._have);
  }

  /**
   * Takes what was read. Throws ProtocolError for a length that cannot be, before there is room for the body.
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
    if (position < end) this._keep(data, position);
  }

  /**
   * Goes on with the frame that has come in part. Returns how far `data` is used up, or -1 if no more is wanted.
   * @param {Buffer} data
   * @param {number} position
   */
  _complete(data, position) {
    const count = data.copy(this._partial, this._have, position, position + this._partial.length - this._have);
    this._have += count;
    if (this._have < this._partial.length) return position + count;
    const whole = this._partial;
    if (whole.length === PREFIX_BYTES) {
      this._partial = Buffer.allocUnsafe(PREFIX_BYTES + this._length(whole, 0));
      whole.copy(this._partial);
      return position + count;
    }
    this._partial = Buffer.alloc(PREFIX_BYTES);
    this._have = 0;
    return this._take(whole, PREFIX_BYTES, whole.length) ? position + count : -1;
  }

  /** @param {Buffer} data @param {number} position */
  _keep(data, position) {
    const length = data.length - position;
    const size = length < PREFIX_BYTES ? PREFIX_BYTES : PREFIX_BYTES + this._length(data, position);
    this._partial = Buffer.allocUnsafe(size);
    this._have = data.copy(this._partial, 0, position);
  }

  /** @param {Buffer} data @param {number} position */
  _length(data, position) {
    const length = data.readUInt32BE(position);
    if (length === 0) throw new ProtocolError(Code.MALFORMED, 'a frame of 0 bytes');
    if (length > this.maxBytes) {
      throw new ProtocolError(Code.FRAME_TOO_LARGE, `a frame of ${length} bytes, of ${this.maxBytes} at most`);
    }
    return length;
  }
}

module.exports = { Framing };
