// Types of the adapter. They need the types of socket.io-adapter, which come with socket.io.

import { ClusterAdapterWithHeartbeat } from 'socket.io-adapter';
import type { ClusterAdapterOptions, ClusterMessage, ClusterResponse, ServerId } from 'socket.io-adapter';
import type { Client, Gap, Logger, Loss, Revoked, Status } from './index.js';

/** The options of `createAdapter`. The first two are those of the cluster adapters of socket.io-adapter (upstream). */
export interface HubrelayAdapterOptions extends ClusterAdapterOptions {
  /** Milliseconds between two heartbeats of a server. Default: 5000. */
  heartbeatInterval?: number;
  /** Milliseconds without a heartbeat after which a server counts as gone. More than the interval. Default: 10,000. */
  heartbeatTimeout?: number;
  /**
   * The beginning of the names of channels, after the prefix of the relay: 1 to 256 bytes. The same on all servers.
   * Default: `socket.io`.
   */
  channelPrefix?: string;
  /**
   * Decides which messages a server gets. The same on all servers.
   * - `dynamic`: each room has a channel, except rooms that are named like the id of a socket. What is sent to one room
   *   goes only to the servers that have this room.
   * - `dynamic-private`: the rooms that are named like the id of a socket have a channel, too: one for each client.
   * - `static`: a namespace has one channel, and each server gets all its messages.
   *
   * Default: `dynamic`.
   */
  subscriptionMode?: 'static' | 'dynamic' | 'dynamic-private';
  /**
   * Called for each message that did not reach the other servers, with the reason: an error of the client, with its
   * `code` and `delivered`, and upstream's message. Without a message, the error is about something that was received,
   * a channel that is refused, or an error that a handler has thrown. Default: a line in the log, at most one a minute
   * of each kind.
   */
  errorHandler?: (error: Error, message?: ClusterMessage | ClusterResponse) => void;
  /** Where those lines go. Default: `console`. */
  logger?: Logger;
}

/**
 * The events of an adapter, in addition to upstream's events of rooms. They are the client's events, in each namespace.
 */
export interface HubrelayAdapterEvents {
  /**
   * Messages from other servers may have been missed: make the clients read again everything that they must not miss.
   */
  gap: Gap;
  /** Messages from other servers were dropped, and the Loss says how many. A Gap follows. */
  loss: Loss;
  /** The state of the path to the other servers has changed. */
  status: Status;
  /**
   * Redis refuses channels of this adapter. It asks for them again in half a minute; a Gap says when they are heard.
   */
  revoked: Revoked;
}

/** One namespace of one server: `io.of('/').adapter`. */
export class HubrelayAdapter extends ClusterAdapterWithHeartbeat {
  private constructor();
  /** The client that the adapter was made with. Its `status` says whether other servers can be reached. */
  readonly client: Client;
  /** Resolves when this server hears the other servers, or will do so as soon as the relay receives. */
  init(): Promise<void>;
  /**
   * Announces to the other servers that this one ends. Socket.IO calls it in `io.close()`. The client stays open: the
   * application has to close it after that.
   */
  close(): Promise<void>;
  /**
   * Called by `socket.join`. Returns a promise if the channel of a room has to be subscribed to first. Once it has
   * resolved, this server hears what other servers send to the room.
   */
  addAll(id: string, rooms: Set<string>): Promise<void> | void;
  /**
   * Rejects at once with NotConnectedError while other servers cannot be asked. Otherwise the same as upstream's
   * method.
   */
  fetchSockets(opts: Parameters<ClusterAdapterWithHeartbeat['fetchSockets']>[0]): Promise<any[]>;
  /**
   * Passes NotConnectedError to the callback at once while other servers cannot be asked. Otherwise the same as
   * upstream's method.
   */
  serverSideEmit(packet: any[]): Promise<void>;
  protected doPublish(message: ClusterMessage): Promise<string>;
  protected doPublishResponse(requesterUid: ServerId, response: ClusterResponse): Promise<void>;

  on<N extends keyof HubrelayAdapterEvents>(name: N, handler: (event: HubrelayAdapterEvents[N]) => void): this;
  on(name: string | symbol, handler: (...values: any[]) => void): this;
  once<N extends keyof HubrelayAdapterEvents>(name: N, handler: (event: HubrelayAdapterEvents[N]) => void): this;
  once(name: string | symbol, handler: (...values: any[]) => void): this;
}

/**
 * Makes the argument of `io.adapter(...)` and of `new Server({ adapter })`. Nobody else may iterate over the client's
 * `events`, since each event goes to only one reader. Handlers for its events do no harm. Throws TypeError if the first
 * argument is not a Client, for an unknown option, and for an impossible value.
 */
export function createAdapter(client: Client, options?: HubrelayAdapterOptions): (nsp: any) => HubrelayAdapter;
