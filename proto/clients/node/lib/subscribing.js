'use strict';

const { Outcome } = require('./enums');
const { ClosedError, InvalidError, errorOf } = require('./errors');
const { OK } = require('./link');
const { checkedNames, inFrames, texts } = require('./names');
const { Restoring, isGranted } = require('./restoring');

/** @typedef {import('./connections').Connections} Connections */
/** @typedef {import('./link').Link} Link */
/** @typedef {import('./link').Request} Request */
/** @typedef {import('./restoring').Listener} Listener */
/** @typedef {import('./names').Name} Name */
/** @typedef {import('./schema').ReplyFrame} ReplyFrame */
/** @typedef {import('./waiter').Waiter} Waiter */

/** One call of the application, which may take several frames and has one answer. */
class Ask {
  /**
   * @param {Waiter} waiter gets 'OK' or 'PENDING', or an error
   * @param {Listener | null} [listener]
   */
  constructor(waiter, listener = null) {
    this.waiter = waiter;
    this.listener = listener;
    this.parts = 1; // unanswered requests, and one more for the call itself until all are made
    this.isPending = false;
    /** @type {ReplyFrame | null} */
    this.failure = null;
    /** @type {Name[]} Names that this call turned on: they were not subscribed to before. */
    this.fresh = [];
  }
}

/** All subscriptions: makes the requests for them, counts them, and makes them again on each connection. */
class Subscribing extends Restoring {
  /** @param {Connections} core knows the connections, and tells the application */
  constructor(core) {
    super(core);
    /** @type {Map<Request, { ask: Ask, name: Name }[]>} Other calls that wait for a Subscribe. */
    this._joined = new Map();
    /** @type {Map<Name, number>} How many plain requests are unanswered. */
    this._open = new Map();
    /** @type {(() => void)[]} Requests made before the first attempt to connect has ended. */
    this._early = [];
  }

  // Requests of the application

  /**
   * The waiter gets 'OK' or 'PENDING', or an error. Throws Invalid.
   * @param {string[]} channels
   * @param {string[]} patterns
   * @param {Waiter} waiter
   */
  subscribe(channels, patterns, waiter) {
    if (this._core.isStarting) {
      checkedNames(channels, patterns);
      this.later(waiter, () => this.subscribe(channels, patterns, waiter));
      return;
    }
    const { names, link } = this._checked(channels, patterns);
    for (const name of names) name.wantsPlain = true;
    const ask = new Ask(waiter);
    if (link === null) {
      for (const name of names) this._setPlain(name, true);
      ask.isPending = true;
    } else {
      for (const portion of inFrames(names, link.maxFrame)) this._askPlain(link, ask, portion);
      this._alsoOnNext(names);
    }
    this._partAnswered(ask, OK);
  }

  /**
   * The waiter gets 'OK'. Subscriptions that listen to these names go on. Throws Invalid.
   * @param {string[]} channels
   * @param {string[]} patterns
   * @param {Waiter} waiter
   */
  unsubscribe(channels, patterns, waiter) {
    if (this._core.isStarting) {
      checkedNames(channels, patterns);
      this.later(waiter, () => this.unsubscribe(channels, patterns, waiter));
      return;
    }
    const { names, link } = this._checked(channels, patterns);
    for (const name of names) name.wantsPlain = false;
    const ask = new Ask(waiter);
    if (link === null) {
      this._endedPlain(names);
    } else {
      this._endedPlain(names.filter((name) => name.listeners.size > 0));
      const unwanted = names.filter((name) => name.listeners.size === 0);
      for (const portion of inFrames(unwanted, link.maxFrame)) this._askPlainEnd(link, ask, portion);
      this._dropOnNext(unwanted);
    }
    this._partAnswered(ask, OK);
  }

