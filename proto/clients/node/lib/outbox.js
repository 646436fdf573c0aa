'use strict';

const { decode } = require('./codec');
const { CLIENT_FRAME } = require('./schema');

/** Frames are collected in buffers of this size. Each buffer is one write. A larger frame gets a buffer of its own. */
const BATCH_BYTES = 64 * 1024;
const MAX_SPARE = 4;

/** @typedef {{ buffer: Buffer, length: number }} Batch */

/** Frames on their way to the socket. A frame counts as written once it is handed to a write. */
class Outbox {
  constructor() {
    /** How many bytes the socket has not taken yet. */
    this.unsent = 0;
    /** The buffer of the frame for which `reserve` was called last. */
    this.buffer = Buffer.alloc(0);
    /** @type {Batch[]} */
    this._batches = [];
    /** @type {Batch | null} The one that the socket is given. */
    this._written = null;
    /** @type {Buffer[]} */
    this._spare = [];
  }

  /**
   * Makes room for a frame. The caller has to write it into `buffer` at the returned position.
   * @param {number} size the frame's bytes, with its length in front
   */
  reserve(size) {
    let batch = this._batches.length > 0 ? this._batches[this._batches.length - 1] : null;
    if (batch === null || batch.length + size > batch.buffer.length) {
      const buffer = size > BATCH_BYTES ? Buffer.allocUnsafeSlow(size) :
        this._spare.pop() ?? Buffer.allocUnsafeSlow(BATCH_BYTES);
      batch = { buffer, length: 0 };
      this._batches.push(batch);
    }
    const position = batch.length;
    batch.length += size;
    this.unsent += size;
    this.buffer = batch.buffer;
    return position;
  }

  /**
   * Adds a whole frame.
   * @param {Buffer} frame
   */
  write(frame) {
    const position = this.reserve(frame.length);
    frame.copy(this.buffer, position);
  }

  /** What to write next. Null if there is nothing, or a write is under way. */
  take() {
    if (this._written !== null) return null;
    const batch = this._batches.shift();
    if (batch === undefined) return null;
    this._written = batch;
    return batch.buffer.subarray(0, batch.length);
  }

  /** The socket has taken what `take` returned. */
  wrote() {
    const batch = this._written;
    if (batch === null) return;
    this._written = null;
    this.unsent -= batch.length;
    if (batch.buffer.length === BATCH_BYTES && this._spare.length < MAX_SPARE) this._spare.push(batch.buffer);
  }

  /** Returns the ids of the requests that were not handed to a write, and how many publishes without id were not. */
  takeUnwritten() {
    /** @type {Set<number>} */
    const ids = new Set();
    let sends = 0;
    for (const { buffer, length } of this._batches) {
      for (let position = 0; position < length;) {
        const body = position + 4;
        position = body + buffer.readUInt32BE(position);
        const frame = decode(buffer, body, position, CLIENT_FRAME);
        if (frame?.id) ids.add(frame.id);
        else if (frame?.kind === 'publish') sends++;
      }
    }
    this._batches = [];
    this.unsent = 0;
    return { ids, sends };
  }
}

module.exports = { BATCH_BYTES, Outbox };
