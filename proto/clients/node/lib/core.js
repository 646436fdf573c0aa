'use strict';

// The client without its sockets, the application's promises and timer callbacks. Calls and bytes go in. `actions` and
// each Link's outbox come out, and the waiters that were passed in get their results. After each call the owner
// performs the actions, writes, and sets its one timer to `timers.deadline`.

const { ProtocolError } = require('./codec');
const { Connections } = require('./connections');
const { Code, State, nameOf } = require('./enums');
const { InvalidError, NotConnectedError } = require('./errors');
const { Loss, Message, Status } = require('./events');
const { discard } = require('./handover');
const { Request, settlePing } = require('./link');
const { keyOf } = require('./names');
const { now } = require('./timers');

/** @typedef {import('./connections').Frame} Frame */
/** @typedef {import('./link').Link} Link */
/** @typedef {import('./waiter').Waiter} Waiter */

/** A timer that is this late shows that the process was stopped, or the machine slept. Milliseconds. */
const LATE = 1000;
/** How often the client checks whether a relay that is left unread has gone. Milliseconds. */
const PROBE_PERIOD = 1000;

/** One client. */
class Core extends Connections {
  // Calls of the owner of the sockets

  /** Connects for the first time. Requests made meanwhile wait for the outcome, for `firstUse` at most. */
  start() {
    this.isStarting = this.publishing.isHeld = true;
    this.timers.set('first', this.options.firstUse);
    this._attempt();
  }

  /**
   * The socket is connected.
   * @param {Link} link
   */
  opened(link) {
    link.hello(this.name);
  }

  /**
   * Bytes were read. Nothing of their buffer is kept.
   * @param {Link} link
   * @param {Buffer} data
   */
  received(link, data) {
    if (link.isEnded) return;
    this._mayExceed = this.listeners === 0 && !link.isOwed;
    try {
      link.feed(data);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this._end(link, `the relay broke the protocol: ${error.message}`);
    }
    this._afterInput();
  }

  /**
   * The socket could not be connected, was closed by the relay, or has failed.
   * @param {Link} link
   * @param {string} why
   * @param {boolean} [hasFailed] the connection was not closed in order
   */
  ended(link, why, hasFailed = false) {
    if (link.isEnded) return;
    link.isAtItsEnd = !hasFailed;
    this._end(link, why);
    this._afterInput();
  }

  /** The socket has taken what was written. */
  wrote() {
    if (this.publishing.isWaiting || this.isClosing) this._afterInput();
  }

  /** A request was made, or an event taken: the socket may have to be read again. */
  requested() {
    if (this.link !== null && !this.link.isReading) this.considerReading();
  }

  /**
   * Performs what is due at this time of the clock `now`.
   * @param {number} at
   */
  tick(at) {
    for (const [name, due] of this.timers.takeDue(at)) {
      const option = FOR_THE_RELAY[name];
      if (option !== undefined && at - due > LATE) this.timers.set(name, this.options[option]);
      else TIMERS[name](this, at, due);
    }
    this._afterInput();
  }

  // Requests

  /**
   * Resolves when there is a connection that has said Welcome: at once, or with the next Welcome.
   * @param {Waiter} waiter
   */
  ready(waiter) {
    if (this.link !== null) waiter.resolve();
    else this._readyWaiters.push(waiter);
  }

  /**
   * The waiter's caller does not wait for a Welcome any more.
   * @param {Waiter} waiter
   */
  giveUpReady(waiter) {
    this._readyWaiters = this._readyWaiters.filter((other) => other !== waiter);
  }

  /**
   * The waiter is settled once the relay has answered. Throws NotConnected, Invalid.
   * @param {Waiter} waiter
   * @param {boolean} settled
   */
  ping(waiter, settled) {
    if (this.isStarting) {
      this.subscribing.later(waiter, () => this.ping(waiter, settled));
      return;
    }
    const link = this.serving;
    if (link === null) throw new NotConnectedError(this.publishing.reason);
    if (settled && !link.features.has('settled')) throw new InvalidError('this relay cannot say what is settled');
    if (settled) link.settleSends(waiter);
    else link.ping(new Request((_, request, reply) => settlePing(waiter, request, reply)));
  }

  /**
   * Closes the client. Waits for owed Replies, for up to `drain` milliseconds.
   * @param {number} drain
   * @param {Waiter} waiter
   */
  close(drain, waiter) {
    if (this.isClosed) {
      waiter.resolve();
      return;
    }
    this._closeWaiters.push(waiter);
    if (this.isClosing) return;
    this.isClosing = true;
    this.timers.set('close', drain);
    this._tellOwnLoss(this.publishing.close(), 0);
    this._started();
    this.move?.giveUp('closed');
    if (this.opening !== null) this._end(this.opening, 'closed by the application');
    for (const link of this.links) {
      link.takeMessage = discard;
      this._settleAndShut(link);
    }
    this._afterInput();
  }

  // Frames

  /** @param {Link} link @param {Frame} frame */
  _takeFrame(link, frame) {
    if (link === this.opening) {
      this._takeFirstFrame(link, frame);
    } else if (frame.kind === 'message') {
      this._takeMessage(link, /** @type {import('./schema').MessageFrame} */ (frame));
    } else if (frame.kind === 'status') {
      this._takeStatus(link, new Status(/** @type {any} */ (frame)));
    } else if (frame.kind === 'loss') {
      this._takeLoss(link, /** @type {import('./schema').LossFrame} */ (frame));
    } else if (frame.kind === 'revoked') {
      this._takeRevoked(link, /** @type {import('./schema').RevokedFrame} */ (frame));
    } else if (frame.kind === 'error') {
      this._end(link, `the relay ended the connection: ${nameOf(Code, frame.code)} ${frame.detail}`.trimEnd());
    }
  }

