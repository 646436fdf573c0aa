// What an application writes, as `tsc --strict` has to take it. Compiled as an ES module, and as CommonJS.
import {
  Cause, Client, ClientEvent, HubrelayError, InterruptedError, Message, State, Status, Subscription, SubscriptionEvent,
} from 'hubrelay';
import { FakeRelay } from 'hubrelay/testing';

const client = new Client({ path: '/run/hubrelay/hubrelay.sock', name: 'worker-1', drain: 1000, logger: { info() {}, warn() {} } });
client.on('gap', (gap) => gap.reasons.join(', ')).once('status', (status: Status) => status.state === State.UP);
client.off('loss', (loss) => loss.messages + loss.cause - Cause.CLOSED);

export async function use(): Promise<number> {
  await client.ready({ timeout: 10 });
  const room: Subscription = await client.listen(['a', 'b'], { patterns: 'c*' });
  for await (const event of room) {
    switch (event.type) {
      case 'message': take(event.payload, event.text); break;
      case 'gap': take(new Uint8Array(event.reasons.length), String(event.partial)); break;
      case 'loss': take(new Uint8Array(0), `${event.messages + event.publishesUnknown}`); break;
      case 'revoked': take(new Uint8Array(0), event.detail); break;
      default: never(event);
    }
  }
  const next: IteratorResult<SubscriptionEvent, undefined> = await room.next();
  const taken: ClientEvent | null = client.events.tryNext();
  const { pending } = await client.subscribe('a');
  room.close();
  client.send('a', new Uint8Array(3));
  try {
    return await client.publish('a', 'text', { wait: false }) + Number(pending) + Number(next.done) + Number(taken === null);
  } catch (error) {
    if (error instanceof InterruptedError) return -1;
    if (error instanceof HubrelayError && error.delivered === false) return error.channels.length;
    throw error;
  }
}

export async function fake(): Promise<Message[]> {
  const relay = new FakeRelay();
  const other = relay.client('worker-1', { gapJitter: 0, hooks: { beforeDelivery: (message) => message.text } });
  await other.close({ drain: 0 });
  return relay.published;
}

function take(bytes: Uint8Array, text: string): void {
  if (bytes.length > text.length) throw new Error();
}

function never(event: never): never {
  throw new Error(event);
}

// @ts-expect-error: no such option
new Client({ pth: '/x' });
// @ts-expect-error: no such event
client.on('error', () => {});
// @ts-expect-error: a Subscription is made by a client
new Subscription();
// @ts-expect-error: a number is no payload
client.send('a', 7);
