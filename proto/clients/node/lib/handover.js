'use strict';

// The move from a relay that is STOPPING to the next one, without missing a message and without getting one twice. Both
// connections subscribe to a channel made for the move, the fence, and one message is published there. Redis sends
// messages to all subscribers in the same order, so the fence's message has the same place on both. The former
// connection's messages count up to it, the next one's after it. PROTOCOL.md lists the steps.

const crypto = require('node:crypto');
const { Outcome } = require('./enums');
const { Request, SUBSCRIBE, UNSUBSCRIBE } = require('./link');
const { Name } = require('./names');
const { EVENT_BYTES, sizeOf } = require('./queue');
const { bytesField } = require('./codec');
const { Waiter } = require('./waiter');

/** @typedef {import('./connections').Connections} Connections */
/** @typedef {import('./events').Loss} Loss */
/** @typedef {import('./events').Message} Message */
/** @typedef {import('./link').Link} Link */
/** @typedef {import('./schema').ReplyFrame} ReplyFrame */

/** The bytes of the next connection's messages that are kept until the fence has come on the former one. */
const MAX_KEPT_BYTES = 4 << 20;
const MOVED = 'moved to another relay';

/** Drops the messages of a connection that was left. */
function discard() {}

/**
 * A move from `old` to `next`. At its end it calls `Connections.moved` with the reason for a Gap, or with null if no
 * message was missed.
 */
class Move {
  /** @param {Connections} core @param {Link} old @param {Link} next */
  constructor(core, old, next) {
    this.old = old;
    this.next = next;
    this._core = core;
    this.fence = old.features.has('fence') && next.features.has('fence') ?
      `__hubrelay:fence:${crypto.randomBytes(8).toString('hex')}` : '';
    this._name = new Name(this.fence, Buffer.from(this.fence), false);
    this.isOver = false;
    this._isFenced = false; // the fence was asked for
    this._inForce = 0; // on how many of the two connections the fence is in force
    this._isPublished = false;
    this._isCounting = false; // all names that are held are in force on the next connection, too
    this._oldPassed = false;
    this._nextPassed = false;
    /** @type {({ name: Name, message: Message } | { loss: Loss })[]} */
    this._kept = [];
    this._keptBytes = 0;
    old.takeMessage = (name, message) => {
      if (!this._oldPassed) this._core.deliver(name, message);
    };
    next.takeMessage = (name, message) => this._fromNext(name, message);
  }

  /** Asks for the fence. The next connection has already been asked for all names. */
  begin() {
    if (this.fence === '') return;
    this._isFenced = true;
    for (const link of [this.old, this.next]) {
      link.ask(new Request((_, request, reply) => this._fenceAnswered(reply)), SUBSCRIBE, [this._name]);
    }
  }

  /** Takes the next step if the next connection's Subscribes are in force. */
  consider() {
    if (this.isOver || this.next.restoring.size > 0) return;
    if (this.next.isPending && !this._core.status.receiving) return;
    if (!this._isCounting) {
      this._isCounting = true;
      if (this.fence === '') {
        this.giveUp(MOVED);
        return;
      }
      this._core.timers.set('fence', this._core.options.successor);
    }
    if (this._inForce === 2 && !this._isPublished) {
      this._isPublished = true;
      const published = new Waiter();
      published.promise.catch(() => {});
      published.whenDone = (error) => {
        if (error !== null && !this.next.isEnded) this.giveUp(MOVED);
      };
      this.next.publish(bytesField(1, Buffer.from(this.fence)), '', 0, published);
    }
  }

  /**
   * The message on the fence has come on this connection.
   * @param {Link} link
   */
  fenceCame(link) {
    if (link === this.old) {
      this._oldPassed = true;
    } else if (link === this.next) {
      this._nextPassed = true;
      this._forgetKept();
    }
    if (this._oldPassed && this._nextPassed) this._end(null);
  }

  /**
   * The next connection reports that messages were dropped. The Loss is reported in its place if those messages count.
   * @param {Loss} loss
   */
  lossCame(loss) {
    if (!this._isCounting) return;
    this._kept.push({ loss });
    this._keptBytes += EVENT_BYTES;
  }

  /**
   * Ends the move without the fence. From now on the next connection's messages count, including those that are kept.
   * @param {string} reason of the Gap
   */
  giveUp(reason) {
    this._end(reason);
  }

  /** The next connection has ended: the former one goes on. */
  abandon() {
    this.isOver = true;
    this._core.timers.set('fence', null);
    this.old.takeMessage = this._core.deliver;
    // Messages of the former one after its fence were left to the next one.
    if (this._oldPassed) this._core.gaps.note('the next relay ended while it took over');
    this._unsubscribe(this.old);
  }

  /** @param {string | null} reason */
  _end(reason) {
    if (this.isOver) return;
    this.isOver = true;
    this._core.timers.set('fence', null);
    this.next.takeMessage = this._core.deliver;
    for (const entry of this._kept) {
      if ('loss' in entry) this._core.tellLostMessages(entry.loss);
      else this._core.deliver(entry.name, entry.message);
    }
    this._forgetKept();
    this._unsubscribe(this.next);
    this._core.moved(reason);
  }

  _forgetKept() {
    this._kept = [];
    this._keptBytes = 0;
  }

  /** @param {Link} link */
  _unsubscribe(link) {
    if (this._isFenced && !link.isEnded) link.ask(new Request(() => {}), UNSUBSCRIBE, [this._name]);
  }

  /** @param {ReplyFrame | null} reply */
  _fenceAnswered(reply) {
    if (this.isOver || reply === null) return;
    if (reply.outcome === Outcome.OK) {
      this._inForce++;
      this.consider();
      return;
    }
    this.fence = '';
    if (this._isCounting) this.giveUp(MOVED);
    else this.consider();
  }

  /** @param {Name} name @param {Message} message */
  _fromNext(name, message) {
    if (!this._isCounting) return;
    this._kept.push({ name, message });
    this._keptBytes += sizeOf(message);
    if (this._keptBytes <= MAX_KEPT_BYTES) return;
    if (this._nextPassed) this.giveUp(`${MOVED}, and its messages were too many to keep`);
    else this._forgetKept(); // before the fence, the former connection delivers them
  }
}

module.exports = { Move, discard };