  /**
   * The waiter gets 'OK' or 'PENDING', or an error, which ends the listener. Throws Invalid.
   * @param {Listener} listener
   * @param {string[]} channels
   * @param {string[]} patterns
   * @param {Waiter} waiter
   */
  listen(listener, channels, patterns, waiter) {
    if (this._core.isStarting) {
      checkedNames(channels, patterns);
      this.later(waiter, () => this.listen(listener, channels, patterns, waiter));
      return;
    }
    if (listener.isClosed) throw new ClosedError('the subscription is closed');
    const { names, link } = this._checked(channels, patterns);
    listener.names = names;
    listener.isCounted = true;
    this._core.listeners++;
    const ask = new Ask(waiter, listener);
    for (const name of names) name.listeners.add(listener);
    if (link === null) {
      this._startListening(listener, names);
      ask.isPending = true;
    } else {
      const toAsk = this._join(link, ask, listener);
      ask.isPending = toAsk.length < names.length && !this._core.status.receiving;
      for (const portion of inFrames(toAsk, link.maxFrame)) this._askForListener(link, ask, listener, portion);
      this._alsoOnNext(toAsk);
    }
    this._partAnswered(ask, OK);
  }

  /**
   * Ends a subscription. For the application it ends at once. Idempotent.
   * @param {Listener} listener
   */
  unlisten(listener) {
    listener.queue.clear(); // after a Revoked, it still has the events before that
    listener.queue.end();
    if (listener.isClosed) return;
    listener.isClosed = true;
    this._release(listener);
  }

  /** The first attempt to connect has ended, successfully or not: makes the requests that waited for that. */
  started() {
    for (const request of this._early.splice(0)) request();
  }

  /**
   * Makes a request once the first attempt to connect has ended.
   * @param {Waiter} waiter
   * @param {() => void} request
   */
  later(waiter, request) {
    this._early.push(() => {
      if (waiter.isDone) return; // its caller has given up
      try {
        if (this._core.isClosing) throw new ClosedError('the client is closed');
        request();
      } catch (error) {
        waiter.reject(/** @type {Error} */ (error));
      }
    });
  }

  // What the relay answers

  /** @param {Link} link @param {Ask} ask @param {Name[]} names */
  _askPlain(link, ask, names) {
    ask.parts++;
    this._countUp(names);
    this._writeSubscribe(link, names, (at, request, reply) => {
      const granted = isGranted(reply);
      for (const name of names) {
        const isLast = this._countDown(name);
        if (granted && !name.isPlain) ask.fresh.push(name);
        if (granted) this._setPlain(name, name.wantsPlain || !isLast);
        else if (isLast) name.wantsPlain = name.isPlain;
      }
      this._subscribeAnswered(at, request, names, reply);
      this._partAnswered(ask, reply);
      if (!granted) this.names.forgetUnwanted(names.filter((name) => !this._open.has(name)));
    });
  }

  /** @param {Link} link @param {Ask} ask @param {Name[]} names */
  _askPlainEnd(link, ask, names) {
    ask.parts++;
    this._countUp(names);
    this._writeUnsubscribe(link, names, (at, request, reply) => {
      for (const name of names) this._countDown(name);
      if (reply === null || reply.outcome === Outcome.OK) this._endedPlain(names);
      this._partAnswered(ask, reply ?? OK);
    });
  }

  /** @param {Link} link @param {Ask} ask @param {Listener} listener @param {Name[]} names */
  _askForListener(link, ask, listener, names) {
    ask.parts++;
    this._writeSubscribe(link, names, (at, request, reply) => {
      if (isGranted(reply)) this._startListening(listener, names);
      this._subscribeAnswered(at, request, names, reply);
      this._partAnswered(ask, reply);
    });
  }

  /**
   * For names that are held, the listener starts. For names that are asked for, the call joins those requests. Returns
   * the other names.
   * @param {Link} link
   * @param {Ask} ask
   * @param {Listener} listener
   */
  _join(link, ask, listener) {
    return listener.names.filter((name) => {
      if (!link.asked.has(name)) return true;
      const request = link.asking.get(name);
      if (request === undefined) {
        name.queues.add(listener.queue);
      } else {
        ask.parts++;
        const joined = this._joined.get(request);
        if (joined) joined.push({ ask, name });
        else this._joined.set(request, [{ ask, name }]);
      }
      return false;
    });
  }

  /** @param {Listener} listener @param {Iterable<Name>} names */
  _startListening(listener, names) {
    for (const name of names) if (name.listeners.has(listener)) name.queues.add(listener.queue);
  }

