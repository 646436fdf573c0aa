'use strict';

const { whenAborted } = require('./aborting');
const { Core } = require('./core');
const { StreamEmitter } = require('./emitting');
const { CancelledError, ClosedError, InvalidError, NotConnectedError } = require('./errors');
const { guardedHooks, guardedLogger } = require('./guarding');
const { Counters, DEFAULT_PATH, optionsWith } = require('./options');
const { Listener } = require('./restoring');
const { RelaySocket } = require('./socket');
const { EventStream, Subscription } = require('./streams');
const { now } = require('./timers');
const { Waiter } = require('./waiter');

/** @typedef {import('./events').Message} Message */
/** @typedef {import('./link').Link} Link */
/** @typedef {import('./publishing').Payload} Payload */
/**
 * @typedef {object} Hooks
 * @property {(channel: string, payload: Payload) => unknown} [beforePublish]
 * @property {(context: unknown, result: { receivers?: number, error?: Error }) => void} [afterPublish]
 * @property {(message: Message) => void} [beforeDelivery]
 * @property {(message: Message) => void} [afterDelivery]
 */
/** @typedef {{ signal?: AbortSignal }} CallOptions */
/** @typedef {CallOptions & { wait?: boolean }} PublishOptions */
/** @typedef {CallOptions & { patterns?: string | readonly string[] }} NamesOptions */
/** @typedef {Pick<RelaySocket, 'give' | 'shut' | 'close' | 'pause' | 'resume' | 'ref' | 'unref'>} Socket */

/** The longest path of a Unix socket. Some versions of Node.js would cut a longer one. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
/** The longest delay of a timer of Node.js, in milliseconds. */
const MAX_DELAY = 2 ** 31 - 1;

/** An option for the fake relay: the function that makes a client's socket. */
const CONNECT = Symbol('connect');

/** A connection to the relay, which reconnects by itself. `index.d.ts` says what each method does. */
class Client extends StreamEmitter {
  #core;
  #hooks;
  #connect;
  #path;
  /** @type {Map<Link, Socket>} */
  #sockets = new Map();
  /** @type {NodeJS.Timeout | null} */
  #timer = null;
  #deadline = Infinity;
  #isTurnDue = false;
  #isRef = true;
  #turn = () => this.#takeTurn();
  #owner;

