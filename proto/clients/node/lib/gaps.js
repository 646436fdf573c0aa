'use strict';

const { randomUpTo } = require('./connecting');
const { State } = require('./enums');
const { Gap } = require('./events');

/** @typedef {import('./link').Request} Request */

/** Collects the reasons for a Gap, and reports it a random time after the relay receives again. */
class Gaps {
  /**
   * @param {import('./options').Options} options
   * @param {(name: 'gap' | 'partial', delay: number | null) => void} setTimer
   * @param {(gap: Gap) => void} tell
   */
  constructor(options, setTimer, tell) {
    this._options = options;
    this._setTimer = setTimer;
    this._tell = tell;
    /** @type {Set<string>} */
    this._reasons = new Set();
    this._isReceiving = false;
    /**
     * @type {Set<Request> | null} The Subscribes whose Replies a Gap waits for. Null while the relay does not receive.
     */
    this._awaited = null;
    this._isDelayed = false; // the random delay is running
    this._isPartialAgain = false;
  }

  /**
   * Messages may have been missed.
   * @param {string} reason
   */
  note(reason) {
    this._reasons.add(reason);
  }

  /** Forgets all reasons, because nothing is subscribed to any more. */
  forget() {
    this._reasons.clear();
    this._stopDelay();
    this._setTimer('partial', null);
  }

  /**
   * The relay says whether it receives.
   * @param {boolean} isReceiving
   * @param {Set<Request>} unanswered the Subscribes that have no Reply yet
   */
  receiving(isReceiving, unanswered) {
    if (isReceiving && !this._isReceiving) this._awaited = new Set(unanswered);
    if (isReceiving) {
      this._setTimer('partial', null);
    } else {
      this._awaited = null;
      this._stopDelay();
    }
    this._isReceiving = isReceiving;
  }

  /**
   * From now on another connection counts, and these of its Subscribes have no Reply yet.
   * @param {Set<Request>} unanswered
   */
  awaits(unanswered) {
    if (this._awaited === null) return;
    this._awaited = new Set(unanswered);
    if (unanswered.size > 0) this._stopDelay();
  }

  /**
   * A Subscribe has its Reply.
   * @param {Request} request
   * @param {Request[]} instead the requests that ask again for names that were refused with it
   */
  answered(request, instead) {
    if (!this._awaited?.delete(request)) return;
    for (const other of instead) this._awaited.add(other);
  }

  /** Starts the random delay if there are reasons and nothing has to be waited for. */
  consider() {
    if (this._reasons.size === 0 || this._awaited === null || this._awaited.size > 0 || this._isDelayed) return;
    this._isDelayed = true;
    this._setTimer('gap', randomUpTo(this._options.gapJitter));
  }

  /** The timer "gap" is due. */
  delayIsOver() {
    this._isDelayed = false;
    const reasons = [...this._reasons];
    this._reasons.clear();
    if (reasons.length > 0) this._tell(new Gap(reasons));
  }

  /**
   * The number `gaps` of the Status has grown.
   * @param {import('./events').Status} status
   * @param {boolean} isPartialDue the timer "partial" is already running
   */
  grown(status, isPartialDue) {
    this.note(status.reason || 'the relay was not receiving');
    if (status.receiving || status.state !== State.DEGRADED) return;
    if (isPartialDue) this._isPartialAgain = true;
    else this._setTimer('partial', this._options.partialGap);
  }

  /**
   * The timer "partial" is due.
   * @param {import('./events').Status} status
   */
  partialIsDue(status) {
    const isAgain = this._isPartialAgain;
    this._isPartialAgain = false;
    if (status.state !== State.DEGRADED || status.receiving || this._reasons.size === 0) return;
    this._tell(new Gap([...this._reasons], true));
    if (isAgain) this._setTimer('partial', this._options.partialGap);
  }

  _stopDelay() {
    if (!this._isDelayed) return;
    this._isDelayed = false;
    this._setTimer('gap', null);
  }
}

module.exports = { Gaps };
