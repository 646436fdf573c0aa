// The classes are the same as those of `require`: there is only one copy of everything.
import hubrelay from './index.js';

export const {
  CancelledError,
  Cause,
  Client,
  ClosedError,
  CongestedError,
  Counters,
  DEFAULT_PATH,
  EventStream,
  Gap,
  HubrelayError,
  InterruptedError,
  InvalidError,
  LimitError,
  Loss,
  Message,
  NotConnectedError,
  RefusedError,
  Revoked,
  State,
  Status,
  Subscription,
  UnknownError,
} = hubrelay;
