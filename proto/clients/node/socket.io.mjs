// The same classes as those of `require`: there is one copy of everything.
import adapter from './socket.io.js';

export const { HubrelayAdapter, createAdapter } = adapter;
