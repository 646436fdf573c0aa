'use strict';

const { Outcome, nameOf } = require('./enums');
const { Revoked } = require('./events');
const { Request, SUBSCRIBE, UNSUBSCRIBE } = require('./link');
const { inFrames, texts } = require('./names');

/** @typedef {import('./connections').Connections} Connections */
/** @typedef {import('./link').Link} Link */
/** @typedef {import('./names').Name} Name */
/** @typedef {import('./schema').ReplyFrame} ReplyFrame */

/** Some names, and the queue where their messages go. It is the client's side of a Subscription of the application. */
class Listener {
  /** @param {import('./queue').EventQueue} queue */
  constructor(queue) {
    this.queue = queue;
    /** @type {Name[]} */
    this.names = [];
    this.isCounted = false; // counted in `listeners`: while there are any, the socket is read
    this.isClosed = false;
  }
}

/** @param {ReplyFrame | null} reply null: the connection ended, which counts as PENDING */
function isGranted(reply) {
  return reply === null || reply.outcome === Outcome.OK || reply.outcome === Outcome.PENDING;
}

/** Asks each connection for names, so that it holds the names that are wanted and nothing else. */
class Restoring {
  /** @param {Connections} core knows the connections, and tells the application */
  constructor(core) {
    this._core = core;
    this.names = core.names;
  }

  /**
   * Asks a connection for these names. Names that it does not grant are reported as Revoked. Returns the requests.
   * @param {Link} link
   * @param {Iterable<Name>} names
   * @param {Name[]} [rest] is asked for when these have been granted
   * @returns {Request[]}
   */
  restore(link, names, rest = []) {
    let wanted = [...names].filter((name) => name.isWanted);
    if (!link.features.has('patterns')) {
      this.revoke(wanted.filter((name) => name.isPattern), 'this relay has no patterns');
      wanted = wanted.filter((name) => !name.isPattern);
    }
    if (wanted.length === 0 && rest.length > 0) return this.restore(link, rest);
    return inFrames(wanted, link.maxFrame).map((portion, index, { length }) => {
      const after = index === length - 1 ? rest : [];
      const request = this._writeSubscribe(link, portion, (at, answered, reply) => {
        this._restoreAnswered(at, answered, portion, after, reply);
      });
      link.restoring.add(request);
      return request;
    });
  }

  /**
   * @param {Link} link
   * @param {Request} request
   * @param {Name[]} names
   * @param {Name[]} rest
   * @param {ReplyFrame | null} reply
   */
  _restoreAnswered(link, request, names, rest, reply) {
    link.restoring.delete(request);
    if (reply !== null && isGranted(reply)) {
      this._core.gaps.answered(request, this.restore(link, rest));
    } else if (reply !== null) {
      for (const name of names) link.asked.delete(name);
      this._core.gaps.answered(request, this._askAgain(link, names, rest, reply));
    }
    if (reply?.outcome === Outcome.PENDING) link.isPending = true;
    this._subscribeAnswered(link, request, names, reply);
    this._core.restored(link);
  }

  /**
   * Asks again after a restore was not granted. Names that are refused by name are left out. Near a limit it asks for
   * half of the names, and for the other half once that is granted. Otherwise it asks for each half, until each bad
   * name is alone.
   * @param {Link} link
   * @param {Name[]} names
   * @param {Name[]} rest
   * @param {ReplyFrame} reply
   */
  _askAgain(link, names, rest, reply) {
    const asked = new Set(names);
    const refused = new Set(this.names.find(reply.channels, reply.patterns).filter((name) => asked.has(name)));
    const isLimit = reply.outcome === Outcome.LIMIT;
    const half = names.length >>> 1;
    if (refused.size > 0) {
      this.revoke([...refused], reply.detail);
      return this.restore(link, names.filter((name) => !refused.has(name)), rest);
    }
    if (names.length === 1) {
      this.revoke(isLimit ? [...names, ...rest] : names, reply.detail || nameOf(Outcome, reply.outcome));
      return isLimit ? [] : this.restore(link, rest);
    }
    if (isLimit) return this.restore(link, names.slice(0, half), [...names.slice(half), ...rest]);
    return [...this.restore(link, names.slice(0, half)), ...this.restore(link, names.slice(half), rest)];
  }

