package io.hubrelay;

/** A call whose result is known. Its caller gets the result once the client's lock is released. */
interface Completion {
    void complete();
}
