'use strict';

const fs = require('node:fs');
const net = require('node:net');
const util = require('node:util');

/** The most that is read at once. */
const READ_BYTES = 64 * 1024;

/**
 * @typedef {object} SocketHandler the calls of a socket to its owner
 * @property {() => void} opened
 * @property {(data: Buffer) => void} received the buffer is used again for the next read
 * @property {() => void} wrote the last write is done
 * @property {(why: string, hasFailed?: boolean) => void} ended called once; the relay has closed the connection, unless
 *   hasFailed
 */

/**
 * A connection to a relay. All reads use the same buffer. If the kernel takes a write at once, the caller knows so at
 * once.
 *
 * When a write fails because the relay has closed the connection, the frames that it sent before are still unread:
 * Replies, Losses, an Error. A net.Socket would be destroyed and lose them. This one reads on to the end.
 */
class RelaySocket extends net.Socket {
  #handler;
  #isOpen = false;
  #isOver = false;
  #whyUnwritable = '';
  #early = 0; // writes that were done at once, but whose callbacks have not come yet
  #written;

  /** @param {string} path @param {SocketHandler} handler */
  constructor(path, handler) {
    super({
      allowHalfOpen: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (count, buffer) => {
          handler.received(/** @type {Buffer} */ (buffer).subarray(0, count));
          return true;
        },
      },
    });
    this.#handler = handler;
    this.#written = this.#wroteLater.bind(this);
    this.on('connect', () => {
      this.#isOpen = true;
      handler.opened();
    });
    this.on('error', (error) => this.#tellEnd(this.#isOpen ? whyEnded(error) : whyNotConnected(path, error), true));
    this.connect({ path });
  }

  /**
   * Writes a batch. Returns true if the kernel has taken it already. Else `wrote` is called when it has.
   * @param {Buffer} batch
   */
  give(batch) {
    if (this.#whyUnwritable) return false;
    this.write(batch, this.#written);
    if (this.writableLength > 0) return false;
    this.#early++;
    return true;
  }

  /** Shuts the writing side. Reading goes on. */
  shut() {
    if (!this.#whyUnwritable) this.end();
  }

  /** Closes the socket. The handler is not called any more. */
  close() {
    this.#isOver = true;
    this.destroy();
  }

  /**
   * net.Socket calls this with null at the end of the data.
   * @param {any} chunk
   * @param {BufferEncoding} [encoding]
   */
  push(chunk, encoding) {
    if (chunk === null) {
      this.#tellEnd(this.#whyUnwritable || 'the relay closed the connection', this.#whyUnwritable !== '');
    }
    return super.push(chunk, encoding);
  }

  /** @param {Error & { syscall?: string }} [error] */
  destroy(error) {
    const isUnwritable = error !== undefined && (error.syscall === 'write' || error.syscall === 'shutdown');
    if (!isUnwritable || this.#isOver || !this.#isOpen) return super.destroy(error);
    this.#whyUnwritable = whyEnded(error);
    this.resume();
    return this;
  }

  /** @param {Error | null} [error] */
  #wroteLater(error) {
    if (error) return;
    if (this.#early > 0) this.#early--;
    else this.#handler.wrote();
  }

  /** @param {string} why @param {boolean} hasFailed */
  #tellEnd(why, hasFailed) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.ended(why, hasFailed);
  }
}

/** @param {NodeJS.ErrnoException} error */
function textOf(error) {
  const known = error.errno === undefined ? undefined : util.getSystemErrorMap().get(error.errno);
  return known ? `${known[0]}, ${known[1]}` : error.message;
}

/** @param {NodeJS.ErrnoException} error */
function whyEnded(error) {
  return `the connection has failed: ${textOf(error)}`;
}

/**
 * Why connecting to the path failed, for people.
 * @param {string} path
 * @param {NodeJS.ErrnoException} error
 */
function whyNotConnected(path, error) {
  if (error.code === 'EACCES') return `${textOf(error)} ${whoMayConnect(path)}`;
  if (error.code === 'EAGAIN') return `${textOf(error)} (the relay accepts no connections at present)`;
  return textOf(error);
}

/** @param {string} path */
function whoMayConnect(path) {
  const who = `for uid ${process.geteuid?.()}, groups ${process.getgroups?.().join(',')}`;
  try {
    const { uid, gid, mode } = fs.statSync(path);
    return `${who}; the socket belongs to ${uid}:${gid}, mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`;
  } catch {
    return `${who}; a directory on the way to it cannot be entered`;
  }
}

module.exports = { RelaySocket };
