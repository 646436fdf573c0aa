internal import Glibc

/// One connection of the HTTP side, as far as its bounds need it: the bytes are the library's.
final class AdminConnection {
    enum Phase {
        /// No whole request has come since the beginning, or since the last answer.
        case requesting
        /// A request has been answered, and the answer is not with the kernel yet.
        case answering
    }

    let descriptor: Int32
    private(set) var phase = Phase.requesting
    /// When the phase began, monotonic nanoseconds.
    private(set) var since: UInt64
    private(set) var requests = 0
    /// Its socket has been shut; the library finds that out in its next run.
    private(set) var isEnded = false

    init(descriptor: Int32, now: UInt64) { (self.descriptor, since) = (descriptor, now) }

    func requestIsWhole(now: UInt64) {
        (phase, since) = (.answering, now)
        requests += 1
    }

    func answerIsWritten(now: UInt64) { (phase, since) = (.requesting, now) }

    /// Whether it has to make room before the other one. One that was heard already does, and of two that were or were
    /// not, the one that has done nothing for longer: so nobody who asks at once is ended before the answer.
    func hasLessRight(than other: AdminConnection) -> Bool {
        let (isHeard, isOtherHeard) = (requests > 0, other.requests > 0)
        return isHeard == isOtherHeard ? since < other.since : isHeard
    }

    /// Ends it from our side. The library has no call for that; it closes the descriptor when it sees the end.
    func end() {
        isEnded = true
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}
