package io.hubrelay;

/** A call whose result is known, to be told to its caller once the client's lock is released. */
interface Completion {
    void complete();
}
