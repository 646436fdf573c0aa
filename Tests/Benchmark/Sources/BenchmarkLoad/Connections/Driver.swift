package import EventLoop
internal import Posix

/// Runs the loop for as long as a run has to wait for something, and ends each turn of it: the run sends what is due,
/// and every connection writes what it has gathered.
package final class Driver {
    let loop: Loop
    private var sending: [LoadConnection] = []
    private var isReached: () -> Bool = { true }
    private var failure: BenchmarkFailure?
    private var signals: [SignalWatcher] = []
    /// The run that is under way.
    private var events: ConnectionEvents?
    /// Connections that have become ready, of this run.
    var readyConnections = 0
    private var connections: [ObjectIdentifier: LoadConnection] = [:]
    /// Connections that have not been closed.
    var openConnections: Int { connections.count }
    /// What the relay says in its Welcome.
    package var relayVersion: String?

    /// - Parameter signals: those that end the benchmark.
    /// - Throws: `LoopError` when the process has no descriptors left.
    package init(endingOn signals: [Int32]) throws(LoopError) {
        loop = try Loop()
        loop.onTurnEnd { [unowned self] in endTurn() }
        self.signals = signals.map { signal in
            SignalWatcher(loop: loop, signal: signal) { [unowned self] in
                fail(BenchmarkFailure(interruptedBy: signal))
            }
        }
    }

    /// Closes everything, also the connections of a run that has failed; nothing works after that.
    package func close() {
        for signal in signals { signal.close() }
        for connection in connections.values { connection.close() }
        loop.drain()
        events = nil  // which refers back to here
        sending = []
    }

    /// Runs until `condition`, which is asked at the end of every turn, or until the time is over.
    /// - Returns: whether the condition holds.
    /// - Throws: what a connection failed with meanwhile, or the interruption.
    @discardableResult
    func wait(seconds: Double, until condition: @escaping () -> Bool = { false }) throws(BenchmarkFailure) -> Bool {
        var (isOver, holds) = (false, false)
        isReached = {
            holds = condition()
            return holds || isOver
        }
        let limit = Timer(loop: loop) { isOver = true }
        limit.start(after: UInt64(seconds * 1e9))
        if failure == nil { loop.run() }
        limit.close()
        isReached = { true }
        if let failure { throw failure }
        return holds
    }

    /// Runs until `condition`.
    /// - Throws: `BenchmarkFailure` also when it does not come to hold in time.
    func wait(_ what: String, seconds: Double = 20, until condition: @escaping () -> Bool) throws(BenchmarkFailure) {
        guard try wait(seconds: seconds, until: condition) else {
            throw BenchmarkFailure("\(what): not within \(Int(seconds)) s")
        }
    }

    /// Ends the wait that is under way, and every one after it.
    func fail(_ failure: BenchmarkFailure) {
        if self.failure == nil { self.failure = failure }
        loop.stop()
    }

    func fail(_ description: String) { fail(BenchmarkFailure(description)) }

    /// What happens from here on belongs to `events`.
    func begin(_ events: ConnectionEvents) {
        self.events = events
        readyConnections = 0
    }

    /// Monotonic nanoseconds.
    var now: UInt64 { Clock.monotonicNanoseconds() }

    // MARK: For connections

    func didOpen(_ connection: LoadConnection) { connections[ObjectIdentifier(connection)] = connection }

    func didClose(_ connection: LoadConnection) { connections[ObjectIdentifier(connection)] = nil }

    /// The connection has something to send, and will be flushed at the end of the turn.
    func willSend(_ connection: LoadConnection) { sending.append(connection) }

    private func endTurn() {
        events?.turnEnded()
        for connection in sending { connection.flush() }
        sending.removeAll(keepingCapacity: true)
        if failure != nil || isReached() { loop.stop() }
    }
}
