import { Client, ClientOptions, Message } from './index.js';

/** The largest payload that the fake relay takes: 1 MiB, the default of a real relay. */
export const MAX_PAYLOAD_BYTES: number;

/**
 * A relay in memory with a Redis of its own, for the tests of applications. Its clients are real clients. It has the
 * features `patterns`, `settled` and `fence`.
 */
export class FakeRelay {
  /** What clients have published, in order. */
  readonly published: Message[];

  /** A client of this relay, which `close` closes. With `gapJitter: 0`, a Gap comes at once. */
  client(name?: string, options?: Omit<ClientOptions, 'path' | 'name'>): Client;
  /** Also listens at a path, for clients of other processes. `close` removes the path. */
  listen(path: string): Promise<void>;
  /** Publishes as another host does. Returns how many subscriptions get the message: 0 during an outage. */
  publish(channel: string, payload: string | Uint8Array): number;
  /** Redis is lost: Status DOWN, publishes fail with NotConnectedError, subscribes are pending. */
  outage(reason?: string): void;
  /** Redis is back: Status UP, and a Gap for every subscriber. */
  recover(): void;
  /** Ends every connection. The clients reconnect at once. */
  disconnect(): void;
  /** The relay dies: connections end, and there is no other relay until `comeBack`. */
  leave(): void;
  /** After `leave`: another relay is there. */
  comeBack(): void;
  /** The relay restarts gracefully: the clients move to the next one, which is already there. There is no Gap. */
  restart(): void;
  /** From now on Redis refuses these channels and patterns, and publishes to them. */
  refuse(...names: string[]): void;
  /** Redis refuses these names, which it had granted: clients that hold them get a Revoked. */
  revoke(...names: string[]): void;
  /** Reports to every client that this many of its messages were dropped. */
  lose(messages: number): void;
  /** Closes the clients, and ends the relay. */
  close(): Promise<void>;
}
