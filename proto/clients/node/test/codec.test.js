'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { ProtocolError, bytesField } = require('../lib/wire');
const { decode, encode } = require('../lib/codec');
const enums = require('../lib/enums');
const fast = require('../lib/fast');
const { Framing } = require('../lib/framing');
const { CLIENT_FRAME, FIELDS, RELAY_FRAME, blank } = require('../lib/schema');
const { Scripted } = require('./scripted');

const VECTORS = path.join(__dirname, '..', '..', '..', 'vectors');
const clientFrames = vectorsOf('client-frames.json');
const relayFrames = vectorsOf('relay-frames.json');

function vectorsOf(file) {
  return JSON.parse(fs.readFileSync(path.join(VECTORS, file), 'utf8')).vectors;
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** `OUTCOME_OK`, or a number. */
function enumValue(value) {
  if (typeof value === 'number') return value;
  const [, kind, name] = /^([A-Z]+)_(.*)$/.exec(value);
  return enums[kind[0] + kind.slice(1).toLowerCase()][name];
}

/** A frame of the vectors as this package has it. */
function frameOf(kind, fields) {
  const frame = blank(kind);
  const types = new Map(FIELDS[kind]);
  for (const [snake, value] of Object.entries(fields)) {
    const name = camel(snake);
    const type = types.get(name);
    assert.ok(type, `${kind}.${name}`);
    if (type === 'enum') frame[name] = enumValue(value);
    else if (type === 'bytes') frame[name] = Buffer.from(value, 'hex');
    else if (type === 'status') frame[name] = frameOf('status', value);
    else if (type === 'uint64' || type === 'uint32') frame[name] = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
    else frame[name] = value;
  }
  return frame;
}

function expectedOf(vector) {
  if (vector.frame === null) return null;
  const [[kind, fields]] = Object.entries(vector.frame);
  return frameOf(kind, fields);
}

for (const [title, vectors, kinds] of [['client', clientFrames, CLIENT_FRAME], ['relay', relayFrames, RELAY_FRAME]]) {
  test(`every vector of the ${title}'s frames is read as it says`, () => {
    assert.ok(vectors.length > 30);
    for (const vector of vectors) {
      const body = Buffer.from(vector.body, 'hex');
      if ('error' in vector) {
        assert.throws(() => {
          // A ClientFrame of no kind that is known is malformed; of a RelayFrame that is no error.
          if (decode(body, 0, body.length, kinds) === null && kinds === CLIENT_FRAME) throw new ProtocolError(1, '');
        }, ProtocolError, vector.name);
      } else {
        assert.deepEqual(decode(body, 0, body.length, kinds), expectedOf(vector), vector.name);
      }
    }
  });

  test(`canonical bytes of the ${title} are written byte by byte`, () => {
    const canonical = vectors.filter((vector) => vector.canonical);
    assert.ok(canonical.length > 10);
    for (const vector of canonical) {
      // Numbers beyond 2^53-1 cannot be written as they were.
      if (/"\d{16,}"/.test(JSON.stringify(vector.frame))) continue;
      assert.equal(encode(expectedOf(vector)).subarray(4).toString('hex'), vector.body, vector.name);
    }
  });
}

test('a body is read where it lies, within other bytes', () => {
  for (const vector of relayFrames.filter(({ frame }) => frame)) {
    const body = Buffer.from(vector.body, 'hex');
    const buffer = Buffer.concat([Buffer.alloc(3, 0xff), body, Buffer.alloc(12, 0xff)]);
    assert.deepEqual(decode(buffer, 3, 3 + body.length), expectedOf(vector), vector.name);
  }
});

test('what is read fast is what is read at length', () => {
  let replies = 0;
  let messages = 0;
  for (const vector of relayFrames) {
    const body = Buffer.from(vector.body, 'hex');
    const buffer = Buffer.concat([Buffer.alloc(5, 0x1a), body, Buffer.alloc(12, 0x80)]);
    const end = 5 + body.length;
    if (fast.readReply(buffer, 5, end)) {
      replies++;
      const read = { ...blank('reply'), ...fast.reply, outcome: enums.Outcome.OK };
      assert.deepEqual(expectedOf(vector), read, vector.name);
    }
    if (fast.readMessage(buffer, 5, end)) {
      messages++;
      const { channelStart, channelEnd, payloadStart } = fast.message;
      // A channel that is not UTF-8 is none that is held.
      if ('error' in vector) continue;
      const channel = buffer.toString('utf8', channelStart, channelEnd);
      const payload = Buffer.from(buffer.subarray(payloadStart, end));
      assert.deepEqual(expectedOf(vector), { ...blank('message'), channel, payload }, vector.name);
    }
  }
  assert.ok(replies > 0 && messages > 0);
});

test('what only looks usual is read at length', () => {
  const reply = Buffer.from([0x1a, 4, 0x08, 1, 0x10, 1, 0x18, 1]); // its last field is one of the frame
  assert.equal(fast.readReply(reply, 0, reply.length), false);
  assert.equal(decode(reply).receivers, 0);
  const message = Buffer.from([0x12, 5, 0x0a, 1, 0x61, 0x12, 0, 0x12, 2, 0x0a, 0]); // two, which are one
  assert.equal(fast.readMessage(message, 0, message.length), false);
  const long = Buffer.from([0x12, 4, 0x0a, 1, 0x61, 0x12, 3, 1, 2, 3]); // the payload ends behind the message
  assert.equal(fast.readMessage(long, 0, long.length), false);
  assert.throws(() => decode(long), ProtocolError);
});

test('what is usual is read fast', () => {
  for (const id of [1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 40]) {
    const body = encode({ kind: 'reply', id, outcome: 1, receivers: id % 300 }).subarray(4);
    assert.ok(fast.readReply(body, 0, body.length), `id ${id}`);
    assert.deepEqual(fast.reply, { id, receivers: id % 300 });
  }
  for (const size of [1, 100, 127, 128, 20_000]) {
    const body = encode({ kind: 'message', channel: 'room.7', payload: Buffer.alloc(size, 7) }).subarray(4);
    assert.ok(fast.readMessage(body, 0, body.length), `payload ${size}`);
    assert.equal(body.length - fast.message.payloadStart, size);
  }
});

test('a Publish is written as `encode` writes it', () => {
  for (const payload of ['', 'hi', 'x'.repeat(127), 'ü'.repeat(100), Buffer.alloc(70_000, 3)]) {
    for (const id of [0, 1, 127, 128, 2 ** 35]) {
      const bytes = Buffer.from(payload);
      const field = bytesField(1, Buffer.from('room.7'));
      const size = fast.publishSize(field.length, bytes.length, id);
      const buffer = Buffer.alloc(fast.frameSize(size) + 3, 0xee);
      fast.writePublish(buffer, 2, size, field, payload, bytes.length, id);
      const frame = encode({ kind: 'publish', channel: 'room.7', payload: bytes, id });
      assert.deepEqual(buffer.subarray(2, -1), frame, `${bytes.length} bytes, id ${id}`);
      assert.equal(buffer[buffer.length - 1], 0xee);
    }
  }
});

/** Reads the chunks of a stream, whose first body has a bound of its own. */
function cut(chunks, maxBytes, firstMaxBytes) {
  const bodies = [];
  const framing = new Framing(firstMaxBytes, (buffer, start, end) => {
    bodies.push(buffer.toString('hex', start, end));
    framing.maxBytes = maxBytes;
    return true;
  });
  try {
    for (const chunk of chunks) framing.feed(Buffer.from(chunk));
  } catch (error) {
    assert.ok(error instanceof ProtocolError);
    return { bodies, error: error.code };
  }
  return { bodies, rest: framing.rest.toString('hex') };
}

const streams = JSON.parse(fs.readFileSync(path.join(VECTORS, 'streams.json'), 'utf8')).framing;

test('streams are cut into bodies, however they are split', () => {
  assert.ok(streams.length > 5);
  for (const { name, sender, bodies, error, rest, chunks, max_frame_bytes: most } of streams) {
    const first = sender === 'client' ? 4096 : most;
    const expected = error ? { bodies, error: enumValue(error) } : { bodies, rest };
    const buffers = chunks.map((chunk) => Buffer.from(chunk, 'hex'));
    assert.deepEqual(cut(buffers, most, first), expected, name);
    const all = Buffer.concat(buffers);
    const single = [...all].map((byte) => Buffer.from([byte]));
    assert.deepEqual(cut(single, most, first), expected, `${name}, byte by byte`);
    // Long streams are split where frames begin and end, and here and there.
    const step = Math.ceil(all.length / 3000);
    for (let at = 0; at <= all.length; at += at < 300 ? 1 : step) {
      const halves = [all.subarray(0, at), all.subarray(at)];
      assert.deepEqual(cut(halves, most, first), expected, `${name}, split at ${at}`);
    }
  }
});

test('nothing is read behind a frame whose taker wants no more', () => {
  const frame = encode({ kind: 'ping', id: 1 });
  const split = [frame.subarray(0, 3), Buffer.concat([frame.subarray(3), frame])];
  for (const chunks of [[Buffer.concat([frame, frame])], split]) {
    let taken = 0;
    const framing = new Framing(100, () => ++taken < 1);
    for (const chunk of chunks) framing.feed(chunk);
    assert.equal(taken, 1);
  }
});

test('a long frame is put together from many parts, and has room only as it comes', (t) => {
  const allocated = [];
  const { allocUnsafe } = Buffer;
  t.mock.method(Buffer, 'allocUnsafe', (size) => {
    allocated.push(size);
    return allocUnsafe(size);
  });
  const body = crypto.randomBytes(500_000);
  const frame = Buffer.concat([Buffer.alloc(4), body]);
  frame.writeUInt32BE(body.length);
  for (const size of [3, 4, 5, 1000, 65_536, 200_000]) {
    const bodies = [];
    const framing = new Framing(1 << 20, (buffer, start, end) => {
      bodies.push(Buffer.from(buffer.subarray(start, end)));
      return true;
    });
    for (const _ of [1, 2]) {
      for (let at = 0; at < frame.length; at += size) framing.feed(frame.subarray(at, at + size));
    }
    assert.equal(framing.rest.length, 0);
    assert.ok(bodies.length === 2 && bodies.every((other) => other.equals(body)));
  }
  allocated.length = 0;
  const framing = new Framing(0xffffffff, () => true);
  framing.feed(Buffer.from('ffffffff', 'hex'));
  for (let count = 0; count < 10; count++) framing.feed(Buffer.alloc(10_000));
  assert.ok(allocated.every((size) => size <= 200_000));
});

test('no Welcome makes frames of any length possible', () => {
  const scripted = new Scripted();
  const link = scripted.connect({ maxFrameBytes: 0xffffffff, maxPayloadBytes: 0xffffffff });
  scripted.core.received(link, Buffer.from('ffffffff00', 'hex'));
  assert.ok(link.isEnded);
});
