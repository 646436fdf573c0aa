'use strict';

const fs = require('node:fs');
const net = require('node:net');
const util = require('node:util');

/** What is read at once, at most. */
const READ_BYTES = 64 * 1024;

/**
 * @typedef {object} SocketHandler what a socket tells its owner
 * @property {() => void} opened
 * @property {(data: Buffer) => void} received the buffer is read into again afterwards
 * @property {() => void} wrote the last write is done
 * @property {(why: string, hasFailed?: boolean) => void} ended once; closed by the relay, unless it has failed
 */

/**
 * A connection to a relay. The buffer for reads is used over and over, and a write is known at once to be done when the
 * kernel has taken it.
 *
 * When a write fails since the relay has closed the connection, what the relay said before that is still to be read:
 * Replies, Losses, an Error. A net.Socket would be destroyed, and all that lost; this one reads on to the end.
 */
class RelaySocket extends net.Socket {
  #handler;
  #isOpen = false;
  #isOver = false;
  #whyUnwritable = '';
  #early = 0; // writes that were done at once, and whose callbacks are still to come
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
   * Writes a batch. True if the kernel has taken it already; else `wrote` is called when it has.
   * @param {Buffer} batch
   */
  give(batch) {
    if (this.#whyUnwritable) return false;
    this.write(batch, this.#written);
    if (this.writableLength > 0) return false;
    this.#early++;
    return true;
  }

  /** Shuts the writing side; reads on. */
  shut() {
    if (!this.#whyUnwritable) this.end();
  }

  /** Closes it. Nothing is told any more. */
  close() {
    this.#isOver = true;
    this.destroy();
  }

  /**
   * net.Socket calls this with null at the end of what is read.
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
 * For people: what connecting to the path said.
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
