'use strict';

const { Cause } = require('./enums');
const { Gap, Loss, noRelay } = require('./events');
const { Gaps } = require('./gaps');
const { Names, checkedClientName } = require('./names');
const { EventQueue } = require('./queue');
const { Timers } = require('./timers');

/** @typedef {import('./events').Event} Event */
/** @typedef {import('./events').Message} Message */
/** @typedef {import('./events').Status} Status */
/** @typedef {import('./names').Name} Name */
/** @typedef {{ info(text: string): void, warn(text: string): void }} Logger */

/** The part of the Core that reports to the application: events, Subscriptions, status, gaps, losses. */
class Telling {
  /**
   * Throws InvalidError for a name of more than 64 bytes.
   * @param {string} name
   * @param {import('./options').Options} options
   * @param {import('./options').Counters} counters
   * @param {Logger} logger
   */
  constructor(name, options, counters, logger) {
    this.name = checkedClientName(name);
    this.options = options;
    this.counters = counters;
    this.logger = logger;
    this.timers = new Timers();
    this.names = new Names();
    this.events = this.newQueue();
    /** The Status that was reported last. */
    this.status = noRelay('not connected yet');
    this.gaps = new Gaps(options, (timer, delay) => this.timers.set(timer, delay), (gap) => this._tellGap(gap));
    /** How many Subscriptions are not closed. */
    this.listeners = 0;
    /** @type {Status | null} A Status UP that is not reported until the names that are held are in force. */
    this._statusToTell = null;
    this._wasTold = false; // whether any Status was reported
    this._mayExceed = false; // messages may exceed the queues' limits: the socket is then left unread
    /**
     * Puts a message into all queues that want it.
     * @type {(name: Name, message: Message) => void}
     */
    this.deliver = (wanted, message) => {
      for (const queue of wanted.queues) queue.putMessage(message, this._mayExceed);
    };
  }

  /** Makes the queue of a Subscription. */
  newQueue() {
    return new EventQueue(this.options.eventsBytes, this.options.queuedBytes, this.counters);
  }

  /**
   * Puts an event that is not a message into `events`.
   * @param {Exclude<Event, Message>} event
   */
  tell(event) {
    this.events.put(event);
  }

  /**
   * Reports a Loss of messages in its place, and a Gap after it.
   * @param {Loss} loss
   */
  tellLostMessages(loss) {
    this.counters.lostMessages += loss.messages;
    this.tell(loss);
    if (!this.names.holdsAny) return;
    for (const queue of this._listeningQueues()) queue.put(loss);
    this._tellGap(new Gap([loss.reason || 'messages were dropped']));
  }

  /** Some Subscriptions have ended. */
  consideredSubscriptions() {
    if (!this.names.holdsAny) this.gaps.forget();
  }

  /** Starts the delay of a Gap if a Gap is due and can come. */
  considerGap() {
    if (this.names.holdsAny) this.gaps.consider();
  }

  /**
   * The Status while there is no connection. Its time is when that state began.
   * @param {string} reason
   */
  _noRelay(reason) {
    return noRelay(reason, this.status.connected ? undefined : this.status.sinceUnixMs);
  }

  /** @param {Status} status */
  _tellStatus(status) {
    this.status = status;
    this._statusToTell = null;
    this._wasTold = true;
    this.tell(status);
  }

  /** @param {Gap} gap */
  _tellGap(gap) {
    if (!this.names.holdsAny) return;
    this.counters.gaps++;
    this.tell(gap);
    for (const queue of this._listeningQueues()) queue.put(gap);
  }

  /** The queues of all Subscriptions that get messages. */
  _listeningQueues() {
    /** @type {Set<EventQueue>} */
    const queues = new Set();
    for (const name of this.names) for (const queue of name.queues) queues.add(queue);
    queues.delete(this.events);
    return queues;
  }

  /**
   * Reports publishes without id that were lost at the end of a connection, or may have been.
   * @param {number} unsent
   * @param {number} unknown
   */
  _tellOwnLoss(unsent, unknown) {
    if (unsent + unknown === 0) return;
    this.counters.lostPublishes += unsent + unknown;
    const reason = 'the connection to the relay ended';
    this.tell(new Loss({ publishes: unsent, publishesUnknown: unknown, cause: Cause.NO_RELAY, reason }, true));
  }
}

module.exports = { Telling };
