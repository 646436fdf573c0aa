// The part of the package socket.io-adapter that this package uses, so that its sources can be checked without it. Not
// published.

declare module 'socket.io-adapter' {
  import { EventEmitter } from 'node:events';

  interface BroadcastOptions {
    rooms: Set<string>;
    except?: Set<string>;
    flags?: { local?: boolean; timeout?: number };
  }

  interface ClusterAdapterOptions {
    heartbeatInterval?: number;
    heartbeatTimeout?: number;
  }

  type ServerId = string;
  interface ClusterMessage {
    uid: ServerId;
    nsp: string;
    type: MessageType;
    data?: any;
  }
  type ClusterResponse = ClusterMessage;

  class ClusterAdapterWithHeartbeat extends EventEmitter {
    constructor(nsp: any, options: ClusterAdapterOptions);
    readonly nsp: any;
    readonly uid: string;
    rooms: Map<string, Set<string>>;
    init(): Promise<void> | void;
    close(): Promise<void> | void;
    addAll(id: string, rooms: Set<string>): Promise<void> | void;
    publish(message: any): void;
    onMessage(message: any, offset?: string): void;
    onResponse(response: any): void;
    fetchSockets(options: BroadcastOptions): Promise<any[]>;
    serverSideEmit(packet: any[]): Promise<void>;
  }

  enum MessageType {
    INITIAL_HEARTBEAT = 1,
    HEARTBEAT,
    BROADCAST,
    SOCKETS_JOIN,
    SOCKETS_LEAVE,
    DISCONNECT_SOCKETS,
    FETCH_SOCKETS,
    FETCH_SOCKETS_RESPONSE,
    SERVER_SIDE_EMIT,
    SERVER_SIDE_EMIT_RESPONSE,
    BROADCAST_CLIENT_COUNT,
    BROADCAST_ACK,
    ADAPTER_CLOSE,
  }
}
