internal import Glibc

/// One connection of the HTTP server, with what its limits need. The library (libmicrohttpd) handles its bytes.
final class AdminConnection {
    enum Phase {
        /// No whole request has come since the beginning, or since the last answer.
        case requesting
        /// A request has been answered, and the kernel has not taken all of the answer yet.
        case answering
    }

    let descriptor: Int32
    private(set) var phase = Phase.requesting
    /// When the phase began, monotonic nanoseconds.
    private(set) var since: UInt64
    private(set) var requests = 0
    /// We have shut its socket down. The library notices that in its next run.
    private(set) var isEnded = false

    init(descriptor: Int32, now: UInt64) { (self.descriptor, since) = (descriptor, now) }

    func requestIsWhole(now: UInt64) {
        (phase, since) = (.answering, now)
        requests += 1
    }

    func answerIsWritten(now: UInt64) { (phase, since) = (.requesting, now) }

    /// Whether this connection has to make room before `other`. A connection that has sent a request makes room before
    /// one that has not. Otherwise the one whose phase began earlier makes room first. So a client that sends its
    /// request at once is not ended before its answer.
    func hasLessRight(than other: AdminConnection) -> Bool {
        let (isHeard, isOtherHeard) = (requests > 0, other.requests > 0)
        return isHeard == isOtherHeard ? since < other.since : isHeard
    }

    /// Ends the connection from our side. The library has no call for that: it closes the descriptor when it sees the
    /// end.
    func end() {
        isEnded = true
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}
