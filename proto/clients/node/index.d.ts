// Types of the package. They need neither @types/node nor the DOM's types, and use either where it is there.

/** Node's Buffer where its types are known, else Uint8Array, of which Buffer is a subclass. */
export type Bytes = typeof globalThis extends { Buffer: { prototype: infer B extends Uint8Array } } ? B : Uint8Array;

/** The AbortSignal of Node.js or of the DOM. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } }
  ? S
  : { readonly aborted: boolean };

/** What may be published. A string is sent as UTF-8. Bytes are copied: they may be changed after the call. */
export type Payload = string | Uint8Array;

/** The method of `await using`, where the language has it. */
type AsyncDisposal = SymbolConstructor extends { readonly asyncDispose: infer S extends symbol }
  ? { [method in S]: () => Promise<void> }
  : {};

/** The state of the path from this process through Redis and back. A newer relay may send other numbers: not UP. */
export const State: {
  readonly UNSPECIFIED: 0;
  /** Publishing and receiving. */
  readonly UP: 1;
  /** One of the two. On a Redis cluster also: a part of the channels. */
  readonly DEGRADED: 2;
  /** Neither. */
  readonly DOWN: 3;
  /** The relay shuts down; the client is on its way to the next one. */
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
  /** The client's own: there is no connection to a relay. */
  readonly NO_RELAY: 28;
};

/** A number of `Cause`. */
export type Cause = (typeof Cause)[keyof typeof Cause];

/** The path at which a relay listens if nothing else is said: `/run/hubrelay/hubrelay.sock`. */
export const DEFAULT_PATH: string;

// Events

/** A message. */
export class Message {
  constructor(channel: string, payload: Uint8Array, pattern: string);
  readonly type: 'message';
  /** The channel that it was published to. */
  readonly channel: string;
  /** Exactly what was published. All Subscriptions that get the message share these bytes: do not change them. */
  readonly payload: Bytes;
  /** The pattern that matched; empty: the channel itself is subscribed to. */
  readonly pattern: string;
  /** The payload, read as UTF-8. */
  readonly text: string;
}

/** Messages may have been missed before this event: read again, now, what must not be missed. */
export class Gap {
  constructor(reasons: string[], partial?: boolean);
  readonly type: 'gap';
  /** For people. */
  readonly reasons: readonly string[];
  /** Some channels are away still: another Gap comes when all are heard again. */
  readonly partial: boolean;
}

/** What was lost, exactly, in this place between the other events. */
export class Loss {
  constructor(fields: Partial<Omit<Loss, 'type' | 'local'>>, local?: boolean);
  readonly type: 'loss';
  /** Messages for this client that were dropped. */
  readonly messages: number;
  /** `send`s that were certainly not delivered. */
  readonly publishes: number;
  /** `send`s that may have been delivered, or not. */
  readonly publishesUnknown: number;
  /** One of `Cause`, or the number of a newer relay. */
  readonly cause: number;
  /** For people. */
  readonly reason: string;
  /** Counted by this client, and not by the relay: what the application did not take in time. */
  readonly local: boolean;
}

/** These names are not held any more, since Redis or the relay refuses them. In a Subscription it is the last event. */
export class Revoked {
  constructor(channels: string[], patterns: string[], detail: string);
  readonly type: 'revoked';
  readonly channels: readonly string[];
  readonly patterns: readonly string[];
  /** For people: what Redis said. */
  readonly detail: string;
}

/** The state of the path through Redis and back. */
export class Status {
  constructor(fields: Partial<Omit<Status, 'type' | 'connected'>>, connected?: boolean);
  readonly type: 'status';
  /** One of `State`, or the number of a newer relay. */
  readonly state: number;
  /** False while there is no connection to a relay; the state is DOWN and the cause NO_RELAY then. */
  readonly connected: boolean;
  /** What is published now reaches Redis, on whatever channel. */
  readonly publishing: boolean;
  /** Messages come in on everything that is held. */
  readonly receiving: boolean;
  /** One of `Cause`, or the number of a newer relay. */
  readonly cause: number;
  /** For people. */
  readonly reason: string;
  /** Since when the state is as it is: milliseconds since 1970-01-01 UTC. */
  readonly sinceUnixMs: number;
  /** Departures from UP since the relay started. */
  readonly outages: number;
  /** On the way to UP: for how many milliseconds it was not UP. */
  readonly downMs: number;
  /** Breaks in receiving since the relay started. */
  readonly gaps: number;
}

export type ClientEvent = Message | Gap | Loss | Revoked | Status;
export type SubscriptionEvent = Message | Gap | Loss | Revoked;

// Errors

