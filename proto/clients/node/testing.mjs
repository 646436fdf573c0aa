// The classes are the same as those of `require`: there is only one copy of everything.
import testing from './testing.js';

export const { FakeRelay, MAX_PAYLOAD_BYTES } = testing;
