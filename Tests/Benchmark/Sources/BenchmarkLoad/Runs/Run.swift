internal import BenchmarkReport
internal import EventLoop

/// One run of one workload against one target. This class has what all runs share. Subclasses measure.
class Run: ConnectionEvents {
    let stage: Stage
    var driver: Driver { stage.driver }
    /// Filled in as the run goes on.
    var measurement: Measurement
    /// The template from which messages are written.
    let template: PublishTemplate
    let names: ChannelNames
    private(set) var connections: [LoadConnection] = []
    /// The latencies of the measured part of the run.
    let latencies: any LatencyRecorder
    /// Whether the run is in its measured part.
    private(set) var isMeasuring = false

    init(_ workload: Workload, _ target: Target, _ stage: Stage, channels: Int = 1) {
        self.stage = stage
        measurement = Measurement(
            workload: workload.name, group: workload.group, target: target, round: 0,
            parameters: workload.parameters, seconds: 0, messages: 0, counts: MessageCounts())
        names = stage.newNames(channels, for: target)
        template =
            target == .relay
            ? .frame(names: names, payloadBytes: workload.payloadBytes)
            : .command(names: names, payloadBytes: workload.payloadBytes)
        latencies = stage.newRecorder()
    }

    /// Does the whole run, until nothing is on its way any more.
    func measure() throws(BenchmarkFailure) { preconditionFailure("to be overridden") }

    /// Counts what has been done up to now. The part that was done while measuring goes into the measurement.
    func counted() -> (published: Int, delivered: Int) { preconditionFailure("to be overridden") }

    // MARK: For subclasses

    /// Opens connections, and returns when all of them can send.
    func open(_ count: Int) throws(BenchmarkFailure) -> [LoadConnection] {
        let first = connections.count
        for _ in 0..<count {
            // At most as many at a time as any listener's queue holds.
            let ready = connections.count - 64
            if driver.readyConnections <= ready {
                try driver.wait("a connection is served") { [driver] in driver.readyConnections > ready }
            }
            let connection = newConnection()
            connection.open()
        }
        let all = connections.count
        try driver.wait("\(count) connections are served") { [driver] in driver.readyConnections == all }
        return Array(connections[first...])
    }

    /// A connection that is not open yet, and is closed at the end of the run.
    func newConnection() -> LoadConnection {
        let connection = stage.connection(to: measurement.target, events: self, number: connections.count)
        connections.append(connection)
        return connection
    }

    /// Lets the run go on for a while, and then measures.
    func measureInterval(seconds: Double) throws(BenchmarkFailure) {
        try driver.wait(seconds: stage.warmUp)
        var interval = Interval(stage.servers)
        let before = counted()
        isMeasuring = true
        try driver.wait(seconds: seconds)
        interval.finish()
        isMeasuring = false
        let after = counted()
        measurement.counts.published = after.published - before.published
        measurement.counts.delivered = after.delivered - before.delivered
        measurement.messages = measurement.counts.published
        interval.enter(into: &measurement)
    }

    /// Waits until everything has arrived, or until nothing has arrived for five seconds.
    /// - Parameter progress: a count that grows with everything that arrives.
    func drain(_ progress: () -> Int, until isDone: @escaping () -> Bool) throws(BenchmarkFailure) {
        var before = -1
        while progress() > before {
            before = progress()
            if try driver.wait(seconds: 5, until: isDone) { return }
        }
    }

    /// Enters the memory of the relay before the run, or after all of it.
    func noteMemory(_ workload: MemoryUse.Held?, isBefore: Bool) {
        guard measurement.target == .relay, let pid = stage.servers.relayPID,
            let bytes = ProcessUsage.residentBytes(of: pid)
        else { return }
        let start = isBefore ? bytes : measurement.relayMemory?.start ?? bytes
        measurement.relayMemory = MemoryUse(start: start, end: bytes, held: workload)
    }

    /// Closes all connections, and waits until they are closed.
    func close() throws(BenchmarkFailure) {
        for connection in connections { connection.close() }
        connections = []
        try driver.wait("connections are closed") { [driver] in driver.openConnections == 0 }
    }
}
