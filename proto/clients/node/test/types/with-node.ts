// Where Node's own types are known, they are used.
import { Client, Message } from 'hubrelay';

declare const client: Client;
declare const message: Message;
declare const emitter: { on(event: string | symbol, listener: (...values: any[]) => void): unknown };

export const text: string = message.payload.toString('base64');
export const buffer: Buffer = message.payload;
export const publish = (signal: AbortSignal) => client.publish('a', message.payload, { signal });
export const dispose: Promise<void> = client[Symbol.asyncDispose]();
export const asEmitter: typeof emitter = client;
// @ts-expect-error: no signal
client.publish('a', 'x', { signal: { aborted: 1 } });
