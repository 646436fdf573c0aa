'use strict';

const { Backoff, Watch, isHopeless } = require('./connecting');
const { Code, State, nameOf } = require('./enums');
const { ClosedError } = require('./errors');
const { Status } = require('./events');
const { Move, discard } = require('./handover');
const { Link } = require('./link');
const { Publishing } = require('./publishing');
const { Subscribing } = require('./subscribing');
const { Telling } = require('./telling');
const { now } = require('./timers');

/** @typedef {import('./schema').ErrorFrame} ErrorFrame */
/** @typedef {import('./schema').WelcomeFrame} WelcomeFrame */
/** @typedef {import('./waiter').Waiter} Waiter */
/** @typedef {Record<string, any> & { kind: string }} Frame */
/** @typedef {'open' | 'close' | 'reading'} Action what the owner of the sockets has to do with a Link's socket */

const STOPPING = 'the relay stops, and there is no other one yet';
const ANOTHER_STOPS = 'another relay is stopping';

/** The part of the Core that manages connections: attempts, Welcome, STOPPING, leaving, and the end. */
class Connections extends Telling {
  /**
   * @param {string} name
   * @param {import('./options').Options} options
   * @param {import('./options').Counters} counters
   * @param {import('./telling').Logger} logger
   * @param {string} path the path of the relay's socket, for people
   */
  constructor(name, options, counters, logger, path) {
    super(name, options, counters, logger);
    this._path = path;
    this._why = ''; // why the last attempt failed or the connection ended: the path, and what was wrong
    /** @type {{ action: Action, link: Link }[]} */
    this.actions = [];
    /** @type {string[]} The features of the relay that the client was connected to last. */
    this.features = [];
    /** @type {Link | null} The connection with the newest Welcome. */
    this.link = null;
    /** @type {Link | null} The connection that has not said Welcome yet. */
    this.opening = null;
    /**
     * @type {Link | null} One whose relay is STOPPING. It still serves during a move, and is read to its end.
     */
    this.old = null;
    /** @type {Move | null} */
    this.move = null;
    this.isStarting = false; // the first attempt to connect has not ended
    this.isClosing = false;
    this.isClosed = false;
    this.publishing = new Publishing(options, counters, (link) => {
      if (link.features.has('settled')) this.timers.set('settle', this.options.settle);
    });
    this.publishing.reason = `no connection to a relay: ${this.whyNotReady}`;
    this.subscribing = new Subscribing(this);
    this._backoff = new Backoff(options);
    this._watch = new Watch(options);
    this._gapsSeen = 0;
    this._oldGapsSeen = 0;
    this._wasConnected = false;
    /** @type {Waiter[]} */
    this._readyWaiters = [];
    /** @type {Waiter[]} */
    this._closeWaiters = [];
  }

  /** The connection whose answers count, or null. */
  get serving() {
    return this.move ? this.move.old : this.link;
  }

  /** During a move, the connection that comes next. */
  get nextServing() {
    return this.move ? this.move.next : null;
  }

  /** Why there is no connection, for people. */
  get whyNotReady() {
    return this._why || this._withPath('the relay has not answered yet');
  }

  /** The connections that have said Welcome. */
  get links() {
    return /** @type {Link[]} */ ([this.link, this.old].filter((link) => link !== null));
  }

  /**
   * Takes each frame except Replies and Messages of the usual form.
   * @abstract
   * @param {Link} link
   * @param {Frame} frame
   */
  _takeFrame(link, frame) {
    throw new Error('abstract');
  }

  // Attempts

  _attempt() {
    this.timers.set('attempt', null);
    if (this.opening !== null || this.isClosing) return;
    this.opening = new Link(this.names.channels, (link, frame) => this._takeFrame(link, frame), this.deliver);
    this.actions.push({ action: 'open', link: this.opening });
    this.timers.set('handshake', this.options.handshake);
  }

  /** @param {Link} link @param {Frame} frame */
  _takeFirstFrame(link, frame) {
    if (frame.kind === 'welcome') {
      this._takeWelcome(link, /** @type {WelcomeFrame} */ (frame));
    } else if (frame.kind === 'error') {
      const { code, detail } = /** @type {ErrorFrame} */ (frame);
      this._end(link, `${nameOf(Code, code)}${detail && `: ${detail}`}`, isHopeless(code));
    } else {
      this._end(link, "the relay's first frame is not Welcome");
    }
  }

  /** @param {Link} link @param {WelcomeFrame} welcome */
  _takeWelcome(link, welcome) {
    const former = this.link ?? this.old;
    const status = new Status(welcome.status ?? {});
    if (status.state === State.STOPPING || former?.relayId === welcome.relayId) {
      this._end(link, 'the relay is stopping');
    } else if (welcome.version > 1) {
      this._end(link, `the relay speaks version ${welcome.version}, which this client does not`);
    } else {
      link.welcomed(welcome);
      this._welcomed(link, welcome, status);
    }
  }

