// Types of the package. They do not need @types/node or the DOM's types, but use them where they are installed.

/** Node's Buffer if its types are known, else Uint8Array, the base class of Buffer. */
export type Bytes = typeof globalThis extends { Buffer: { prototype: infer B extends Uint8Array } } ? B : Uint8Array;

/** The AbortSignal of Node.js or of the DOM. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } }
  ? S
  : { readonly aborted: boolean };

/** A payload to publish. A string is sent as UTF-8. Bytes are copied, so the caller may change them after the call. */
export type Payload = string | Uint8Array;

/** The method that `await using` calls, where the language has it. */
type AsyncDisposal = SymbolConstructor extends { readonly asyncDispose: infer S extends symbol }
  ? { [method in S]: () => Promise<void> }
  : {};

/**
 * The state of the path from this process through Redis and back. A newer relay may send other numbers: treat them as
 * not UP.
 */
export const State: {
  readonly UNSPECIFIED: 0;
  /** Publishing and receiving. */
  readonly UP: 1;
  /** Only one of publishing and receiving. On a Redis cluster also: only some channels. */
  readonly DEGRADED: 2;
  /** Neither publishing nor receiving. */
  readonly DOWN: 3;
  /** The relay shuts down; the client moves to the next one. */
  readonly STOPPING: 4;
};

/** A number of `State`. */
export type State = (typeof State)[keyof typeof State];

/** The cause of a Status or of a Loss. PROTOCOL.md, section 8, says what each means. */
export const Cause: {
  readonly UNSPECIFIED: 0;
  readonly SLOW_READER: 1;
  readonly TOO_LARGE: 2;
  readonly BAD_NAME: 3;
  readonly NOT_CONNECTED: 4;
  readonly REFUSED: 5;
  readonly INVALID: 6;
  readonly STARTING: 16;
  readonly STOPPING: 17;
  readonly UNREACHABLE: 18;
  readonly CLOSED: 19;
  readonly TIMEOUT: 20;
  readonly AUTH: 21;
  readonly TLS: 22;
  readonly BUSY: 23;
  readonly DEMOTED: 24;
  readonly PROBE: 25;
  readonly PROTOCOL: 26;
  readonly TOPOLOGY: 27;
  /** Set by the client itself: there is no connection to a relay. */
  readonly NO_RELAY: 28;
};

/** A number of `Cause`. */
export type Cause = (typeof Cause)[keyof typeof Cause];

/** The path at which a relay listens by default: `/run/hubrelay/hubrelay.sock`. */
export const DEFAULT_PATH: string;

// Events

/** A message from Redis. */
export class Message {
  constructor(channel: string, payload: Uint8Array, pattern: string);
  readonly type: 'message';
  /** The channel that the message was published to. */
  readonly channel: string;
  /** Exactly what was published. All Subscriptions that get the message share these bytes: do not change them. */
  readonly payload: Bytes;
  /** The pattern that matched. Empty if the channel itself is subscribed to. */
  readonly pattern: string;
  /** The payload, read as UTF-8. */
  readonly text: string;
}

/** Messages may have been missed before this event: read again, now, everything that must not be missed. */
export class Gap {
  constructor(reasons: string[], partial?: boolean);
  readonly type: 'gap';
  /** Why messages may have been missed, for people. */
  readonly reasons: readonly string[];
  /** Some channels are still away. Another Gap comes when all are heard again. */
  readonly partial: boolean;
}

/** Exactly how much was lost, at this place between the other events. */
export class Loss {
  constructor(fields: Partial<Omit<Loss, 'type' | 'local'>>, local?: boolean);
  readonly type: 'loss';
  /** How many messages for this client were dropped. */
  readonly messages: number;
  /** How many `send`s were certainly not delivered. */
  readonly publishes: number;
  /** How many `send`s may or may not have been delivered. */
  readonly publishesUnknown: number;
  /** One of `Cause`, or a number from a newer relay. */
  readonly cause: number;
  /** For people. */
  readonly reason: string;
  /**
   * True if this client counted the loss: the application did not read in time, or the connection ended. False if the
   * relay counted it.
   */
  readonly local: boolean;
}

/**
 * These names are not held any more, since Redis or the relay refuses them. In a Subscription, this is the last event.
 */
export class Revoked {
  constructor(channels: string[], patterns: string[], detail: string);
  readonly type: 'revoked';
  readonly channels: readonly string[];
  readonly patterns: readonly string[];
  /** What Redis said, for people. */
  readonly detail: string;
}

