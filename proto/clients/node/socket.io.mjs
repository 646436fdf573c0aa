// The classes are the same as those of `require`: there is only one copy of everything.
import adapter from './socket.io.js';

export const { HubrelayAdapter, createAdapter } = adapter;
