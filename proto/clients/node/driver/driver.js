'use strict';

// The conformance driver: proto/conformance/README.md says what its lines mean.

const hubrelay = require('../index.js');
const lines = require('./lines');

/** @type {import('../index.js').Client} */
let client;
/** @type {Map<string, import('../index.js').Subscription>} */
const subscriptions = new Map();
/** @type {Map<string, AbortController>} */
const calls = new Map();
/** @type {Promise<void>} Whether the application takes events at present. */
let mayTake = Promise.resolve();
let release = () => {};

/** @param {AsyncIterableIterator<any>} stream @param {string} sub */
async function takeEvents(stream, sub) {
  for (;;) {
    await mayTake;
    const { value, done } = await stream.next();
    if (done) break;
    await mayTake;
    lines.report(value, sub);
  }
  lines.say('event end', sub);
}

/** @param {string[]} words */
function open(words) {
  const [path, name] = words.slice(0, 2).map(lines.name);
  try {
    client = new hubrelay.Client({ path, name, ...lines.options(words.slice(2)) });
    takeEvents(client.events, '');
  } catch (error) {
    lines.say('fatal', lines.quoted(String(error)));
  }
}

/** @type {Record<string, (signal: AbortSignal, ...words: string[]) => string | Promise<string>>} What `done` says. */
const COMMANDS = {
  async publish(signal, channel, payload) {
    return `OK receivers=${await client.publish(lines.name(channel), lines.payload(payload), { signal })}`;
  },
  async 'publish-now'(signal, channel, payload) {
    const receivers = await client.publish(lines.name(channel), lines.payload(payload), { signal, wait: false });
    return `OK receivers=${receivers}`;
  },
  tell(signal, channel, payload) {
    client.send(lines.name(channel), lines.payload(payload));
    return 'SENT';
  },
  async subscribe(signal, ...words) {
    const { channels, patterns } = lines.names(words);
    return (await client.subscribe(channels, { patterns, signal })).pending ? 'PENDING' : 'OK';
  },
  async unsubscribe(signal, ...words) {
    const { channels, patterns } = lines.names(words);
    await client.unsubscribe(channels, { patterns, signal });
    return 'OK';
  },
  async listen(signal, handle, ...words) {
    const { channels, patterns } = lines.names(words);
    const subscription = await client.listen(channels, { patterns, signal });
    subscriptions.set(handle, subscription);
    takeEvents(subscription, `sub=${handle}`);
    return subscription.pending ? 'PENDING' : 'OK';
  },
  unlisten(signal, handle) {
    subscriptions.get(handle)?.close();
    subscriptions.delete(handle);
    return 'OK';
  },
  async ping() {
    await client.ping();
    return 'OK';
  },
  hold() {
    mayTake = new Promise((resolve) => {
      release = resolve;
    });
    return 'OK';
  },
  release() {
    release();
    return 'OK';
  },
  memory: () => `OK rss=${process.memoryUsage.rss()}`,
  async close() {
    await client.close();
    return 'OK';
  },
};

/** @param {string} command @param {string[]} words */
async function perform(command, [tag, ...words]) {
  const abort = new AbortController();
  calls.set(tag, abort);
  try {
    lines.say('done', tag, await COMMANDS[command](abort.signal, ...words));
  } catch (error) {
    lines.failed(tag, error);
  }
  calls.delete(tag);
}

/** @param {string} line */
function take(line) {
  const [command, ...words] = line.split(' ');
  if (command === 'quit') process.exit(0);
  else if (command === 'open') open(words);
  else if (command === 'cancel') calls.get(words[0])?.abort();
  else if (command) perform(command, words);
}

lines.say('driver 1 node hubrelay-node cancel jitter inflight-bound unsent-bound events-bound no-byte-strings ' +
  'subscription-end');
/** @type {Buffer[]} */
let unfinished = [];
process.stdin.on('data', (/** @type {Buffer} */ data) => {
  let start = 0;
  for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
    const line = Buffer.concat([...unfinished, data.subarray(start, end)]).toString();
    unfinished = [];
    start = end + 1;
    take(line);
  }
  if (start < data.length) unfinished.push(data.subarray(start));
});
process.stdin.on('end', () => process.exit(0));
