// What an application with Socket.IO writes. Compiled as an ES module, and as CommonJS.
import { Client, HubrelayError, State } from 'hubrelay';
import { HubrelayAdapter, HubrelayAdapterOptions, createAdapter } from 'hubrelay/socket.io';

const client = new Client();
const options: HubrelayAdapterOptions = {
  channelPrefix: 'chat', subscriptionMode: 'static', heartbeatInterval: 1000, heartbeatTimeout: 3000,
  errorHandler: (error, message) => {
    take(error instanceof HubrelayError ? error.code : error.message, message?.type ?? 0);
  },
  logger: { info() {}, warn() {} },
};
export const make: (nsp: unknown) => HubrelayAdapter = createAdapter(client, options);
createAdapter(client);

export async function use(adapter: HubrelayAdapter): Promise<void> {
  adapter.on('gap', ({ reasons, partial }) => take(reasons.join(', '), Number(partial)));
  adapter.on('loss', ({ reason, messages }) => take(reason, messages));
  adapter.once('status', ({ state }) => state === State.UP);
  adapter.on('revoked', ({ channels }) => take(channels.join(', '), 0));
  adapter.on('create-room', (room: string) => take(room, 0));
  await adapter.init();
  take(adapter.client.status.reason, (await adapter.fetchSockets({ rooms: new Set() })).length);
  await adapter.close();
}

function take(text: string, number: number): void {
  if (text.length < number) throw new Error();
}

// @ts-expect-error: no client
createAdapter({});
// @ts-expect-error: no such option
createAdapter(client, { key: 'chat' });
// @ts-expect-error: no such mode
createAdapter(client, { subscriptionMode: 'all' });
// @ts-expect-error: an adapter is made by Socket.IO
new HubrelayAdapter();