  /** @param {Link} link @param {WelcomeFrame} welcome @param {Status} status */
  _welcomed(link, welcome, status) {
    this.opening = null;
    this._why = '';
    this.features = welcome.features;
    for (const name of ['handshake', 'successor', 'first']) this.timers.set(name, null);
    this.timers.set('watch', this._watch.period);
    if (this._wasConnected) this.counters.reconnects++;
    this._wasConnected = true;
    this.logger.info(`hubrelay: connected to relay ${welcome.relayId}, version ${welcome.relayVersion}`);
    const former = this.link;
    this.link = link;
    link.status = status;
    this._oldGapsSeen = this._gapsSeen;
    this._gapsSeen = status.gaps;
    if (former !== null) {
      if (this.old !== null) this._end(this.old, ANOTHER_STOPS);
      this.old = former;
      this.move = new Move(this, former, link);
      this._readOn(former);
    }
    this.subscribing.restore(link, this.names);
    if (this.names.holdsAny) this.move?.begin();
    this._newStatus(link, status);
    if (this.move !== null) this._considerMove();
    else this._follow(link);
    for (const waiter of this._readyWaiters.splice(0)) waiter.resolve();
  }

  /** @param {string} why @param {boolean} isHopelessAnswer */
  _attemptFailed(why, isHopelessAnswer) {
    const isNews = this._why !== why;
    this._why = why;
    if (isNews) this.logger.warn(`hubrelay: cannot connect to a relay: ${why}`);
    if (this.link === null) {
      this.publishing.reason = `no connection to a relay: ${why}`;
      const isToTell = !this.isClosing && (isHopelessAnswer && isNews || !this._wasTold);
      if (isToTell) this._tellStatus(this._noRelay(why));
      else this.status = this._noRelay(why);
      this.timers.set('first', null);
      this._releasePublishes();
    }
    if (!this.isClosing) this.timers.set('attempt', this._backoff.next(isHopelessAnswer));
  }

  // Moving and leaving

  _considerMove() {
    if (this.move === null) return;
    if (this.names.holdsAny) this.move.consider();
    else this.move.giveUp(''); // there are no subscriptions to move, so no Gap is reported
  }

  /**
   * The move has ended.
   * @param {string | null} reason why messages may have been missed; null if none were
   */
  moved(reason) {
    const move = this.move;
    if (move === null) return;
    this.move = null;
    if (reason !== null && this.names.holdsAny) this.gaps.note(reason);
    if (!move.old.isEnded) this._leave(move.old);
    this._follow(move.next);
    this.reconcile();
    this.gaps.awaits(move.next.unansweredSubscribes());
    this.considerGap();
  }

  /**
   * From now on publishes go to this connection, once the former one has sent the Replies that it owes.
   * @param {Link} link
   */
  _follow(link) {
    this.publishing.link = link;
    this.publishing.isHeld = this.old !== null;
    if (this.old !== null) this.timers.set('publishes', this.options.successor);
    this._started();
    this._pump();
  }

  /** @param {Link} link */
  _relayIsStopping(link) {
    link.isStopping = true;
    this._backoff.ended(now() - link.welcomedAt);
    if (this.isClosing) return;
    this.timers.set('successor', this.options.successor);
    this._attempt();
  }

  /** The next relay has not said Welcome in time. */
  _leaveWithoutSuccessor() {
    const link = this.link;
    if (link === null || !link.isStopping || this.move !== null) return;
    this.link = null;
    this._leave(link);
    this.timers.set('watch', null);
    this._withoutRelay(this._withPath(STOPPING));
  }

  /**
   * Stops writing to a connection, and reads it to its end.
   * @param {Link} link
   */
  _leave(link) {
    if (this.old !== null && this.old !== link) this._end(this.old, ANOTHER_STOPS);
    this.old = link;
    link.takeMessage = discard;
    this._settleAndShut(link);
    this.timers.set('drain', this.options.drain);
  }

  /** @param {Link} link */
  _settleAndShut(link) {
    if (link.unsettled > 0 && link.features.has('settled') && !link.shutWhenWritten) link.settleSends();
    link.shutWhenWritten = true;
    this._readOn(link);
  }

  /** @param {Link} link */
  _readOn(link) {
    if (link.isReading) return;
    link.isReading = true;
    this.actions.push({ action: 'reading', link });
  }

  // The end of a connection

  /**
   * Ends a connection. This is the only way in which one ends.
   * @param {Link} link
   * @param {string} why
   * @param {boolean} [isHopelessAnswer]
   */
  _end(link, why, isHopelessAnswer = false) {
    if (link.isEnded) return;
    why = this._withPath(why);
    this.actions.push({ action: 'close', link });
    if (link === this.opening) {
      link.isEnded = true;
      this.opening = null;
      this.timers.set('handshake', null);
      this._attemptFailed(why, isHopelessAnswer);
      return;
    }
    const allHasCome = link.isShut && link.isAtItsEnd && !link.isOwed;
    const { unknown, unsent } = link.end();
    const waiting = link === this.link && this.move === null ? this._failWaiting(why) : 0;
    this._tellOwnLoss(unsent + waiting, allHasCome ? 0 : unknown);
    if (link === this.link && this.move !== null) this._nextEnded(this.move, why);
    else if (link === this.link) this._linkEnded(link, why);
    else if (link === this.old) this._oldEnded();
  }

