'use strict';

const { Outcome, nameOf } = require('./enums');

/**
 * The base class of all errors of this package. `code` is for programs, `message` for people. `delivered` is about a
 * publish: false if it was certainly not delivered, undefined if nobody knows.
 */
class HubrelayError extends Error {
  /**
   * @param {string} message
   * @param {{ channels?: string[], patterns?: string[], cause?: unknown }} [facts]
   */
  constructor(message, facts = {}) {
    super(message, 'cause' in facts ? { cause: facts.cause } : undefined);
    this.name = new.target.name;
    /** @type {string} */
    this.code = 'HUBRELAY';
    /** @type {false | undefined} */
    this.delivered = false;
    /** The channels that the error is about, if it names any. */
    this.channels = facts.channels ?? [];
    /** The patterns that the error is about, if it names any. */
    this.patterns = facts.patterns ?? [];
  }
}

/** Certainly not delivered: there is no connection to a relay, or the relay has no connection to Redis. */
class NotConnectedError extends HubrelayError {
  code = 'NOT_CONNECTED';
}

/** Nobody knows whether it was delivered: the connection or Redis failed before the answer. */
class InterruptedError extends HubrelayError {
  code = 'INTERRUPTED';
  /** @type {false | undefined} */
  delivered = undefined;
}

/** Redis answered with an error. For a subscribe, `channels` and `patterns` are the names that Redis refused. */
class RefusedError extends HubrelayError {
  code = 'REFUSED';
}

/**
 * The request itself is wrong: a name with no bytes or too many, a payload that is too large, patterns that the relay
 * does not have.
 */
class InvalidError extends HubrelayError {
  code = 'INVALID';
}

/** A limit on subscriptions is reached. The request had no effect, and the connection stays open. */
class LimitError extends HubrelayError {
  code = 'LIMIT';
}

/** Nothing was sent: too much already waits for the relay to read it, or for Replies. */
class CongestedError extends HubrelayError {
  code = 'CONGESTED';
}

/** The client, or the Subscription, is closed. Nothing was sent. */
class ClosedError extends HubrelayError {
  code = 'CLOSED';
}

/** The relay answered with an outcome that this package does not know; `outcome` is its number. */
class UnknownError extends HubrelayError {
  code = 'UNKNOWN';
  /** @type {false | undefined} */
  delivered = undefined;
  outcome = 0;
}

/**
 * The caller gave up through its AbortSignal. `cause` is the signal's reason. It has the name of every AbortError of
 * Node.js.
 */
class CancelledError extends HubrelayError {
  /** @param {string} message @param {unknown} cause @param {boolean} wasSent */
  constructor(message, cause, wasSent) {
    super(message, { cause });
    this.name = 'AbortError';
    this.code = 'ABORT_ERR';
    /** @type {false | undefined} */
    this.delivered = wasSent ? undefined : false;
  }
}

/** @type {Record<number, typeof HubrelayError>} */
const BY_OUTCOME = {
  [Outcome.NOT_CONNECTED]: NotConnectedError,
  [Outcome.INTERRUPTED]: InterruptedError,
  [Outcome.REFUSED]: RefusedError,
  [Outcome.INVALID]: InvalidError,
  [Outcome.LIMIT]: LimitError,
};

/**
 * The error for a Reply that is not OK.
 * @param {import('./schema').ReplyFrame} reply
 */
function errorOf(reply) {
  const text = reply.detail || nameOf(Outcome, reply.outcome);
  const Kind = BY_OUTCOME[reply.outcome];
  if (Kind) return new Kind(text, { channels: reply.channels, patterns: reply.patterns });
  const error = new UnknownError(text);
  error.outcome = reply.outcome;
  return error;
}

module.exports = {
  CancelledError,
  ClosedError,
  CongestedError,
  HubrelayError,
  InterruptedError,
  InvalidError,
  LimitError,
  NotConnectedError,
  RefusedError,
  UnknownError,
  errorOf,
};