  /**
   * What every answer to a Subscribe changes elsewhere: for calls that joined it, the connection, and the gaps.
   * @param {Link} link
   * @param {Request} request
   * @param {Name[]} names
   * @param {ReplyFrame | null} reply
   */
  _subscribeAnswered(link, request, names, reply) {
    const granted = isGranted(reply);
    for (const name of names) {
      if (link.asking.get(name) !== request) continue;
      link.asking.delete(name);
      if (!granted && !name.isPlain && name.queues.size === 0) link.asked.delete(name);
    }
    const isLate = reply === null ? link === this._core.serving : reply.outcome === Outcome.PENDING;
    if (isLate) this._core.gaps.note('subscribed while not receiving');
    this._core.gaps.answered(request, []);
    const joined = this._joined.get(request) ?? [];
    this._joined.delete(request);
    for (const { ask, name } of joined) this._joinedAnswered(link, ask, name, reply);
    this._core.considerGap();
    if (!link.isEnded && link !== this._core.serving) this._core.reconcile();
  }

  /** @param {Link} link @param {Ask} ask @param {Name} name @param {ReplyFrame | null} reply */
  _joinedAnswered(link, ask, name, reply) {
    const { listener } = ask;
    if (listener !== null && isGranted(reply)) {
      this._startListening(listener, [name]);
    } else if (listener !== null && name.listeners.has(listener)) {
      this._askForListener(link, ask, listener, [name]); // alone, since the failed request had other names
      ask.parts--;
      return;
    }
    this._partAnswered(ask, reply);
  }

  /** @param {Ask} ask @param {ReplyFrame | null} reply */
  _partAnswered(ask, reply) {
    ask.parts--;
    if (reply === null || reply.outcome === Outcome.PENDING) ask.isPending = true;
    else if (reply.outcome !== Outcome.OK) ask.failure = reply;
    if (ask.parts === 0) this._conclude(ask);
  }

  /** @param {Ask} ask */
  _conclude(ask) {
    if (ask.failure !== null && ask.listener !== null) {
      this.unlisten(ask.listener);
    } else if (ask.failure !== null) {
      for (const name of ask.fresh) name.wantsPlain = false;
      this._endedPlain(ask.fresh);
      this._dropUnwanted(ask.fresh);
    }
    if (ask.isPending) this._core.gaps.note('subscribed while not receiving');
    if (ask.failure !== null) ask.waiter.reject(errorOf(ask.failure));
    else ask.waiter.resolve(ask.isPending ? 'PENDING' : 'OK');
  }

  // Parts

  /** @param {string[]} channels @param {string[]} patterns */
  _checked(channels, patterns) {
    const link = this._core.serving;
    if (patterns.length > 0 && link !== null && !link.features.has('patterns')) {
      throw new InvalidError('this relay has no patterns', { patterns });
    }
    return { names: this.names.checked(channels, patterns), link };
  }

  /** @param {Name[]} names */
  _alsoOnNext(names) {
    const next = this._core.nextServing;
    if (next !== null) this.restore(next, names);
  }

  /** @param {Name[]} names */
  _dropOnNext(names) {
    const next = this._core.nextServing;
    if (next !== null) this._writeUnsubscribes(next, names);
  }

  /**
   * After this, `events` has no message of these names.
   * @param {Name[]} names
   */
  _endedPlain(names) {
    for (const name of names) this._setPlain(name, false);
    if (names.length > 0) {
      const { channels, patterns } = texts(names);
      this._core.events.removeMessages(new Set(channels), new Set(patterns));
    }
    this.names.forgetUnwanted(names.filter((name) => !this._open.has(name)));
    this._core.consideredSubscriptions();
  }

  /** @param {Name[]} names */
  _countUp(names) {
    for (const name of names) this._open.set(name, (this._open.get(name) ?? 0) + 1);
  }

  /**
   * Counts down the unanswered plain requests for a name. Returns true if it was the last.
   * @param {Name} name
   */
  _countDown(name) {
    const count = (this._open.get(name) ?? 1) - 1;
    if (count > 0) this._open.set(name, count);
    else this._open.delete(name);
    return count === 0;
  }
}

module.exports = { Subscribing };
