internal import BenchmarkReport
internal import EventLoop

/// Connections that publish once and are closed, like those of scripts that live for one request of a web server. A
/// fixed number is open at a time, and each is followed by the next. The latencies are service times, from connecting
/// to the answer.
final class ShortConnectionsRun: Run {
    private let parallel: Int
    private var isOver = false
    private var confirmed = 0
    private var next: UInt64 = 0
    /// By place: when its connection was opened, in monotonic nanoseconds.
    private var opened: [UInt64]

    init(_ workload: Workload, _ target: Target, _ stage: Stage, parallel: Int) {
        self.parallel = parallel
        opened = Array(repeating: 0, count: parallel)
        super.init(workload, target, stage)
    }

    override func measure() throws(BenchmarkFailure) {
        for place in 0..<parallel { openNext(place) }
        try measureInterval(seconds: stage.seconds)
        isOver = true
        try driver.wait(seconds: 5) { [driver] in driver.openConnections == 0 }
        measurement.counts.missing = driver.openConnections
        measurement.latencies = latencies.summary(corrected: false)
    }

    override func counted() -> (published: Int, delivered: Int) { (confirmed, 0) }

    private func openNext(_ place: Int) {
        opened[place] = driver.now
        let connection = stage.connection(to: measurement.target, events: self, number: place)
        connection.openPublishing(
            template, MessageStamp(number: next, channel: 0, sequence: UInt32(truncatingIfNeeded: next)))
        next += 1
    }

    override func answered(_ connection: LoadConnection, id: UInt64, isOK: Bool) {
        if isOK { confirmed += 1 } else { measurement.counts.refused += 1 }
        if isMeasuring { latencies.record(nanoseconds: connection.readTime - opened[connection.number]) }
        connection.close()
        if !isOver { openNext(connection.number) }
    }
}
