internal import BenchmarkReport

/// Publishers that keep a window of unanswered publishes. Nobody subscribes.
///
/// The latencies are service times: from when a publish is put together to its answer. In a closed loop the next
/// publish waits for an answer, so there is no time at which it would have been due.
final class PublishRun: Run {
    private let count: Int
    private let window: Int
    private var isOver = false
    private var confirmed = 0
    private var next: UInt64 = 0
    /// By publisher and place in its window: when the publish was sent, in monotonic nanoseconds.
    private var sent: [UInt64]

    init(_ workload: Workload, _ target: Target, _ stage: Stage, connections: Int, window: Int) {
        (count, self.window) = (connections, window)
        sent = Array(repeating: 0, count: connections * window)
        super.init(workload, target, stage)
    }

    override func measure() throws(BenchmarkFailure) {
        noteMemory(nil, isBefore: true)
        let publishers = try open(count)
        for publisher in publishers {
            for _ in 0..<window { publish(publisher, at: driver.now) }
        }
        try measureInterval(seconds: stage.seconds)
        isOver = true
        try drain({ confirmed + measurement.counts.refused }, until: { publishers.allSatisfy { $0.unanswered == 0 } })
        measurement.counts.missing = publishers.reduce(0) { $0 + $1.unanswered }
        noteMemory(nil, isBefore: false)
        measurement.latencies = latencies.summary(corrected: false)
    }

    override func counted() -> (published: Int, delivered: Int) { (confirmed, 0) }

    override func answered(_ connection: LoadConnection, id: UInt64, isOK: Bool) {
        if isOK { confirmed += 1 } else { measurement.counts.refused += 1 }
        let place = place(of: id, on: connection)
        if isMeasuring { latencies.record(nanoseconds: connection.readTime - sent[place]) }
        if !isOver { publish(connection, at: connection.readTime) }
    }

    private func publish(_ connection: LoadConnection, at moment: UInt64) {
        sent[place(of: connection.published, on: connection)] = moment
        connection.publish(template, MessageStamp(number: next, channel: 0, sequence: UInt32(truncatingIfNeeded: next)))
        next += 1
    }

    private func place(of id: UInt64, on connection: LoadConnection) -> Int {
        connection.number * window + Int(id % UInt64(window))
    }
}