  /** @param {Record<string, any>} [options] */
  constructor(options = {}) {
    super();
    const { path = DEFAULT_PATH, name = '', logger: givenLogger, hooks, ...numbers } = options;
    if (typeof path !== 'string' || !path || path.includes('\0') || Buffer.byteLength(path) > MAX_PATH_BYTES) {
      throw new InvalidError(`the path must be a string of 1 to ${MAX_PATH_BYTES} bytes, none of them 0`);
    }
    const logger = guardedLogger(givenLogger);
    this.counters = new Counters();
    this.#path = path;
    this.#core = new Core(name, optionsWith(numbers), this.counters, logger, path);
    this.#hooks = guardedHooks(hooks, logger);
    this.#connect = /** @type {any} */ (options)[CONNECT] ?? connect;
    this.#owner = { hooks: this.#hooks, taken: () => this.#taken() };
    /** Status, Gap, Loss and Revoked, and the Messages of `subscribe`. */
    this.events = new EventStream(this.#core.events, this.#owner);
    this._emitFrom(this.events);
    this.#core.start();
    this.#turnSoon();
  }

  // The surface

  get status() {
    return this.#core.status;
  }

  get features() {
    return this.#core.features;
  }

  /** @param {CallOptions & { timeout?: number }} [options] */
  ready(options = {}) {
    const { timeout, signal } = options;
    const waiter = this.#request(signal, (begun) => this.#core.ready(begun), false);
    if (timeout !== undefined && timeout < MAX_DELAY && !waiter.isDone) {
      const timer = setTimeout(() => waiter.reject(new NotConnectedError(this.#core.whyNotReady)), timeout);
      finallyDo(waiter, () => clearTimeout(timer));
    }
    finallyDo(waiter, () => this.#core.giveUpReady(waiter));
    return waiter.promise;
  }

  /** @param {string} channel @param {Payload} payload @param {PublishOptions} [options] */
  publish(channel, payload, options) {
    const waiter = new Waiter(this.counters);
    if (this.#hooks !== null) return this.#publishWithHooks(this.#hooks, waiter, channel, payload, options);
    this.#publish(waiter, channel, payload, options);
    return waiter.promise;
  }

  /** @param {string} channel @param {Payload} payload */
  send(channel, payload) {
    const context = this.#hooks?.beforePublish?.(channel, payload);
    /** @type {{ error?: Error }} */
    const result = {};
    try {
      this.#core.publishing.send(channel, payload);
      this.#turnSoon();
    } catch (error) {
      result.error = /** @type {Error} */ (error);
      this.counters.fail(result.error);
      throw error;
    } finally {
      this.#hooks?.afterPublish?.(context, result);
    }
  }

  /** @param {string | readonly string[]} channels @param {NamesOptions} [options] */
  async listen(channels, options = {}) {
    checkOptions(options, 'patterns', 'signal');
    const { patterns = [], signal } = options;
    const names = { channels: several(channels), patterns: several(patterns) };
    const core = this.#core;
    const listener = new Listener(core.newQueue());
    const unlisten = () => {
      core.subscribing.unlisten(listener);
      this.#turnSoon();
    };
    const subscription = new Subscription(listener, this.#owner, unlisten, names);
    const waiter = this.#request(signal, (begun) => {
      core.subscribing.listen(listener, names.channels, names.patterns, begun);
    });
    try {
      subscription.pending = await waiter.promise === 'PENDING';
    } catch (error) {
      unlisten();
      throw error;
    }
    if (signal?.aborted) { // after the relay's answer
      unlisten();
      throw new CancelledError('the caller gave up while this began', signal.reason, true);
    }
    return subscription;
  }

  /** @param {string | readonly string[]} patterns @param {CallOptions} [options] */
  async listenPattern(patterns, options = {}) {
    checkOptions(options, 'signal');
    return this.listen([], { ...options, patterns });
  }

  /** @param {string | readonly string[]} channels @param {NamesOptions} [options] */
  async subscribe(channels, options = {}) {
    checkOptions(options, 'patterns', 'signal');
    const { patterns = [], signal } = options;
    const waiter = this.#request(signal, (begun) => {
      this.#core.subscribing.subscribe(several(channels), several(patterns), begun);
    });
    return { pending: await waiter.promise === 'PENDING' };
  }

  /** @param {string | readonly string[]} channels @param {NamesOptions} [options] */
  async unsubscribe(channels, options = {}) {
    checkOptions(options, 'patterns', 'signal');
    const { patterns = [], signal } = options;
    await this.#request(signal, (begun) => {
      this.#core.subscribing.unsubscribe(several(channels), several(patterns), begun);
    }).promise;
  }

  /** @param {CallOptions & { settled?: boolean }} [options] */
  async ping(options = {}) {
    checkOptions(options, 'settled', 'signal');
    const { settled = false, signal } = options;
    await this.#request(signal, (begun) => this.#core.ping(begun, settled)).promise;
  }

  /** @param {{ drain?: number }} [options] */
  async close(options = {}) {
    const { drain = this.#core.options.drain } = options;
    const waiter = new Waiter();
    this.#core.close(drain, waiter);
    this.#takeTurn();
    await waiter.promise;
  }

  /** From now on the client keeps the process alive. This is the default. */
  ref() {
    return this.#setRef(true);
  }

  /** From now on the client does not keep the process alive. */
  unref() {
    return this.#setRef(false);
  }

  // Requests

  /**
   * @param {AbortSignal | undefined} signal
   * @param {(waiter: Waiter) => void} begin
   * @param {boolean} [sends] whether something is sent to the relay
   */
  #request(signal, begin, sends = true) {
    const waiter = new Waiter();
    try {
      if (this.#core.isClosing) throw new ClosedError('the client is closed');
      if (this.#heeds(signal, waiter, sends)) begin(waiter);
    } catch (error) {
      waiter.reject(/** @type {Error} */ (error));
    }
    this.#turnSoon();
    return waiter;
  }

  /**
   * @param {Waiter} waiter
   * @param {string} channel
   * @param {Payload} payload
   * @param {PublishOptions} [options]
   */
  #publish(waiter, channel, payload, options) {
    try {
      if (options !== undefined) checkOptions(options, 'signal', 'wait');
      if (options?.signal && !this.#heeds(options.signal, waiter)) return;
      this.#core.publishing.publish(channel, payload, waiter, options?.wait ?? true);
    } catch (error) {
      waiter.reject(/** @type {Error} */ (error));
    }
    if (!this.#isTurnDue) this.#turnSoon();
  }

  /**
   * @param {Hooks} hooks
   * @param {Waiter} waiter
   * @param {string} channel
   * @param {Payload} payload
   * @param {PublishOptions} [options]
   */
  async #publishWithHooks(hooks, waiter, channel, payload, options) {
    const context = hooks.beforePublish?.(channel, payload);
    /** @type {{ receivers?: number, error?: Error }} */
    const result = {};
    try {
      this.#publish(waiter, channel, payload, options);
      result.receivers = await waiter.promise;
      return result.receivers;
    } catch (error) {
      result.error = /** @type {Error} */ (error);
      throw error;
    } finally {
      hooks.afterPublish?.(context, result);
    }
  }

  /**
   * Makes the waiter give up when the signal is aborted. Returns false if it is aborted already.
   * @param {AbortSignal | undefined} signal
   * @param {Waiter} waiter
   * @param {boolean} [sends]
   */
  #heeds(signal, waiter, sends = true) {
    if (signal === undefined || signal === null) return true;
    if (typeof signal.addEventListener !== 'function') {
      throw new TypeError('hubrelay: the option "signal" must be an AbortSignal');
    }
    if (signal.aborted) {
      waiter.reject(new CancelledError('the caller gave up before anything was sent', signal.reason, false));
      return false;
    }
    const giveUp = () => {
      const wasSent = !this.#core.publishing.withdraw(waiter) && sends;
      waiter.reject(new CancelledError(
        wasSent ? 'the caller gave up; the outcome of the request is unknown' :
          'the caller gave up, and nothing was sent', signal.reason, wasSent));
    };
    finallyDo(waiter, whenAborted(signal, giveUp));
    return true;
  }

  // Sockets and the timer

  #taken() {
    const { link } = this.#core;
    if (link !== null && !link.isReading) this.#turnSoon();
  }

  /** At the end of this turn of the event loop, all requests made in it are written at once. */
  #turnSoon() {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    process.nextTick(this.#turn);
  }

