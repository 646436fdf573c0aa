package import EventLoop
internal import Posix

/// Runs the loop for as long as a run has to wait for something. At the end of each turn, the run sends what is due,
/// and every connection writes what it has gathered.
package final class Driver {
    let loop: Loop
    private var sending: [LoadConnection] = []
    private var isReached: () -> Bool = { true }
    private var failure: BenchmarkFailure?
    private var signals: [SignalWatcher] = []
    /// The current run.
    private var events: ConnectionEvents?
    /// How many connections of this run have become ready.
    var readyConnections = 0
    private var connections: [ObjectIdentifier: LoadConnection] = [:]
    /// Connections that have not been closed.
    var openConnections: Int { connections.count }
    /// What the relay says in its Welcome.
    package var relayVersion: String?

    /// - Parameter signals: the signals that end the benchmark.
    /// - Throws: `LoopError` if the process has no descriptors left.
    package init(endingOn signals: [Int32]) throws(LoopError) {
        loop = try Loop()
        loop.onTurnEnd { [unowned self] in endTurn() }
        self.signals = signals.map { signal in
            SignalWatcher(loop: loop, signal: signal) { [unowned self] in
                fail(BenchmarkFailure(interruptedBy: signal))
            }
        }
    }

    /// Closes everything, including the connections of a run that has failed. Nothing works after that.
    package func close() {
        for signal in signals { signal.close() }
        for connection in connections.values { connection.close() }
        loop.drain()
        events = nil  // which refers back to the driver
        sending = []
    }

    /// Runs until `condition` holds, which is checked at the end of every turn, or until the time is over.
    /// - Returns: whether the condition holds.
    /// - Throws: the failure of a connection in the meantime, or the interruption.
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

    /// Runs until `condition` holds.
    /// - Throws: `BenchmarkFailure`, also if it does not hold in time.
    func wait(_ what: String, seconds: Double = 20, until condition: @escaping () -> Bool) throws(BenchmarkFailure) {
        guard try wait(seconds: seconds, until: condition) else {
            throw BenchmarkFailure("\(what): not within \(Int(seconds)) s")
        }
    }

    /// Ends the current wait, and every later one.
    func fail(_ failure: BenchmarkFailure) {
        if self.failure == nil { self.failure = failure }
        loop.stop()
    }

    func fail(_ description: String) { fail(BenchmarkFailure(description)) }

    /// From here on, all events belong to `events`.
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
