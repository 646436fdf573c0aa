// The part of Node.js that this package uses, so that its sources can be checked without @types/node. Not published.

type BufferEncoding = 'utf8' | 'latin1' | 'hex' | 'base64';

interface Buffer extends Uint8Array {
  copy(target: Uint8Array, targetStart?: number, sourceStart?: number, sourceEnd?: number): number;
  equals(other: Uint8Array): boolean;
  latin1Slice(start?: number, end?: number): string;
  readUInt32BE(offset: number): number;
  subarray(start?: number, end?: number): Buffer;
  toString(encoding?: BufferEncoding, start?: number, end?: number): string;
  write(text: string, offset: number, length: number): number;
  writeUInt32BE(value: number, offset?: number): number;
}
declare var Buffer: {
  prototype: Buffer;
  alloc(size: number, fill?: number | string): Buffer;
  allocUnsafe(size: number): Buffer;
  allocUnsafeSlow(size: number): Buffer;
  byteLength(text: string): number;
  concat(list: readonly Uint8Array[]): Buffer;
  from(text: string, encoding?: BufferEncoding): Buffer;
  from(bytes: ArrayLike<number>): Buffer;
};

declare class TextDecoder {
  constructor(encoding?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: any;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}
declare var AbortSignal: { prototype: AbortSignal; timeout(delay: number): AbortSignal };
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare function setTimeout(action: () => void, delay?: number): NodeJS.Timeout;
declare function clearTimeout(timer: NodeJS.Timeout): void;
declare function setImmediate(action: () => void): void;
declare const console: {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
};

interface SymbolConstructor {
  readonly asyncDispose: unique symbol;
}

declare namespace NodeJS {
  interface Timeout {
    ref(): Timeout;
    unref(): Timeout;
  }
  interface ErrnoException extends Error {
    code?: string;
    errno?: number;
    syscall?: string;
  }
}

declare const process: {
  argv: string[];
  env: Record<string, string | undefined>;
  execPath: string;
  exitCode: number | undefined;
  pid: number;
  platform: string;
  stdin: import('node:net').Socket;
  stdout: { write(text: string): boolean };
  exit(code?: number): never;
  geteuid?(): number;
  getgroups?(): number[];
  memoryUsage: { rss(): number };
  nextTick(action: () => void): void;
  once(event: string, listener: (...values: any[]) => void): void;
};

declare module 'node:events' {
  class EventEmitter {
    on(event: string | symbol, listener: (...values: any[]) => void): this;
    once(event: string | symbol, listener: (...values: any[]) => void): this;
    off(event: string | symbol, listener: (...values: any[]) => void): this;
    addListener(event: string | symbol, listener: (...values: any[]) => void): this;
    prependListener(event: string | symbol, listener: (...values: any[]) => void): this;
    listenerCount(event: string | symbol): number;
    emit(event: string | symbol, ...values: any[]): boolean;
  }
  function once(emitter: EventEmitter, event: string): Promise<any[]>;
}

declare module 'node:net' {
  import { EventEmitter } from 'node:events';
  interface OnRead {
    buffer: Uint8Array;
    callback(count: number, buffer: Uint8Array): boolean;
  }
  class Socket extends EventEmitter {
    constructor(options?: { allowHalfOpen?: boolean; onread?: OnRead });
    readonly writableLength: number;
    readonly destroyed: boolean;
    connect(options: { path: string }): this;
    destroy(error?: Error): this;
    end(data?: string | Uint8Array): this;
    pause(): this;
    push(chunk: any, encoding?: BufferEncoding): boolean;
    ref(): this;
    resume(): this;
    unref(): this;
    setEncoding(encoding: BufferEncoding): this;
    write(data: string | Uint8Array, written?: (error?: Error | null) => void): boolean;
    [Symbol.asyncIterator](): AsyncIterableIterator<any>;
  }
  class Server extends EventEmitter {
    address(): { address: string; port: number };
    close(): this;
    listen(options: { path?: string; host?: string; port?: number }, listening?: () => void): this;
  }
  function createServer(options: { allowHalfOpen?: boolean }, connected: (socket: Socket) => void): Server;
  function createServer(connected: (socket: Socket) => void): Server;
  function connect(options: { path?: string; host?: string; port?: number }): Socket;
}

declare module 'node:fs' {
  function existsSync(path: string): boolean;
  function mkdtempSync(prefix: string): string;
  function readFileSync(path: string, encoding: 'utf8'): string;
  function rmSync(path: string, options?: { recursive?: boolean; force?: boolean }): void;
  function chmodSync(path: string, mode: number): void;
  function statSync(path: string): { uid: number; gid: number; mode: number };
  function writeFileSync(path: string, text: string): void;
  function writeSync(descriptor: number, data: Uint8Array, offset?: number): number;
}

declare module 'node:os' {
  function tmpdir(): string;
}

declare module 'node:path' {
  function join(...parts: string[]): string;
}

declare module 'node:util' {
  function getSystemErrorMap(): Map<number, [name: string, message: string]>;
  function parseArgs(config: {
    options: Record<string, { type: 'string' | 'boolean'; default?: string | boolean }>;
  }): { values: Record<string, any> };
}

declare module 'node:crypto' {
  function createHash(name: 'sha256'): { update(text: string): { digest(encoding: 'hex'): string } };
  function randomBytes(size: number): Buffer;
  function randomInt(max: number): number;
}

declare module 'node:perf_hooks' {
  const performance: { now(): number };
}