  /** Whether there is something to do in a turn, on any connection: what came on one may cause a write on another. */
  #hasWork() {
    if (this.#core.actions.length > 0 || this.#core.timers.hasChanged) return true;
    for (const link of this.#sockets.keys()) if (link.outbox.unsent > 0 || link.isToShut) return true;
    return false;
  }

  #takeTurn() {
    this.#isTurnDue = false;
    const core = this.#core;
    core.requested();
    while (core.actions.length > 0) {
      for (const { action, link } of core.actions.splice(0)) this.#perform(action, link);
    }
    for (const [link, socket] of this.#sockets) {
      // Publishes that waited for room may be written now.
      while (this.#write(link, socket)) core.wrote();
    }
    if (core.actions.length > 0) this.#turnSoon();
    if (core.timers.hasChanged) this.#setTimer();
  }

  /** @param {import('./connections').Action} action @param {Link} link */
  #perform(action, link) {
    if (action === 'open') {
      this.#open(link);
      return;
    }
    const socket = this.#sockets.get(link);
    if (socket === undefined) return;
    if (action === 'close') {
      this.#sockets.delete(link);
      socket.close();
    } else if (link.isReading) {
      socket.resume();
    } else {
      socket.pause();
    }
  }

  /** @param {Link} link */
  #open(link) {
    const core = this.#core;
    const socket = this.#connect(this.#path, {
      opened: () => {
        core.opened(link);
        this.#takeTurn();
      },
      received: (/** @type {Buffer} */ data) => {
        core.received(link, data);
        if (this.#hasWork()) this.#turnSoon();
      },
      wrote: () => {
        link.outbox.wrote();
        core.wrote();
        this.#takeTurn();
      },
      ended: (/** @type {string} */ why, /** @type {boolean | undefined} */ hasFailed) => {
        core.ended(link, why, hasFailed);
        this.#takeTurn();
      },
    });
    if (!this.#isRef) socket.unref();
    this.#sockets.set(link, socket);
  }

  /**
   * Writes what there is. Returns true if something was written, and the kernel has taken all of it at once.
   * @param {Link} link
   * @param {Socket} socket
   */
  #write(link, socket) {
    const { outbox } = link;
    let hasWritten = false;
    for (let batch = outbox.take(); batch !== null; batch = outbox.take()) {
      if (!socket.give(batch)) return false;
      outbox.wrote();
      hasWritten = true;
    }
    if (link.isToShut && outbox.unsent === 0) {
      link.isShut = true;
      socket.shut();
    }
    return hasWritten;
  }

  #setTimer() {
    const { timers } = this.#core;
    timers.hasChanged = false;
    const { deadline } = timers;
    if (deadline === this.#deadline) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#deadline = deadline ?? Infinity;
    // Timers run before sockets. So the sockets are read first, before the client decides that nothing has come.
    this.#timer = deadline === null ? null : setTimeout(() => {
      this.#timer = null;
      this.#deadline = Infinity;
      setImmediate(() => this.#tick());
    }, Math.min(Math.max(0, deadline - now()), MAX_DELAY));
    if (!this.#isRef) this.#timer?.unref();
  }

  /** @param {boolean} isRef */
  #setRef(isRef) {
    this.#isRef = isRef;
    const method = isRef ? 'ref' : 'unref';
    for (const socket of this.#sockets.values()) socket[method]();
    this.#timer?.[method]();
    return this;
  }

  #tick() {
    this.#core.timers.hasChanged = true;
    this.#core.tick(now());
    this.#takeTurn();
  }
}

if (Symbol.asyncDispose) {
  Object.defineProperty(Client.prototype, Symbol.asyncDispose, { value: Client.prototype.close });
}

/** @param {string} path @param {import('./socket').SocketHandler} handler @returns {Socket} */
function connect(path, handler) {
  return new RelaySocket(path, handler);
}

/** @param {string | readonly string[]} names */
function several(names) {
  if (typeof names === 'string') return [names];
  if (!Array.isArray(names)) throw new InvalidError('channels and patterns must be a string or an array of them');
  return [...names];
}

/**
 * Throws TypeError for an unknown option of a call.
 * @param {object} options
 * @param {...string} names
 */
function checkOptions(options, ...names) {
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`hubrelay: there is no option "${name}" of this call`);
  }
}

/** @param {Waiter} waiter @param {() => void} action */
function finallyDo(waiter, action) {
  const before = waiter.whenDone;
  waiter.whenDone = (error) => {
    before?.(error);
    action();
  };
  if (waiter.isDone) action();
}

module.exports = { CONNECT, Client };