/** Every error of this package. */
export class HubrelayError extends Error {
  /** For programs: NOT_CONNECTED, INTERRUPTED, REFUSED, INVALID, LIMIT, CONGESTED, CLOSED, UNKNOWN, ABORT_ERR. */
  readonly code: string;
  /** Of a publish: false, it was certainly not delivered; undefined, nobody knows. */
  readonly delivered: false | undefined;
  /** The channels that this is about, if any are named. */
  readonly channels: readonly string[];
  /** The patterns that this is about, if any are named. */
  readonly patterns: readonly string[];
}
/** Certainly not delivered: there is no connection to a relay, or the relay has none to Redis. */
export class NotConnectedError extends HubrelayError {}
/** Delivered or not, nobody knows: the connection or Redis failed before the answer. It is never sent again. */
export class InterruptedError extends HubrelayError {}
/** Redis answered with an error. `channels` and `patterns` of a subscribe are what it refused. */
export class RefusedError extends HubrelayError {}
/** The request itself is wrong: a name of no or too many bytes, a payload too large, patterns where there are none. */
export class InvalidError extends HubrelayError {}
/** A limit on subscriptions is reached. The request had no effect, and the connection lives on. */
export class LimitError extends HubrelayError {}
/** Nothing was sent: too much waits for the relay already, or for Replies. */
export class CongestedError extends HubrelayError {}
/** The client, or the Subscription, is closed. Nothing was sent. */
export class ClosedError extends HubrelayError {}
/** The relay answered with an outcome that this package does not know. */
export class UnknownError extends HubrelayError {
  readonly outcome: number;
}
/** The caller gave up by its AbortSignal. `name` is AbortError, `cause` the signal's reason. */
export class CancelledError extends HubrelayError {}

// Client

/** Durations are in milliseconds, sizes in bytes. The defaults are right for a worker behind a web server. */
export interface Numbers {
  /** What one Subscription, or `events`, keeps for the application. Default: 4 MiB. */
  eventsBytes?: number;
  /** What all of them keep together. Default: 64 MiB. */
  queuedBytes?: number;
  /** What the relay has not read yet. `send` is congested above a sixteenth of it. Default: 16 MiB. */
  unsentBytes?: number;
  /** Publishes that await their Reply. Default: 10,000. */
  unanswered?: number;
  /** A Gap comes up to this long after the relay receives again. Default: 2000. */
  gapJitter?: number;
  /** On a cluster: a partial Gap comes when some channels have been away for so long. Default: 5000. */
  partialGap?: number;
  /** Bound of the random delay before the first attempt to connect again; it doubles. Default: 20. */
  backoffMin?: number;
  /** The largest such bound. Default: 500. */
  backoffMax?: number;
  /** The same after an answer that will not change by itself. Default: 30,000. */
  backoffHopeless?: number;
  /** A connection of this age makes the delays begin anew. Default: 5000. */
  goodConnection?: number;
  /** From connecting to Welcome. Default: 5000. */
  handshake?: number;
  /** Requests from before the first attempt to connect has ended wait for that so long. Default: 1000. */
  firstUse?: number;
  /** For the next relay to say Welcome while one is STOPPING; for the fence; for publishes to wait. Default: 250. */
  successor?: number;
  /** For what is owed, when a relay is left and in `close`. Default: 8000. */
  drain?: number;
  /** After this long the relay is asked what became of the `send`s. Default: 1000. */
  settle?: number;
  /** Nothing read for this long while something is owed: a Ping. Default: 5000. */
  pingOwed?: number;
  /** The same while nothing is owed. Default: 15,000. */
  pingIdle?: number;
  /** No byte for this long after the Ping: the connection is given up. Default: 5000. */
  pingTimeout?: number;
}

/** Where one line goes for each change: `console`, pino, winston and others have these methods. */
export interface Logger {
  info(text: string): void;
  warn(text: string): void;
}

/** Called around each publish and each delivery, for tracing. One that throws is logged, and changes nothing. */
export interface Hooks {
  /** A publish or a send begins. What it returns, `afterPublish` is given. */
  beforePublish?(channel: string, payload: Payload): unknown;
  /** It has ended. A send has no receivers, and ends at once. */
  afterPublish?(context: unknown, result: { receivers?: number; error?: Error }): void;
  /** The application is given this message. */
  beforeDelivery?(message: Message): void;
  /** The application asks for the next one, or closes. */
  afterDelivery?(message: Message): void;
}

export interface ClientOptions extends Numbers {
  /** The relay's socket. Default: DEFAULT_PATH. */
  path?: string;
  /** For people, in the relay's logs: at most 64 bytes of UTF-8. Default: empty. */
  name?: string;
  /** Default: none. */
  logger?: Logger;
  hooks?: Hooks;
}

/** What a client has done since it was made. */
export class Counters {
  /** Publishes and sends that were handed to the relay. */
  readonly sent: number;
  /** Publishes and sends that failed, by `code` of the error. */
  readonly failed: Readonly<Record<string, number>>;
  readonly lostMessages: number;
  /** Sends that were lost, or may have been. */
  readonly lostPublishes: number;
  readonly gaps: number;
  readonly reconnects: number;
  /** Bytes for the application in all queues, now. */
  readonly queuedBytes: number;
}

export interface CallOptions {
  /** Gives up when it is aborted: CancelledError. AbortSignal.timeout(ms) is a timeout. */
  signal?: Signal;
}

