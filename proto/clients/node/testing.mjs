// The same classes as those of `require`: there is one copy of everything.
import testing from './testing.js';

export const { FakeRelay, MAX_PAYLOAD_BYTES } = testing;
