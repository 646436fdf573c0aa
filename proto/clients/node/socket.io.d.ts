// Types of the adapter. They need those of socket.io-adapter, which come with socket.io.

import { ClusterAdapterWithHeartbeat } from 'socket.io-adapter';
import type { ClusterAdapterOptions, ClusterMessage, ClusterResponse, ServerId } from 'socket.io-adapter';
import type { Client, Gap, Logger, Loss, Revoked, Status } from './index.js';

/** What `createAdapter` takes beside the client. Those of upstream's cluster adapters are the first two. */
export interface HubrelayAdapterOptions extends ClusterAdapterOptions {
  /** Milliseconds between two heartbeats of a server. Default: 5000. */
  heartbeatInterval?: number;
  /** Milliseconds without one after which a server counts as gone. More than the interval. Default: 10,000. */
  heartbeatTimeout?: number;
  /**
   * What the names of channels begin with, behind the prefix of the relay: 1 to 256 bytes. The same on all servers.
   * Default: `socket.io`.
   */
  channelPrefix?: string;
  /**
   * Which messages a server hears. The same on all servers.
   * - `dynamic`: each room has a channel, but for those that are named as the id of a socket: what is sent to one room
   *   goes to the servers that have it.
   * - `dynamic-private`: these have one, too, which are as many as there are clients.
   * - `static`: a namespace has one channel, and each server hears all of it.
   *
   * Default: `dynamic`.
   */
  subscriptionMode?: 'static' | 'dynamic' | 'dynamic-private';
  /**
   * Is given what did not reach the other servers, and why: an error of the client, with its `code` and `delivered`,
   * and upstream's message. Without a message it is about something that was heard, that is refused, or that a handler
   * has thrown while it was told. Default: a line in the log, at most one a minute of each kind.
   */
  errorHandler?: (error: Error, message?: ClusterMessage | ClusterResponse) => void;
  /** Where those lines go. Default: `console`. */
  logger?: Logger;
}

/** What an adapter tells beside upstream's events of rooms. They are those of the client, in each namespace. */
export interface HubrelayAdapterEvents {
  /** Messages from other servers may have been missed: have the clients read again what they must not miss. */
  gap: Gap;
  /** So many messages from other servers were dropped. A Gap comes behind it. */
  loss: Loss;
  /** The state of the path to the other servers has changed. */
  status: Status;
  /**
   * Redis refuses channels of this adapter. They are asked for again in half a minute; a Gap says when they are heard.
   */
  revoked: Revoked;
}

/** One namespace of one server: `io.of('/').adapter`. */
export class HubrelayAdapter extends ClusterAdapterWithHeartbeat {
  private constructor();
  /** The client that it was made with: its `status` says whether other servers are reached. */
  readonly client: Client;
  /** Resolves when this server hears the others, or will as soon as the relay receives. */
  init(): Promise<void>;
  /**
   * Takes leave of the other servers, which Socket.IO does in `io.close()`. The client stays open: who made it closes
   * it, after that.
   */
  close(): Promise<void>;
  /**
   * `socket.join`. A promise, if the channel of a room has to be subscribed to first: from its end on what other
   * servers send to the room is heard here.
   */
  addAll(id: string, rooms: Set<string>): Promise<void> | void;
  /** Rejects at once with NotConnectedError while other servers cannot be asked. Else as upstream's. */
  fetchSockets(opts: Parameters<ClusterAdapterWithHeartbeat['fetchSockets']>[0]): Promise<any[]>;
  /** Gives a callback NotConnectedError at once while other servers cannot be asked. Else as upstream's. */
  serverSideEmit(packet: any[]): Promise<void>;
  protected doPublish(message: ClusterMessage): Promise<string>;
  protected doPublishResponse(requesterUid: ServerId, response: ClusterResponse): Promise<void>;

  on<N extends keyof HubrelayAdapterEvents>(name: N, handler: (event: HubrelayAdapterEvents[N]) => void): this;
  on(name: string | symbol, handler: (...values: any[]) => void): this;
  once<N extends keyof HubrelayAdapterEvents>(name: N, handler: (event: HubrelayAdapterEvents[N]) => void): this;
  once(name: string | symbol, handler: (...values: any[]) => void): this;
}

/**
 * What `io.adapter(...)` and `new Server({ adapter })` take. The client's `events` must not be iterated over by anybody
 * else, since each event goes to one taker; handlers of others do no harm. Throws TypeError for what is no client, for
 * an unknown option, and for a value that cannot be.
 */
export function createAdapter(client: Client, options?: HubrelayAdapterOptions): (nsp: any) => HubrelayAdapter;
