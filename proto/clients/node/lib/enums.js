'use strict';

// The enumerations of hubrelay.proto. If a newer relay sends a value that has no name here, it keeps its number.

/** How a request ended. */
const Outcome = Object.freeze({
  UNSPECIFIED: 0,
  OK: 1,
  PENDING: 2,
  NOT_CONNECTED: 3,
  INTERRUPTED: 4,
  REFUSED: 5,
  INVALID: 6,
  LIMIT: 7,
});

/** The state of the path from this process through Redis and back. */
const State = Object.freeze({ UNSPECIFIED: 0, UP: 1, DEGRADED: 2, DOWN: 3, STOPPING: 4 });

/** Why a relay ends a connection. */
const Code = Object.freeze({
  UNSPECIFIED: 0,
  MALFORMED: 1,
  FRAME_TOO_LARGE: 2,
  HELLO_EXPECTED: 3,
  VERSION: 4,
  NOT_ALLOWED: 5,
  TOO_MANY: 6,
  TIMEOUT: 7,
});

/** The cause of a Status or of a Loss. The client itself sets NO_RELAY: there is no connection to a relay. */
const Cause = Object.freeze({
  UNSPECIFIED: 0,
  SLOW_READER: 1,
  TOO_LARGE: 2,
  BAD_NAME: 3,
  NOT_CONNECTED: 4,
  REFUSED: 5,
  INVALID: 6,
  STARTING: 16,
  STOPPING: 17,
  UNREACHABLE: 18,
  CLOSED: 19,
  TIMEOUT: 20,
  AUTH: 21,
  TLS: 22,
  BUSY: 23,
  DEMOTED: 24,
  PROBE: 25,
  PROTOCOL: 26,
  TOPOLOGY: 27,
  NO_RELAY: 28,
});

/**
 * The name of a value, for people: `CLOSED`, or `UNKNOWN_99`.
 * @param {Readonly<Record<string, number>>} values
 * @param {number} number
 */
function nameOf(values, number) {
  const entry = Object.entries(values).find(([, value]) => value === number);
  return entry ? entry[0] : `UNKNOWN_${number}`;
}

module.exports = { Cause, Code, Outcome, State, nameOf };
