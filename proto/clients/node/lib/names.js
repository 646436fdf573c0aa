'use strict';

const { bytesField } = require('./codec');
const { InvalidError } = require('./errors');

/** @typedef {import('./queue').EventQueue} EventQueue */
/** @typedef {import('./restoring').Listener} Listener */

const MAX_NAME_BYTES = 512;
const MAX_CLIENT_NAME_BYTES = 64;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Text as UTF-8. Throws InvalidError, since a relay would end the connection for a string that is not UTF-8.
 * @param {unknown} text
 * @param {string} what
 */
function utf8(text, what) {
  if (typeof text !== 'string') throw new InvalidError(`the ${what} must be a string, not ${typeof text}`);
  if (LONE_SURROGATE.test(text)) throw new InvalidError(`the ${what} cannot be written as UTF-8`);
  return Buffer.from(text);
}

/**
 * A channel's or a pattern's name as UTF-8. Throws InvalidError.
 * @param {unknown} name
 * @param {string} [what]
 */
function checkedName(name, what = 'channel') {
  const bytes = utf8(name, what);
  if (bytes.length === 0 || bytes.length > MAX_NAME_BYTES) {
    throw new InvalidError(`the ${what} has ${bytes.length} bytes; 1 to ${MAX_NAME_BYTES} are allowed`);
  }
  return bytes;
}

/**
 * The client's own name. Throws InvalidError.
 * @param {unknown} name
 */
function checkedClientName(name) {
  const { length } = utf8(name, "client's name");
  if (length > MAX_CLIENT_NAME_BYTES) {
    throw new InvalidError(`the client's name has ${length} bytes; ${MAX_CLIENT_NAME_BYTES} are allowed`);
  }
  return /** @type {string} */ (name);
}

/** One channel or pattern, and the listeners that want it. */
class Name {
  /** @param {string} text @param {Buffer} bytes @param {boolean} isPattern */
  constructor(text, bytes, isPattern) {
    this.text = text;
    /** The key in Names: the name's bytes, as Latin-1. */
    this.key = bytes.toString('latin1');
    this.isPattern = isPattern;
    /** The encoded field of a Subscribe. */
    this.field = bytesField(isPattern ? 3 : 2, bytes);
    /** Whether `subscribe` holds it, according to the last answer. */
    this.isPlain = false;
    /** The same according to the last request, which may be unanswered. */
    this.wantsPlain = false;
    /** @type {Set<Listener>} */
    this.listeners = new Set();
    /** @type {Set<EventQueue>} Where its messages go. */
    this.queues = new Set();
  }

  /** Whether somebody has asked for it, and has not given it up. */
  get isWanted() {
    return this.wantsPlain || this.listeners.size > 0;
  }
}

/** All names that are wanted, or that an unanswered request is about. Keys are the bytes of a name, as Latin-1. */
class Names {
  constructor() {
    /** @type {Map<string, Name>} */
    this.channels = new Map();
    /** @type {Map<string, Name>} */
    this.patterns = new Map();
  }

  *[Symbol.iterator]() {
    yield* [...this.channels.values()];
    yield* [...this.patterns.values()];
  }

  /** Whether any queue of the application gets messages. */
  get holdsAny() {
    for (const name of this.channels.values()) if (name.queues.size > 0) return true;
    for (const name of this.patterns.values()) if (name.queues.size > 0) return true;
    return false;
  }

  /**
   * The entries of these names, each once; missing ones are added. If it throws InvalidError, it has added nothing.
   * @param {readonly string[]} channels
   * @param {readonly string[]} patterns
   */
  checked(channels, patterns) {
    const bytes = checkedNames(channels, patterns);
    return [
      ...new Set([
        ...channels.map((text, index) => this._entry(this.channels, text, bytes[index], false)),
        ...patterns.map((text, index) => this._entry(this.patterns, text, bytes[channels.length + index], true)),
      ]),
    ];
  }

  /**
   * The entries of these names, as far as they exist.
   * @param {readonly string[]} channels
   * @param {readonly string[]} patterns
   */
  find(channels, patterns) {
    const found = [
      ...channels.map((text) => this.channels.get(keyOf(text))),
      ...patterns.map((text) => this.patterns.get(keyOf(text))),
    ];
    return /** @type {Name[]} */ (found.filter((name) => name !== undefined));
  }

  /**
   * Drops the entries of names that nobody wants or gets messages of.
   * @param {Iterable<Name>} names
   */
  forgetUnwanted(names) {
    for (const name of names) {
      if (name.isWanted || name.isPlain || name.queues.size > 0) continue;
      const table = name.isPattern ? this.patterns : this.channels;
      if (table.get(name.key) === name) table.delete(name.key);
    }
  }

  /**
   * @param {Map<string, Name>} table
   * @param {string} text
   * @param {Buffer} bytes
   * @param {boolean} isPattern
   */
  _entry(table, text, bytes, isPattern) {
    const key = bytes.toString('latin1');
    let name = table.get(key);
    if (name === undefined) {
      name = new Name(text, bytes, isPattern);
      table.set(key, name);
    }
    return name;
  }
}

/**
 * All these names as UTF-8. Throws InvalidError.
 * @param {readonly string[]} channels
 * @param {readonly string[]} patterns
 */
function checkedNames(channels, patterns) {
  const bytes = [
    ...channels.map((text) => checkedName(text)),
    ...patterns.map((text) => checkedName(text, 'pattern')),
  ];
  if (bytes.length === 0) throw new InvalidError('no channel and no pattern is named');
  return bytes;
}

/** @param {string} text */
function keyOf(text) {
  return Buffer.from(text).toString('latin1');
}

/**
 * The texts of the channels and of the patterns, separately.
 * @param {Iterable<Name>} names
 */
function texts(names) {
  const all = [...names];
  return {
    channels: all.filter((name) => !name.isPattern).map((name) => name.text),
    patterns: all.filter((name) => name.isPattern).map((name) => name.text),
  };
}

/**
 * Splits the names into portions, each of which fits into a Subscribe or Unsubscribe.
 * @param {Iterable<Name>} names
 * @param {number} maxFrameBytes
 */
function inFrames(names, maxFrameBytes) {
  const room = maxFrameBytes - 32; // the frame's tag and length, and the id
  /** @type {Name[][]} */
  const portions = [];
  let size = Infinity;
  for (const name of names) {
    if (size + name.field.length > room) {
      portions.push([]);
      size = 0;
    }
    portions[portions.length - 1].push(name);
    size += name.field.length;
  }
  return portions;
}

module.exports = { Name, Names, checkedClientName, checkedName, checkedNames, inFrames, keyOf, texts };
