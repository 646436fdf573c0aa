'use strict';

const { Client } = require('./client');
const { Cause, State } = require('./enums');
const errors = require('./errors');
const { Gap, Loss, Message, Revoked, Status } = require('./events');
const { Counters, DEFAULT_PATH } = require('./options');
const { EventStream, Subscription } = require('./streams');

const { errorOf, ...errorClasses } = errors;

module.exports = {
  ...errorClasses,
  Cause,
  Client,
  Counters,
  DEFAULT_PATH,
  EventStream,
  Gap,
  Loss,
  Message,
  Revoked,
  State,
  Status,
  Subscription,
};
