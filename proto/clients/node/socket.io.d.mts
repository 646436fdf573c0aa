export * from './socket.io.js';
