import { Client, ClientOptions, Message } from './index.js';

/** The largest payload that the fake takes, as a relay by default: 1 MiB. */
export const MAX_PAYLOAD_BYTES: number;

/**
 * A relay in memory with a Redis of its own, for the tests of applications. Its clients are real ones. It has the
 * features `patterns`, `settled` and `fence`.
 */
export class FakeRelay {
  /** What clients have published, in order. */
  readonly published: Message[];

  /** A client of this relay, which `close` closes. `gapJitter: 0` has a Gap come at once. */
  client(name?: string, options?: Omit<ClientOptions, 'path' | 'name'>): Client;
  /** Listens at a path, too, for clients of other processes. The path is gone after `close`. */
  listen(path: string): Promise<void>;
  /** Publishes, as from another host. Gives how many subscriptions get it; none during an outage. */
  publish(channel: string, payload: string | Uint8Array): number;
  /** Redis is lost: Status DOWN, publishes are NotConnected, subscribes are pending. */
  outage(reason?: string): void;
  /** Redis is back: Status UP, and a Gap for whoever is subscribed. */
  recover(): void;
  /** Ends every connection. The clients come again at once. */
  disconnect(): void;
  /** The relay dies: connections end, and there is no other one until `comeBack`. */
  leave(): void;
  /** Another relay is there. */
  comeBack(): void;
  /** The relay is replaced in order: the clients move to the next one, which is there already. No Gap. */
  restart(): void;
  /** Redis refuses these channels and patterns from here on, and what is published to them. */
  refuse(...names: string[]): void;
  /** Redis refuses these names, which were granted: Revoked. */
  revoke(...names: string[]): void;
  /** Tells every client that so many of its messages were dropped. */
  lose(messages: number): void;
  /** Closes the clients, and ends the relay. */
  close(): Promise<void>;
}