  /** @param {string} why there is no connection */
  _withPath(why) {
    return `${this._path}: ${why}`;
  }

  _oldEnded() {
    this.old = null;
    this.timers.set('drain', null);
    this.move?.giveUp('moved to another relay');
    this._releasePublishes();
    if (this.isClosing) return;
    this.reconcile(); // asks the serving connection for names that the old one has not answered
    this.considerGap();
  }

  /**
   * Fails the waiting publishes, since there is no connection any more. Returns how many sends are lost.
   * @param {string} why
   */
  _failWaiting(why) {
    this.publishing.link = null;
    this.publishing.reason = `no connection to a relay: ${why}`;
    this.publishing.isHeld = false;
    return this.publishing.pump();
  }

  /**
   * The next connection has ended during a move. The former one goes on, its Status counts again, and the client makes
   * another attempt.
   * @param {Move} move
   * @param {string} why
   */
  _nextEnded(move, why) {
    move.abandon();
    this.move = null;
    this.link = move.old;
    this.old = null;
    this._gapsSeen = this._oldGapsSeen;
    this._attemptFailed(why, false);
    this.timers.set('successor', this.options.successor);
    this._statusToTell = null;
    const { status } = move.old;
    this.gaps.receiving(status.receiving, move.old.unansweredSubscribes());
    if (this.status !== status) this._tellStatus(status);
    this.considerGap();
  }

  /** @param {Link} link @param {string} why */
  _linkEnded(link, why) {
    this.link = null;
    this.timers.set('watch', null);
    this.timers.set('successor', null);
    this._backoff.ended(now() - link.welcomedAt);
    this._withoutRelay(why);
    if (!this.isClosing && this.opening === null) this._attemptFailed(why, false);
  }

  /** @param {string} why */
  _withoutRelay(why) {
    const lost = this._failWaiting(why);
    this._statusToTell = null;
    this.gaps.receiving(false, new Set());
    if (this.names.holdsAny) this.gaps.note('the connection to the relay was lost');
    this._why = why;
    if (this.isClosing) {
      this.status = this._noRelay(why); // not reported: the application is closing the client
    } else {
      this.logger.warn(`hubrelay: not connected to a relay: ${why}`);
      this._tellStatus(this._noRelay(why));
    }
    this._tellOwnLoss(lost, 0);
    this._releasePublishes();
  }

  _releasePublishes() {
    this.timers.set('publishes', null);
    this.publishing.isHeld = false;
    this._started();
    this._pump();
  }

  _started() {
    if (!this.isStarting) return;
    this.isStarting = false;
    this.subscribing.started();
  }

  // Calls of the other parts

  /** Makes the serving connection hold the names that are wanted, and nothing else. */
  reconcile() {
    if (this.link !== null && this.move === null) this.subscribing.reconcile(this.link);
  }

  /**
   * A restore, or a part of it, has been answered.
   * @param {Link} link
   */
  restored(link) {
    if (link.isEnded || link.restoring.size > 0 || link !== this.link) return;
    if (this._statusToTell !== null) this._tellStatus(this._statusToTell);
    this.move?.consider();
  }

  /** @param {Link} link @param {Status} status */
  _newStatus(link, status) {
    this.gaps.receiving(status.receiving, link.unansweredSubscribes());
    if (status.state === State.UP && link.restoring.size > 0) this._statusToTell = status;
    else this._tellStatus(status);
    this.considerGap();
  }

  // After each input

  _pump() {
    this._tellOwnLoss(this.publishing.pump(), 0);
  }

  _afterInput() {
    if (this.publishing.isWaiting) this._pump();
    if (this.isClosing) this._considerClosed();
    if (this.events.bytes > 0) this.considerReading();
  }

  /** Leaves the socket unread if nobody would take the events. The relay then counts the messages that it drops. */
  considerReading() {
    const link = this.link;
    if (link === null) return;
    const isReading = this.listeners > 0 || link.isOwed || !this.events.isFull || this.move !== null || this.isClosing;
    if (isReading === link.isReading) return;
    link.isReading = isReading;
    if (isReading) link.lastRead = now(); // liveness was not checked meanwhile
    this.actions.push({ action: 'reading', link });
  }

  _considerClosed() {
    for (const link of this.links) {
      const isSettled = link.unsettled === 0 || link.features.has('settled');
      if (!link.isOwed && isSettled && link.outbox.unsent === 0) this._end(link, 'closed by the application');
    }
    if (this.link === null && this.old === null) this._closed();
  }

  _closed() {
    if (this.isClosed) return;
    this.isClosed = true;
    this.timers.clear();
    for (const queue of this._listeningQueues()) queue.end();
    this.events.end();
    for (const waiter of this._readyWaiters.splice(0)) waiter.reject(new ClosedError('the client is closed'));
    for (const waiter of this._closeWaiters.splice(0)) waiter.resolve();
  }
}

module.exports = { Connections };
