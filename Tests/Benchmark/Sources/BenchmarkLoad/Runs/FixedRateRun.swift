internal import BenchmarkReport
internal import EventLoop
internal import Posix

/// One publisher, one subscriber, and messages due at a fixed rate, whatever happened to those before (open loop).
///
/// A latency counts from when the message was due. So a stall counts for all messages that fell due in it, including
/// those that could not even be sent meanwhile (coordinated omission). How late they were sent is recorded separately.
final class FixedRateRun: Run {
    /// How much longer it takes than other runs, so that there are enough messages for the 99.9th percentile.
    private static let patience = 3.0

    private let rate: Int
    private var ledger = SequenceLedger(channels: 1)
    private var schedule: Schedule?
    private var publisher: LoadConnection?
    private var next: UInt64 = 0
    /// Ends a wait of the loop when the next message is due. A `Timer` would be precise only to milliseconds.
    private var timer: KernelTimer?
    /// The moment to which the timer is set.
    private var awaited: UInt64?
    /// The number of the first measured message: the first one due after the measurement began.
    private var firstMeasured = UInt64.max
    private let lateness: any LatencyRecorder

    init(_ workload: Workload, _ target: Target, _ stage: Stage, rate: Int) {
        self.rate = rate
        lateness = stage.newRecorder()
        super.init(workload, target, stage)
    }

    override func measure() throws(BenchmarkFailure) {
        let subscriber = try open(1)[0]
        subscriber.subscribe(0..<1, of: names)
        try driver.wait("a channel is subscribed to") { subscriber.subscribed == 1 }
        let publisher = try open(1)[0]
        do throws(LoopError) { timer = try KernelTimer(loop: driver.loop) {} } catch {
            throw BenchmarkFailure("\(error)")
        }
        defer { timer?.close() }
        self.publisher = publisher
        schedule = Schedule(start: Clock.monotonicNanoseconds(), rate: rate)
        try measureInterval(seconds: stage.seconds * Self.patience)
        self.publisher = nil
        try finish(publisher)
    }

    private func finish(_ publisher: LoadConnection) throws(BenchmarkFailure) {
        let all = Int(next)
        try drain({ ledger.settled }) { [self] in
            publisher.unanswered == 0 && ledger.settled >= all - measurement.counts.refused
        }
        let expected = all - measurement.counts.refused
        measurement.counts.missing = publisher.unanswered + ledger.missing(of: expected)
        measurement.counts.duplicates = ledger.duplicates
        measurement.counts.lost = ledger.lost
        measurement.latencies = latencies.summary(corrected: true)
        measurement.generatorLateness = lateness.summary(corrected: true)
    }

    override func counted() -> (published: Int, delivered: Int) { (ledger.settled, ledger.delivered) }

    override func turnEnded() {
        guard let publisher, let schedule else { return }
        if isMeasuring, firstMeasured == .max { firstMeasured = next }
        let now = Clock.monotonicNanoseconds()
        while schedule.due(next) <= now {
            if next >= firstMeasured { lateness.record(nanoseconds: schedule.age(of: next, at: now)) }
            let sequence = UInt32(truncatingIfNeeded: next)
            publisher.publish(template, MessageStamp(number: next, channel: 0, sequence: sequence))
            next += 1
        }
        guard awaited != schedule.due(next) else { return }
        awaited = schedule.due(next)
        timer?.set(schedule.due(next))
    }

    override func received(_ connection: LoadConnection, payload: UnsafeRawBufferPointer) {
        guard payload.count == measurement.parameters.payloadBytes, let stamp = MessageStamp(payload), let schedule
        else { return driver.fail("\(connection.peer) delivered a message that nobody published") }
        guard ledger.receive(stamp), stamp.number >= firstMeasured else { return }
        latencies.record(nanoseconds: schedule.age(of: stamp.number, at: connection.readTime))
    }

    override func lost(_ connection: LoadConnection, messages: Int) { ledger.tell(lost: messages) }

    override func answered(_ connection: LoadConnection, id: UInt64, isOK: Bool) {
        if !isOK { measurement.counts.refused += 1 }
    }
}