/** Events in their order. Several may iterate over one stream: each event goes to one of them. */
export class EventStream<E> implements AsyncIterableIterator<E> {
  protected constructor();
  /**
   * The next event. `done` once the stream has ended and all of it was taken. Rejects with CancelledError when the
   * signal is aborted: no event is lost by that, as one would be by a race with a timer.
   */
  next(options?: CallOptions): Promise<IteratorResult<E, undefined>>;
  /** The next event if there is one already, else null. */
  tryNext(): E | null;
  [Symbol.asyncIterator](): this;
}

export interface Subscription extends AsyncDisposal {}
/** Messages of some channels and patterns, and what happened between them. Revoked, or `close`, ends it. */
export class Subscription extends EventStream<SubscriptionEvent> {
  private constructor();
  readonly channels: readonly string[];
  readonly patterns: readonly string[];
  /** It was not in force yet when it was made: a Gap says when it is. */
  readonly pending: boolean;
  /** Ends it: nothing comes any more. Idempotent, and does not wait for the relay. */
  close(): void;
  /** What `for await` does when it is left: `close`. */
  return(): Promise<IteratorResult<SubscriptionEvent, undefined>>;
}

/** The events for which a client takes handlers, and what they are given. */
export interface ClientEventMap {
  status: Status;
  gap: Gap;
  loss: Loss;
  revoked: Revoked;
  /** Of `subscribe`. */
  message: Message;
}

export interface Client extends AsyncDisposal {}
/**
 * A connection to the relay that heals itself: it connects when it is made, without waiting, and again for ever.
 *
 * It is an EventEmitter. Without a handler, `events` has the same events to iterate over. Handlers and `events` share
 * one queue, so that each event goes to one of them: use either. While there is a handler for any of the names, events
 * of names that have none are dropped. Neither has to be used. There is no `error` event.
 */
export class Client {
  /** Throws InvalidError for an impossible path or name, TypeError for an unknown option. */
  constructor(options?: ClientOptions);

  /** The last Status. */
  readonly status: Status;
  /** What is possible at the relay that it was connected to last: `patterns`, `settled`, `fence`, ... */
  readonly features: readonly string[];
  readonly counters: Counters;
  /** Status, Gap, Loss and Revoked, and the Messages of `subscribe`. */
  readonly events: EventStream<ClientEvent>;

  /**
   * Waits for a relay. After `timeout` milliseconds it rejects with NotConnectedError, which says what is wrong.
   * Also: ClosedError, CancelledError.
   */
  ready(options?: CallOptions & { timeout?: number }): Promise<void>;

  /**
   * Publishes, and gives how many subscriptions at Redis the message matched: those of relays, not of the workers
   * behind them. It waits while too much is under way; with `wait: false`, or if `unsentBytes` wait already, it rejects
   * with CongestedError.
   * Also: NotConnectedError, InterruptedError, RefusedError, InvalidError, UnknownError, ClosedError, CancelledError.
   */
  publish(channel: string, payload: Payload, options?: CallOptions & { wait?: boolean }): Promise<number>;

  /**
   * Publishes without an answer, and never waits. What is lost later is told in a Loss.
   * Throws NotConnectedError, InvalidError, CongestedError, ClosedError.
   */
  send(channel: string, payload: Payload): void;

  /**
   * Makes a Subscription, with a bounded queue of its own. Several may listen to one channel: the relay is asked once.
   * Rejects with RefusedError, LimitError, InvalidError, UnknownError, ClosedError, CancelledError.
   */
  listen(
    channels: string | readonly string[],
    options?: CallOptions & { patterns?: string | readonly string[] },
  ): Promise<Subscription>;

  /** `listen` for patterns alone. InvalidError where `features` lacks `patterns`. */
  listenPattern(patterns: string | readonly string[], options?: CallOptions): Promise<Subscription>;

  /**
   * The plain request, for who keeps books himself: messages come as events of the client. `pending`: it is not in
   * force yet, and a Gap says when it is. Rejects as `listen` does, and nothing was subscribed to then.
   */
  subscribe(
    channels: string | readonly string[],
    options?: CallOptions & { patterns?: string | readonly string[] },
  ): Promise<{ pending: boolean }>;

  /** After this no message of these names comes as an event of the client. InvalidError, ClosedError. */
  unsubscribe(
    channels: string | readonly string[],
    options?: CallOptions & { patterns?: string | readonly string[] },
  ): Promise<void>;

  /**
   * Waits for a sign of life of the relay. With `settled`: until all that was published before is answered, or told in
   * a Loss. Rejects with NotConnectedError, InterruptedError; InvalidError where `features` lacks `settled`.
   */
  ping(options?: CallOptions & { settled?: boolean }): Promise<void>;

  /** Ends the client. What is owed is waited for, for up to `drain` milliseconds. Idempotent. */
  close(options?: { drain?: number }): Promise<void>;

  /** It keeps the process alive until it is closed, as it does from the beginning. */
  ref(): this;

  /** It does not keep the process alive, whatever is unanswered. */
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