  /**
   * Takes a Message that is not of the usual form: it has a pattern, or nobody holds its channel.
   * @param {Link} link
   * @param {import('./schema').MessageFrame} frame
   */
  _takeMessage(link, frame) {
    if (this.move !== null && frame.channel === this.move.fence && frame.pattern === '') {
      this.move.fenceCame(link);
      return;
    }
    const name = frame.pattern ? this.names.patterns.get(keyOf(frame.pattern)) :
      this.names.channels.get(keyOf(frame.channel));
    if (name !== undefined) link.takeMessage(name, new Message(frame.channel, frame.payload, frame.pattern));
  }

  /** @param {Link} link @param {import('./schema').LossFrame} frame */
  _takeLoss(link, frame) {
    const lost = frame.publishes + frame.publishesUnknown;
    link.lostOfUnsettled += lost;
    this.counters.lostPublishes += lost;
    if (link === this.serving && frame.messages > 0) {
      this.tellLostMessages(new Loss(frame));
      return;
    }
    if (this.move !== null && link === this.move.next && frame.messages > 0) {
      this.move.lossCame(new Loss({ ...frame, publishes: 0, publishesUnknown: 0 }));
    }
    if (lost > 0) this.tell(new Loss({ ...frame, messages: 0 }));
  }

  /** @param {Link} link @param {import('./schema').RevokedFrame} frame */
  _takeRevoked(link, frame) {
    const names = this.names.find(frame.channels, frame.patterns);
    if (link === this.serving) {
      this.subscribing.revoke(names, frame.detail);
      this.reconcile();
    } else if (link === this.nextServing) {
      // Asked for again when the move ends. Only the answer to that counts.
      for (const name of names) link.asked.delete(name);
      this.gaps.note(frame.detail || 'the next relay revoked a subscription');
    }
  }

  /** @param {Link} link @param {Status} status */
  _takeStatus(link, status) {
    link.status = status;
    if (link !== this.link) {
      if (link === this.move?.old && status.gaps > this._oldGapsSeen) {
        this._oldGapsSeen = status.gaps;
        this.gaps.note(status.reason || 'the relay was not receiving');
      }
      return;
    }
    if (status.state === State.STOPPING && this.move !== null) {
      this._end(link, 'the next relay is stopping, too');
      return;
    }
    if (status.gaps > this._gapsSeen && this.names.holdsAny) {
      this.gaps.grown(status, this.timers.dueAt('partial') !== undefined);
    }
    this._gapsSeen = status.gaps;
    this._newStatus(link, status);
    if (status.state === State.STOPPING && !link.isStopping) this._relayIsStopping(link);
    else this.move?.consider();
  }

  // Timers

  /** An attempt to connect has had no Welcome in time. */
  _handshakeIsOver() {
    if (this.opening !== null) this._end(this.opening, `the relay said nothing for ${this.options.handshake} ms`);
  }

  /** Asks for the outcome of publishes without id, once a period while some are unsettled. */
  _settle() {
    const open = this.links.filter((link) => link.unsettled > 0 && !link.shutWhenWritten);
    for (const link of open) if (link.settling === 0 && link.features.has('settled')) link.settleSends();
    if (open.length > 0) this.timers.set('settle', this.options.settle);
  }

  /**
   * Checks whether the relay is alive.
   * @param {number} at
   * @param {number} due
   */
  _look(at, due) {
    const link = this.link;
    if (link === null) return;
    if (!link.isReading) {
      link.probe();
      this.timers.set('watch', PROBE_PERIOD);
      return;
    }
    if (at - due > LATE) {
      link.lastRead = link.owedSince = at;
      if (link.pingAt !== null) link.pingAt = at;
    }
    let step = this._watch.due(link.lastRead, link.isOwed ? link.owedSince : null, link.pingAt);
    if (at >= step && link.pingAt !== null) {
      this._end(link, `the relay did not answer a Ping for ${this.options.pingTimeout} ms`);
      return;
    }
    if (at >= step) {
      link.ping(new Request(() => {}));
      link.pingAt = at;
      step = at + this.options.pingTimeout;
    }
    this.timers.set('watch', Math.max(0, Math.min(step, at + this._watch.period) - now()));
  }

  /** The owed Replies have not come in time. */
  _closeIsOver() {
    for (const link of this.links) this._end(link, 'closed by the application');
    this._closed();
  }
}

/**
 * Timers for the time that the relay may take, and the option with that time. A timer that fires late is set again:
 * what the relay has sent meanwhile has not been read yet.
 * @type {Record<string, keyof import('./options').Options>}
 */
const FOR_THE_RELAY = {
  first: 'firstUse',
  handshake: 'handshake',
  successor: 'successor',
  fence: 'successor',
  publishes: 'successor',
  drain: 'drain',
};

/** @type {Record<string, (core: Core, at: number, due: number) => void>} */
const TIMERS = {
  first: (core) => {
    if (core.link === null) core._releasePublishes();
  },
  attempt: (core) => core._attempt(),
  handshake: (core) => core._handshakeIsOver(),
  successor: (core) => core._leaveWithoutSuccessor(),
  fence: (core) => core.move?.giveUp('moved to another relay'),
  publishes: (core) => core._releasePublishes(),
  drain: (core) => {
    if (core.old !== null && core.move === null) core._end(core.old, 'the relay that stops did not answer in time');
  },
  gap: (core) => core.gaps.delayIsOver(),
  partial: (core) => core.gaps.partialIsDue(core.status),
  settle: (core) => core._settle(),
  watch: (core, at, due) => core._look(at, due),
  close: (core) => core._closeIsOver(),
};

module.exports = { Core };
