// The same classes as those of `require`: there is one copy of everything.
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
