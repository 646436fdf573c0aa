// A chat server for nc or telnet, of which any number may run, on any number of hosts, beside one relay each:
//
//     node examples/chat-room.mjs --relay /tmp/chat.sock --listen 127.0.0.1:7001
//     nc 127.0.0.1 7001
//
// The first line that is typed is the name of a room, the others are said there.
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, InterruptedError } from 'hubrelay'; // its own name, as in your server

/** Takes guests on this server. */
export function serve(client, server) {
  server.on('connection', (guest) => {
    guest.on('error', () => guest.destroy()); // the guest is gone
    host(client, guest).catch((error) => guest.end(`* ${error.message}\n`));
  });
}

/** Serves one guest, to the end. */
async function host(client, guest) {
  const lines = createInterface({ input: guest })[Symbol.asyncIterator]();
  const { value: name, done } = await lines.next();
  if (done) return;
  const channel = `room.${name}`;
  const gone = new AbortController(); // a guest may also leave before the room is there
  guest.on('close', () => gone.abort());
  if (guest.destroyed) gone.abort();
  const room = await client.listen(channel, { signal: gone.signal });
  gone.signal.addEventListener('abort', () => room.close());
  deliver(room, guest, gone.signal);
  for await (const line of lines) {
    try {
      await client.publish(channel, line);
    } catch (error) {
      const text = error instanceof InterruptedError ? 'that may have been said, or not' :
        `that was not said: ${error.message}`;
      guest.write(`* ${text}\n`);
    }
  }
  guest.end();
}

/** Brings a guest what is said in the room. A guest who does not read gets a Loss, and disturbs nobody. */
async function deliver(room, guest, gone) {
  for await (const event of room) {
    const isTaken = guest.write(textOf(event));
    if (!isTaken && !guest.destroyed) {
      await once(guest, 'drain', { signal: gone }).catch(() => {}); // the loop ends when the guest is gone
    }
  }
}

function textOf(event) {
  switch (event.type) {
    case 'message': return Buffer.concat([event.payload, Buffer.from('\n')]);
    case 'gap': return `* something may be missing here: ${event.reasons.join(', ')}\n`;
    case 'loss': return `* ${event.messages} messages are missing here\n`;
    default: return `* this room is closed: ${event.detail}\n`;
  }
}

function main() {
  // `-relay` is taken for `--relay`, as in the other languages' examples.
  const { values } = parseArgs({
    args: process.argv.slice(2).map((argument) => argument.replace(/^-(?=[a-z])/, '--')),
    options: {
      relay: { type: 'string', default: '/run/hubrelay/hubrelay.sock' },
      listen: { type: 'string', default: '127.0.0.1:7001' },
    },
  });
  const [, hostname, port] = /^(.*):(\d+)$/.exec(values.listen);
  const client = new Client({ path: values.relay, name: 'chatroom', logger: console });
  const server = net.createServer();
  serve(client, server);
  server.listen({ host: hostname, port: Number(port) }, () => {
    console.log(`listening on port ${server.address().port}`);
  });
  process.once('SIGINT', async () => {
    server.close();
    await client.close();
    process.exit();
  });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main();