/** The state of the path through Redis and back. */
export class Status {
  constructor(fields: Partial<Omit<Status, 'type' | 'connected'>>, connected?: boolean);
  readonly type: 'status';
  /** One of `State`, or a number from a newer relay. */
  readonly state: number;
  /** False while there is no connection to a relay. The state is then DOWN, and the cause NO_RELAY. */
  readonly connected: boolean;
  /** What is published now reaches Redis, on any channel. */
  readonly publishing: boolean;
  /** Messages come in for all names that are held. */
  readonly receiving: boolean;
  /** One of `Cause`, or a number from a newer relay. */
  readonly cause: number;
  /** For people. */
  readonly reason: string;
  /** When the state began: milliseconds since 1970-01-01 UTC. */
  readonly sinceUnixMs: number;
  /** How often the state has left UP since the relay started. */
  readonly outages: number;
  /** When the state becomes UP again: how many milliseconds it was not UP. Otherwise 0. */
  readonly downMs: number;
  /** How many breaks in receiving there were since the relay started. */
  readonly gaps: number;
}

export type ClientEvent = Message | Gap | Loss | Revoked | Status;
export type SubscriptionEvent = Message | Gap | Loss | Revoked;

// Errors

/** The base class of all errors of this package. */
export class HubrelayError extends Error {
  /** For programs: NOT_CONNECTED, INTERRUPTED, REFUSED, INVALID, LIMIT, CONGESTED, CLOSED, UNKNOWN, ABORT_ERR. */
  readonly code: string;
  /** For a publish: false if it was certainly not delivered, undefined if nobody knows. */
  readonly delivered: false | undefined;
  /** The channels that the error is about, if it names any. */
  readonly channels: readonly string[];
  /** The patterns that the error is about, if it names any. */
  readonly patterns: readonly string[];
}
/** Certainly not delivered: there is no connection to a relay, or the relay has no connection to Redis. */
export class NotConnectedError extends HubrelayError {}
/**
 * Nobody knows whether it was delivered: the connection or Redis failed before the answer. The client never sends it
 * again.
 */
export class InterruptedError extends HubrelayError {}
/** Redis answered with an error. For a subscribe, `channels` and `patterns` are the names that Redis refused. */
export class RefusedError extends HubrelayError {}
/**
 * The request itself is wrong: a name with no bytes or too many, a payload that is too large, patterns that the relay
 * does not have.
 */
export class InvalidError extends HubrelayError {}
/** A limit on subscriptions is reached. The request had no effect, and the connection stays open. */
export class LimitError extends HubrelayError {}
/** Nothing was sent: too much already waits for the relay to read it, or for Replies. */
export class CongestedError extends HubrelayError {}
/** The client, or the Subscription, is closed. Nothing was sent. */
export class ClosedError extends HubrelayError {}
/** The relay answered with an outcome that this package does not know. */
export class UnknownError extends HubrelayError {
  readonly outcome: number;
}
/** The caller gave up through its AbortSignal. `name` is AbortError, and `cause` is the signal's reason. */
export class CancelledError extends HubrelayError {}

// Client

/** Durations are in milliseconds, sizes in bytes. The defaults are right for a worker behind a web server. */
export interface Numbers {
  /** The most that one Subscription, or `events`, keeps for the application. Default: 4 MiB. */
  eventsBytes?: number;
  /** The most that all of them keep together. Default: 64 MiB. */
  queuedBytes?: number;
  /**
   * The most that may wait for the relay to read it. For `send` it is a sixteenth of this. Default: 16 MiB.
   */
  unsentBytes?: number;
  /** The most publishes that may wait for their Reply. Default: 10,000. */
  unanswered?: number;
  /** The longest random delay of a Gap after the relay receives again. Default: 2000. */
  gapJitter?: number;
  /** On a cluster: a partial Gap comes when some channels have been away for this long. Default: 5000. */
  partialGap?: number;
  /** The bound of the random delay before the first attempt to reconnect. It doubles with each attempt. Default: 20. */
  backoffMin?: number;
  /** The largest value of this bound. Default: 500. */
  backoffMax?: number;
  /** The same after an answer of the relay that will not change by itself. Default: 30,000. */
  backoffHopeless?: number;
  /** After a connection that lasted this long, the delays start again at `backoffMin`. Default: 5000. */
  goodConnection?: number;
  /** How long an attempt may take, from connecting to the relay's Welcome. Default: 5000. */
  handshake?: number;
  /** How long requests made before the end of the first attempt to connect wait for that end. Default: 1000. */
  firstUse?: number;
  /**
   * While a relay is STOPPING: how long to wait for the next Welcome, for the fence, and with publishes. Default: 250.
   */
  successor?: number;
  /** How long to wait for owed Replies, when a relay is left and in `close`. Default: 8000. */
  drain?: number;
  /** After this long the client asks the relay about the outcome of `send`s. Default: 1000. */
  settle?: number;
  /** If nothing was read for this long while a Reply is owed, the client sends a Ping. Default: 5000. */
  pingOwed?: number;
  /** The same while no Reply is owed. Default: 15,000. */
  pingIdle?: number;
  /** If no byte comes for this long after the Ping, the client ends the connection. Default: 5000. */
  pingTimeout?: number;
}

