'use strict';

// What one connection brings may have to be written to another one, in the same turn.

const assert = require('node:assert/strict');
const test = require('node:test');

const { CONNECT, Client } = require('../lib/client');
const { decode, encode } = require('../lib/codec');
const { Cause, Outcome, State } = require('../lib/enums');
const { CLIENT_FRAME } = require('../lib/schema');
const { ALL_FEATURES, UP } = require('./scripted');

const turn = () => new Promise(setImmediate);

/** A socket of a client, whose relay is the test. */
class Played {
  constructor(handler) {
    this.handler = handler;
    this.frames = []; // written, and not taken
    this.isShut = false;
    setImmediate(() => handler.opened());
  }

  give(batch) {
    for (let position = 0; position < batch.length;) {
      const end = position + 4 + batch.readUInt32BE(position);
      this.frames.push(decode(Buffer.from(batch.subarray(position + 4, end)), 0, undefined, CLIENT_FRAME));
      position = end;
    }
    return true;
  }

  shut() { this.isShut = true; }
  close() {}
  pause() {}
  resume() {}

  send(...frames) {
    this.handler.received(Buffer.concat(frames.map(encode)));
  }

  async welcome(relayId) {
    await turn();
    await turn();
    assert.equal(this.frames.shift().kind, 'hello');
    this.send({ kind: 'welcome', version: 1, relayId, maxFrameBytes: 8192, maxPayloadBytes: 4096, status: UP,
      features: ALL_FEATURES });
    await turn();
  }

  /** The frames that were written since the last time. */
  written() {
    return this.frames.splice(0);
  }

  ok(...frames) {
    for (const { id } of frames) this.send({ kind: 'reply', id, outcome: Outcome.OK });
  }
}

/** A client that listens to "a", and is moving to the next relay; nothing is timed. */
async function moving(t) {
  const sockets = [];
  const connect = (_, handler) => {
    sockets.push(new Played(handler));
    return sockets.at(-1);
  };
  const client = new Client({ successor: 600_000, firstUse: 600_000, gapJitter: 0, [CONNECT]: connect });
  t.after(() => client.close({ drain: 0 }));
  await turn();
  await sockets[0].welcome('A');
  const listening = client.listen('a');
  await turn();
  sockets[0].ok(...sockets[0].written());
  const room = await listening;
  sockets[0].send({ kind: 'status', ...UP, state: State.STOPPING, cause: Cause.STOPPING });
  await turn();
  await sockets[1].welcome('B');
  const [old, next] = sockets;
  return { room, old, next, asked: old.written(), restored: next.written() };
}

test('the fence is published at once if the former connection is the last to grant it', async (t) => {
  const { room, old, next, asked, restored } = await moving(t);
  next.ok(...restored);
  await turn();
  assert.deepEqual(next.written(), []);
  old.ok(...asked);
  await turn();
  const [{ kind, channel }] = next.written();
  assert.deepEqual([kind, channel], ['publish', asked[0].channels[0]]);
  const message = (text, where = 'a') => ({ kind: 'message', channel: where, payload: Buffer.from(text) });
  next.send(message('', channel), message('2'));
  old.send(message('1'), message('', channel));
  await turn();
  assert.deepEqual([room.tryNext().text, room.tryNext().text, room.tryNext()], ['1', '2', null]);
  assert.ok(old.isShut);
  assert.deepEqual(next.written().map(({ kind: what }) => what), ['unsubscribe']);
});

test('a fence that is refused ends the move at once', async (t) => {
  const { room, old, next, asked, restored } = await moving(t);
  old.ok(...asked);
  next.ok(...restored);
  await turn();
  const [{ id }] = next.written();
  next.send({ kind: 'reply', id, outcome: Outcome.REFUSED });
  await turn();
  assert.ok(old.isShut);
  await turn();
  assert.equal((await room.next()).value.type, 'gap');
});
