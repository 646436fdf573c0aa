'use strict';

const { Gap } = require('../events');

/** @typedef {import('../client').Client} Client */
/** @typedef {import('../events').Event} Event */
/** @typedef {import('../events').Message} Message */
/** @typedef {Exclude<Event, Message>} Told */
/**
 * An adapter, which is one namespace of one server.
 * @typedef {object} Member
 * @property {(payload: Buffer) => void} take a message on one of its channels. It throws nothing
 * @property {(event: Told) => void} tell It throws nothing
 */

/** Milliseconds after which the adapter asks again for a channel that was refused. */
const ASK_AGAIN = 30_000;

/** @type {WeakMap<object, Switchboard>} */
const switchboards = new WeakMap();

/**
 * Knows which adapters listen to which channels of a client. Each client has one, no matter how many namespaces and
 * servers share the client.
 */
class Switchboard {
  /** @type {Map<string, Set<Member>>} */
  #members = new Map();
  /** @type {Map<string, Promise<void>>} Channels whose subscribe is unanswered. */
  #asking = new Map();
  /** @type {Set<string>} Channels that Redis or the relay refuses. */
  #refused = new Set();
  /** @type {NodeJS.Timeout | null} */
  #timer = null;

  /** @param {any} client a Client of this package */
  static of(client) {
    const switchboard = switchboards.get(client) ?? new Switchboard(client);
    switchboards.set(client, switchboard);
    return switchboard;
  }

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    this.askAgain = ASK_AGAIN;
    client.on('message', (/** @type {Message} */ message) => {
      for (const member of this.#members.get(message.channel) ?? []) member.take(message.payload);
    });
    for (const name of ['status', 'gap', 'loss']) client.on(name, (event) => this.#tell(this.#all, event));
    client.on('revoked', (event) => this.#wasRefused(event.channels, event));
  }

  /**
   * Resolves when the member hears these channels, or will hear them once the relay receives again, which a Gap
   * reports. Never rejects: channels that are refused are reported as Revoked, and asked for again later.
   * @param {Member} member
   * @param {string[]} channels
   * @returns {Promise<unknown>}
   */
  add(member, channels) {
    const fresh = channels.filter((channel) => !this.#members.has(channel));
    for (const channel of channels) {
      const members = this.#members.get(channel);
      if (members === undefined) this.#members.set(channel, new Set([member]));
      else members.add(member);
    }
    if (fresh.length > 0) this.#ask(fresh);
    return this.whenHeard(channels) ?? Promise.resolve();
  }

  /**
   * Resolves as `add` does. Null if no subscribe for these channels is unanswered.
   * @param {string[]} channels
   * @returns {Promise<unknown> | null}
   */
  whenHeard(channels) {
    const asked = channels.map((channel) => this.#asking.get(channel)).filter((promise) => promise !== undefined);
    return asked.length === 0 ? null : Promise.all(asked);
  }

  /**
   * From now on the member hears nothing on these channels. Resolves when the relay has answered.
   * @param {Member} member
   * @param {Iterable<string>} channels
   */
  async remove(member, channels) {
    const unused = [];
    for (const channel of channels) {
      const members = this.#members.get(channel);
      if (!members?.delete(member) || members.size > 0) continue;
      this.#members.delete(channel);
      this.#asking.delete(channel);
      this.#refused.delete(channel);
      unused.push(channel);
    }
    // It rejects only if the client is closed, which also ends its subscriptions.
    if (unused.length > 0) await this.client.unsubscribe(unused).catch(() => {});
  }

  /** @returns {Set<Member>} */
  get #all() {
    return new Set([...this.#members.values()].flatMap((members) => [...members]));
  }

  /** @param {Iterable<Member>} members @param {Told} event */
  #tell(members, event) {
    for (const member of members) member.tell(event);
  }

  /** @param {string[]} channels */
  #ask(channels) {
    const asked = this.#subscribe(channels).finally(() => {
      for (const channel of channels) if (this.#asking.get(channel) === asked) this.#asking.delete(channel);
    });
    for (const channel of channels) this.#asking.set(channel, asked);
    return asked;
  }

  /** @param {string[]} channels */
  async #subscribe(channels) {
    try {
      await this.client.subscribe(channels);
    } catch (error) {
      const { code, message } = /** @type {import('../errors').HubrelayError} */ (error);
      if (code === 'CLOSED') return;
      // None of them was granted, even if only one was refused.
      const wanted = channels.filter((channel) => this.#members.has(channel)); // still
      if (channels.length > 1) await Promise.all(wanted.map((channel) => this.#subscribe([channel])));
      else this.#wasRefused(channels, { type: 'revoked', channels, patterns: [], detail: message });
    }
  }

  /** @param {string[]} channels @param {Extract<Event, { type: 'revoked' }>} event */
  #wasRefused(channels, event) {
    const wanted = channels.filter((channel) => this.#members.has(channel));
    for (const channel of wanted) this.#refused.add(channel);
    this.#tell(this.#membersOf(wanted), event);
    if (this.#refused.size === 0 || this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#askAgain(), this.askAgain).unref();
  }

  /** A Gap reports that messages on these channels were missed meanwhile. */
  async #askAgain() {
    this.#timer = null;
    const channels = [...this.#refused];
    this.#refused.clear();
    await this.#ask(channels);
    const heard = channels.filter((channel) => this.#members.has(channel) && !this.#refused.has(channel));
    if (heard.length > 0) this.#tell(this.#membersOf(heard), new Gap(['channels that were refused are heard again']));
  }

  /** @param {string[]} channels */
  #membersOf(channels) {
    return new Set(channels.flatMap((channel) => [...this.#members.get(channel) ?? []]));
  }
}

module.exports = { Switchboard };