/** Gets one line for each change of the connection. `console`, pino, winston and others have these methods. */
export interface Logger {
  info(text: string): void;
  warn(text: string): void;
}

/**
 * Functions that are called around each publish and each delivery, for tracing. If one throws, this is logged and has
 * no other effect.
 */
export interface Hooks {
  /** A publish or a send begins. The returned value is passed to `afterPublish`. */
  beforePublish?(channel: string, payload: Payload): unknown;
  /** The publish or send has ended. A send has no receivers, and ends at once. */
  afterPublish?(context: unknown, result: { receivers?: number; error?: Error }): void;
  /** The application is about to get this message. */
  beforeDelivery?(message: Message): void;
  /** The application asks for the next event, or closes. */
  afterDelivery?(message: Message): void;
}

export interface ClientOptions extends Numbers {
  /** The relay's socket. Default: DEFAULT_PATH. */
  path?: string;
  /** The client's name for people, in the relay's logs: at most 64 bytes of UTF-8. Default: empty. */
  name?: string;
  /** Default: none. */
  logger?: Logger;
  hooks?: Hooks;
}

/** Counts of what a client has done since it was made. */
export class Counters {
  /** How many publishes and sends were handed to a connection. */
  readonly sent: number;
  /** How many publishes and sends failed, by the `code` of the error. */
  readonly failed: Readonly<Record<string, number>>;
  readonly lostMessages: number;
  /** How many sends were lost, or may have been. */
  readonly lostPublishes: number;
  readonly gaps: number;
  readonly reconnects: number;
  /** How many bytes wait for the application in all queues, now. */
  readonly queuedBytes: number;
}

export interface CallOptions {
  /** When it is aborted, the call rejects with CancelledError. Use AbortSignal.timeout(ms) for a timeout. */
  signal?: Signal;
}

/** Events in their order. Several readers may iterate over one stream: each event goes to one of them. */
export class EventStream<E> implements AsyncIterableIterator<E> {
  protected constructor();
  /**
   * The next event. `done` is true once the stream has ended and all events were taken. Rejects with CancelledError
   * when the signal is aborted. No event is lost then, whereas a race with a timer would lose one.
   */
  next(options?: CallOptions): Promise<IteratorResult<E, undefined>>;
  /** The next event if there is one already, else null. */
  tryNext(): E | null;
  [Symbol.asyncIterator](): this;
}

export interface Subscription extends AsyncDisposal {}
/** The messages of some channels and patterns, and the other events between them. A Revoked, or `close`, ends it. */
export class Subscription extends EventStream<SubscriptionEvent> {
  private constructor();
  readonly channels: readonly string[];
  readonly patterns: readonly string[];
  /** True if the Subscription was not in force yet when it was made. A Gap says when it is. */
  readonly pending: boolean;
  /** Ends the Subscription: no more events come. Idempotent, and does not wait for the relay. */
  close(): void;
  /** Does the same as `close`. A `for await` that is left early calls it. */
  return(): Promise<IteratorResult<SubscriptionEvent, undefined>>;
}

/** The events for which a client takes handlers, and the value that each handler gets. */
export interface ClientEventMap {
  status: Status;
  gap: Gap;
  loss: Loss;
  revoked: Revoked;
  /** Only messages of `subscribe`. */
  message: Message;
}

export interface Client extends AsyncDisposal {}
/**
 * A connection to the relay, which reconnects by itself. It starts to connect when it is made, without waiting, and
 * never stops trying.
 *
 * It is an EventEmitter. Without handlers, the application can iterate over the same events with `events`. Handlers and
 * `events` share one queue, so each event goes to only one of them: use one or the other. While any of the event names
 * has a handler, events whose names have no handler are dropped. The application may also use neither. There is no
 * `error` event.
 */