  /**
   * Makes a connection hold the names that are wanted, and nothing else.
   * @param {Link} link
   */
  reconcile(link) {
    this.restore(link, [...this.names].filter((name) => name.isWanted && !link.asked.has(name)));
    this._writeUnsubscribes(link, [...link.asked].filter((name) => !name.isWanted));
  }

  /**
   * These names are not held any more. Reports a Revoked to the client's events and to each Subscription of them, which
   * ends.
   * @param {Name[]} names
   * @param {string} detail
   */
  revoke(names, detail) {
    const held = names.filter((name) => name.isPlain || name.queues.size > 0);
    if (held.length === 0) return;
    /** @type {Map<Listener, Name[]>} */
    const lost = new Map();
    for (const name of held) {
      for (const listener of name.listeners) {
        if (!name.queues.has(listener.queue)) continue;
        const its = lost.get(listener);
        if (its) its.push(name);
        else lost.set(listener, [name]);
      }
      for (const link of this._core.links) link.asked.delete(name);
      name.wantsPlain = false;
      this._setPlain(name, false);
    }
    for (const [listener, its] of lost) {
      const { channels, patterns } = texts(its);
      listener.queue.put(new Revoked(channels, patterns, detail));
      listener.queue.end();
      listener.isClosed = true;
      this._release(listener);
    }
    const { channels, patterns } = texts(held);
    this._core.tell(new Revoked(channels, patterns, detail));
    this.names.forgetUnwanted(held);
    this._core.consideredSubscriptions();
  }

  /**
   * Handles the Reply to a Subscribe as far as it concerns more than the names themselves.
   * @abstract
   * @param {Link} link
   * @param {Request} request
   * @param {Name[]} names
   * @param {ReplyFrame | null} reply
   */
  _subscribeAnswered(link, request, names, reply) {
    throw new Error('abstract');
  }

  // Parts

  /** @param {Link} link @param {Name[]} names @param {Request['answer']} answer */
  _writeSubscribe(link, names, answer) {
    const request = new Request(answer, true);
    for (const name of names) {
      link.asked.add(name);
      link.asking.set(name, request);
    }
    link.ask(request, SUBSCRIBE, names);
    return request;
  }

  /** @param {Link} link @param {Name[]} names @param {Request['answer']} answer */
  _writeUnsubscribe(link, names, answer) {
    for (const name of names) link.asked.delete(name);
    link.ask(new Request(answer), UNSUBSCRIBE, names);
  }

  /**
   * Unsubscribes. The relay's answer changes nothing.
   * @param {Link} link
   * @param {Name[]} names
   */
  _writeUnsubscribes(link, names) {
    for (const portion of inFrames(names, link.maxFrame)) this._writeUnsubscribe(link, portion, () => {});
  }

  /**
   * The listener has ended.
   * @param {Listener} listener
   */
  _release(listener) {
    if (listener.isCounted) this._core.listeners--;
    listener.isCounted = false;
    for (const name of listener.names) {
      name.listeners.delete(listener);
      name.queues.delete(listener.queue);
    }
    this._dropUnwanted(listener.names);
    this.names.forgetUnwanted(listener.names);
    this._core.consideredSubscriptions();
  }

  /**
   * Unsubscribes at the relays from those of these names that nobody wants any more.
   * @param {Name[]} names
   */
  _dropUnwanted(names) {
    for (const link of [this._core.serving, this._core.nextServing]) {
      if (link === null) continue;
      this._writeUnsubscribes(link, names.filter((name) => !name.isWanted && link.asked.has(name)));
    }
  }

  /** @param {Name} name @param {boolean} isPlain */
  _setPlain(name, isPlain) {
    name.isPlain = isPlain;
    if (isPlain) name.queues.add(this._core.events);
    else name.queues.delete(this._core.events);
  }
}

module.exports = { Listener, Restoring, isGranted };
