'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { decode, encode, isFrom } = require('../lib/socket.io/messages');

const UID = '0123456789abcdef';
const message = (data) => ({ uid: UID, nsp: '/', type: 3, data });
const bytesOf = (encoded) => Buffer.from(encoded);
const roundTrip = (data) => decode(bytesOf(encode(message(data)))).data;

test('a message without binary is JSON, which people can read', () => {
  assert.equal(encode(message({ packet: { data: ['hello', 1] } })),
    `{"uid":"${UID}","nsp":"/","type":3,"data":{"packet":{"data":["hello",1]}}}`);
  assert.equal(encode({ uid: UID, nsp: '/', type: 1 }), `{"uid":"${UID}","nsp":"/","type":1}`);
});

test('one with binary has its parts behind the JSON, byte for byte', () => {
  const json = `{"uid":"${UID}","nsp":"/","type":3,"data":{"a":[null,"x"],"b":null},` +
    '"parts":[{"path":["a",0],"bytes":2},{"path":["b"],"bytes":1}]}';
  const expected = Buffer.concat([Buffer.from([1, 0, 0, 0, json.length]), Buffer.from(json), Buffer.from([7, 8, 9])]);
  assert.deepEqual(encode(message({ a: [Buffer.from([7, 8]), 'x'], b: Uint8Array.of(9) })), expected);
});

test('what is sent arrives as JSON has it, and binary as a Buffer, wherever it stands', () => {
  const bytes = new Uint8Array(10).map((_, index) => index);
  const data = {
    date: new Date(0),
    left: undefined,
    nothing: null,
    deep: [[{ file: bytes.subarray(2, 4), buffer: bytes.buffer.slice(0, 3), view: new DataView(bytes.buffer, 8) }]],
    empty: Buffer.alloc(0),
    own: { toJSON: () => ({ inside: Buffer.from([5]) }), lost: Buffer.from([6]) },
    _placeholder: true,
    num: 0,
  };
  assert.deepEqual(roundTrip(data), {
    date: '1970-01-01T00:00:00.000Z',
    nothing: null,
    deep: [[{ file: Buffer.from([2, 3]), buffer: Buffer.from([0, 1, 2]), view: Buffer.from([8, 9]) }]],
    empty: Buffer.alloc(0),
    own: { inside: Buffer.from([5]) },
    _placeholder: true,
    num: 0,
  });
  assert.deepEqual(roundTrip(['text', Buffer.from([1])]), ['text', Buffer.from([1])]);
  assert.deepEqual(roundTrip(Buffer.from([1])), Buffer.from([1]));
  assert.deepEqual(roundTrip([undefined, NaN, Symbol('x'), () => {}]), [null, null, null, null]);
});

test('a part is not a view of the bytes that others share', () => {
  const bytes = encode(message([Buffer.from([1])]));
  const [part] = decode(bytes).data;
  part[0] = 9;
  assert.equal(bytes.at(-1), 1);
});

test('an object may have any names, and changes nothing but itself', () => {
  const data = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":1}}');
  Object.defineProperty(data, 'file', { value: Buffer.from([1]), enumerable: true });
  const got = roundTrip(data);
  assert.equal({}.polluted, undefined);
  assert.deepEqual(Object.keys(got), ['__proto__', 'constructor', 'file']);
});

/** As `encode` makes it, with these parts. */
function withParts(data, parts, rest = '') {
  const json = Buffer.from(JSON.stringify({ uid: UID, nsp: '/', type: 3, data, parts }));
  const head = Buffer.alloc(5, 1);
  head.writeUInt32BE(json.length, 1);
  return Buffer.concat([head, json, Buffer.from(rest)]);
}

test('what is malformed is a SyntaxError, and nothing else', () => {
  const whole = encode(message({ packet: { data: ['x', Buffer.alloc(3), { y: Buffer.alloc(2) }] } }));
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decode(whole.subarray(0, length)), SyntaxError, `${length} bytes`);
  }
  for (const [data, parts] of [
    [{ a: null }, undefined], [{ a: null }, {}], [{ a: null }, [null]], [{ a: null }, [7]], [{ a: null }, [{}]],
    [{ a: null }, [{ path: ['a'], bytes: -1 }]], [{ a: null }, [{ path: ['a'], bytes: 'x' }]],
    [{ a: null }, [{ path: ['a'], bytes: 1e9 }]], [{ a: null }, [{ path: 'a', bytes: 1 }]],
    [{ a: null }, [{ path: ['b'], bytes: 1 }]], [{ a: 'x' }, [{ path: ['a'], bytes: 1 }]],
    [{ a: null }, [{ path: ['a', 'b'], bytes: 1 }]], [{ a: 'xyz' }, [{ path: ['a', 0], bytes: 1 }]],
    [{}, [{ path: ['__proto__', 'polluted'], bytes: 1 }]], [{}, [{ path: ['__proto__'], bytes: 1 }]],
    [{}, [{ path: ['__proto__', '__proto__'], bytes: 1 }]],
    [[], [{ path: ['length'], bytes: 1 }]], ['x', [{ path: [], bytes: 1 }]], [undefined, [{ path: [], bytes: 1 }]],
  ]) assert.throws(() => decode(withParts(data, parts, 'rest')), SyntaxError, JSON.stringify(parts));
  assert.equal({}.polluted, undefined);
});

test('a server knows its own messages without reading them', () => {
  for (const data of [{}, { file: Buffer.from([1]) }]) {
    const bytes = bytesOf(encode(message(data)));
    assert.equal(isFrom(bytes, UID), true);
    assert.equal(isFrom(bytes, 'f'.repeat(16)), false);
    for (let length = 0; length < 20; length++) assert.equal(isFrom(bytes.subarray(0, length), UID), false);
  }
});