export class Client {
  /** Throws InvalidError for an impossible path or name, TypeError for an unknown option. */
  constructor(options?: ClientOptions);

  /** The last Status that was reported. */
  readonly status: Status;
  /** The features of the relay that the client was connected to last: `patterns`, `settled`, `fence`, ... */
  readonly features: readonly string[];
  readonly counters: Counters;
  /** Status, Gap, Loss and Revoked, and the Messages of `subscribe`. */
  readonly events: EventStream<ClientEvent>;

  /**
   * Waits for a connection to a relay. After `timeout` milliseconds it rejects with NotConnectedError, which says what
   * is wrong.
   * Also: ClosedError, CancelledError.
   */
  ready(options?: CallOptions & { timeout?: number }): Promise<void>;

  /**
   * Publishes, and resolves to the number of subscriptions at Redis that the message matched: subscriptions of relays,
   * not of the workers behind them. While too much is under way it waits. With `wait: false`, or if publishes of
   * `unsentBytes` already wait, it rejects with CongestedError instead.
   * Also: NotConnectedError, InterruptedError, RefusedError, InvalidError, UnknownError, ClosedError, CancelledError.
   */
  publish(channel: string, payload: Payload, options?: CallOptions & { wait?: boolean }): Promise<number>;

  /**
   * Publishes without an answer, and never waits. If the message is lost later, a Loss reports it.
   * Throws NotConnectedError, InvalidError, CongestedError, ClosedError.
   */
  send(channel: string, payload: Payload): void;

  /**
   * Makes a Subscription, with a bounded queue of its own. Several may listen to one channel: the client asks the relay
   * once. Rejects with RefusedError, LimitError, InvalidError, UnknownError, ClosedError, CancelledError.
   */
  listen(
    channels: string | readonly string[],
    options?: CallOptions & { patterns?: string | readonly string[] },
  ): Promise<Subscription>;

  /** `listen` for patterns only. Rejects with InvalidError if `features` lacks `patterns`. */
  listenPattern(patterns: string | readonly string[], options?: CallOptions): Promise<Subscription>;

  /**
   * The plain request, for applications that keep track of readers themselves: messages come as events of the client.
   * If `pending` is true, it is not in force yet, and a Gap says when it is. Rejects as `listen` does; nothing was
   * subscribed to then.
   */
  subscribe(
    channels: string | readonly string[],
    options?: CallOptions & { patterns?: string | readonly string[] },
  ): Promise<{ pending: boolean }>;

  /**
   * Once it resolves, no message of these names comes as a client event. Rejects with InvalidError, ClosedError.
   */
  unsubscribe(
    channels: string | readonly string[],
    options?: CallOptions & { patterns?: string | readonly string[] },
  ): Promise<void>;

  /**
   * Waits for an answer of the relay. With `settled`, it waits until everything published before is answered, or
   * reported in a Loss. Rejects with NotConnectedError, InterruptedError; with InvalidError if `features` lacks
   * `settled`.
   */
  ping(options?: CallOptions & { settled?: boolean }): Promise<void>;

  /** Ends the client. Waits up to `drain` milliseconds for Replies that are owed. Idempotent. */
  close(options?: { drain?: number }): Promise<void>;

  /** From now on the client keeps the process alive until it is closed. This is the default. */
  ref(): this;

  /** From now on the client does not keep the process alive, even if requests are unanswered. */
  unref(): this;

  on<N extends keyof ClientEventMap>(name: N, handler: (event: ClientEventMap[N]) => void): this;
  once<N extends keyof ClientEventMap>(name: N, handler: (event: ClientEventMap[N]) => void): this;
  off<N extends keyof ClientEventMap>(name: N, handler: (event: ClientEventMap[N]) => void): this;
  addListener<N extends keyof ClientEventMap>(name: N, handler: (event: ClientEventMap[N]) => void): this;
  removeListener<N extends keyof ClientEventMap>(name: N, handler: (event: ClientEventMap[N]) => void): this;
  prependListener<N extends keyof ClientEventMap>(name: N, handler: (event: ClientEventMap[N]) => void): this;
  prependOnceListener<N extends keyof ClientEventMap>(name: N, handler: (event: ClientEventMap[N]) => void): this;
  removeAllListeners(name?: string | symbol): this;
  emit(name: string | symbol, ...values: any[]): boolean;
  eventNames(): (string | symbol)[];
  listenerCount(name: string | symbol): number;
  listeners(name: string | symbol): Function[];
  rawListeners(name: string | symbol): Function[];
  getMaxListeners(): number;
  setMaxListeners(count: number): this;
}
