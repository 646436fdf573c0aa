internal import BenchmarkReport

/// One publisher, and subscribers that all have all channels. At most a window of messages is on its way: messages that
/// some subscriber has neither received, nor knows to be lost. Channels are taken at random.
///
/// The latencies are service times: from when a message is put together to when a subscriber has read it.
final class FanOutRun: Run {
    private let window: Int
    private let held: MemoryUse.Held?
    private var ledgers: [SequenceLedger]
    /// By channel: the sequence number that comes next.
    private var sequences: [UInt32]
    private var publisher: LoadConnection?
    private var next: UInt64 = 0
    /// By place in the window: when the message was sent, in monotonic nanoseconds.
    private var sent: [UInt64]
    private var random = SmallGenerator()

    init(
        _ workload: Workload, _ target: Target, _ stage: Stage, subscribers: Int, window: Int, channels: Int
    ) {
        (self.window, held) = (window, workload.held)
        ledgers = Array(repeating: SequenceLedger(channels: channels), count: subscribers)
        sequences = Array(repeating: 0, count: channels)
        sent = Array(repeating: 0, count: window)
        super.init(workload, target, stage, channels: channels)
    }

    override func measure() throws(BenchmarkFailure) {
        let subscribers = try open(ledgers.count)
        noteMemory(held, isBefore: true)
        try subscribe(subscribers)
        publisher = try open(1)[0]
        try measureInterval(seconds: stage.seconds)
        try settleAccounts()
        noteMemory(held, isBefore: false)
        measurement.latencies = latencies.summary(corrected: false)
    }

    private func subscribe(_ subscribers: [LoadConnection]) throws(BenchmarkFailure) {
        let names = names
        for subscriber in subscribers {
            // In parts, so that no connection has more unanswered requests than it may have.
            for first in stride(from: 0, to: names.count, by: 5_000) {
                let end = min(first + 5_000, names.count)
                subscriber.subscribe(first..<end, of: names)
                try driver.wait("channels are subscribed to", seconds: 60) { subscriber.subscribed >= end }
            }
        }
    }

    private func settleAccounts() throws(BenchmarkFailure) {
        guard let publisher else { return }
        self.publisher = nil
        let all = Int(next)
        try drain({ ledgers.reduce(0) { $0 + $1.settled } }) { [self] in
            publisher.unanswered == 0 && ledgers.allSatisfy { $0.settled >= all - measurement.counts.refused }
        }
        let expected = all - measurement.counts.refused
        measurement.counts.missing = ledgers.reduce(publisher.unanswered) { $0 + $1.missing(of: expected) }
        measurement.counts.duplicates = ledgers.reduce(0) { $0 + $1.duplicates }
        measurement.counts.lost = ledgers.reduce(0) { $0 + $1.lost }
    }

    override func counted() -> (published: Int, delivered: Int) {
        (done, ledgers.reduce(0) { $0 + $1.delivered })
    }

    /// The number of messages that every subscriber has received, or knows to be lost.
    private var done: Int {
        var least = Int.max
        for index in ledgers.indices { least = min(least, ledgers[index].settled) }
        return least
    }

    override func turnEnded() {
        guard let publisher else { return }
        let limit = min(done + measurement.counts.refused + window, Int(next) + 2 * window - publisher.unanswered)
        guard next < limit else { return }
        let now = driver.now
        while next < limit {
            let channel = sequences.count == 1 ? 0 : random.below(sequences.count)
            sent[Int(next % UInt64(window))] = now
            publisher.publish(
                template, MessageStamp(number: next, channel: UInt32(channel), sequence: sequences[channel]))
            sequences[channel] &+= 1
            next += 1
        }
    }

    override func received(_ connection: LoadConnection, payload: UnsafeRawBufferPointer) {
        guard payload.count == measurement.parameters.payloadBytes, let stamp = MessageStamp(payload) else {
            return driver.fail("\(connection.peer) delivered a message that nobody published")
        }
        guard ledgers[connection.number].receive(stamp), isMeasuring else { return }
        latencies.record(nanoseconds: connection.readTime &- sent[Int(stamp.number % UInt64(window))])
    }

    override func lost(_ connection: LoadConnection, messages: Int) {
        // The publisher gets Loss frames only for publishes without an id, and it sends none of these.
        guard connection.number < ledgers.count else { return }
        ledgers[connection.number].tell(lost: messages)
    }

    override func answered(_ connection: LoadConnection, id: UInt64, isOK: Bool) {
        if !isOK { measurement.counts.refused += 1 }
    }
}

/// Numbers that are random enough to spread messages, at almost no cost (xorshift64, Marsaglia 2003).
private struct SmallGenerator {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func below(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(limit))
    }
}
