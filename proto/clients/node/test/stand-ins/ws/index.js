'use strict';

// What the README's example uses of the package ws: short texts in frames that are not split.

const crypto = require('node:crypto');
const { EventEmitter } = require('node:events');
const http = require('node:http');

const TEXT = 1;
const CLOSE = 8;
const PROTOCOL_ERROR = 1002;

class WebSocket extends EventEmitter {
  #stream;
  #bytes = Buffer.alloc(0);

  constructor(stream) {
    super();
    this.#stream = stream;
    stream.on('error', () => {});
    stream.on('close', () => this.emit('close'));
    stream.on('data', (bytes) => this.#take(bytes));
  }

  send(text, done = () => {}) {
    this.#write(TEXT, Buffer.from(text), done);
  }

  close(code, reason = '') {
    this.#write(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
    this.#stream.end();
  }

  terminate() {
    this.#stream.destroy();
  }

  #write(opcode, payload, done) {
    this.#stream.write(Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]), done);
  }

  #take(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#bytes.length >= 6) {
      const [first, second] = this.#bytes;
      const end = 6 + (second & 127);
      if (this.#bytes.length < end) return;
      const mask = this.#bytes.subarray(2, 6);
      const payload = this.#bytes.subarray(6, end).map((byte, index) => byte ^ mask[index % 4]);
      this.#bytes = this.#bytes.subarray(end);
      if (first !== (0x80 | TEXT)) {
        this.close(PROTOCOL_ERROR);
        this.emit('error', new RangeError(`Invalid WebSocket frame: its first byte is ${first}`));
        return;
      }
      this.emit('message', payload, false);
    }
  }
}

class WebSocketServer extends EventEmitter {
  #server = http.createServer();

  constructor({ host, port }) {
    super();
    this.#server.on('upgrade', (request, stream) => {
      const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      stream.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${crypto.createHash('sha1').update(key).digest('base64')}\r\n\r\n`);
      this.emit('connection', new WebSocket(stream));
    });
    this.#server.listen({ host, port }, () => this.emit('listening'));
  }

  address() {
    return this.#server.address();
  }
}

module.exports = { WebSocket, WebSocketServer };
