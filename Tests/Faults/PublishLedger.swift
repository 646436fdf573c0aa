import TestSupport

/// The ledger of one connection that publishes on one channel with the ids 1, 2, 3 and so on: the outcome of each id,
/// the reported states, and everything that came and that the contract does not allow.
final class PublishLedger {
    let client: TestConnection
    let channel: String
    private(set) var sent: UInt64 = 0
    private(set) var outcomes: [UInt64: HubrelayOutcome] = [:]
    /// The states of the Status frames, in their order.
    private(set) var states: [HubrelayState] = []
    /// Descriptions of second Replies, of Replies out of order, and of OK on a link that is known to be bad.
    private(set) var faults: [String] = []
    private var lastAnswered: UInt64 = 0

    init(_ client: TestConnection, channel: String) { (self.client, self.channel) = (client, channel) }

    /// Whether every publish has its Reply.
    var isSettled: Bool { outcomes.count == Int(sent) }

    /// The kinds of outcomes that occurred.
    var kinds: Set<HubrelayOutcome> { Set(outcomes.values) }

    /// How many publishes had this outcome.
    func count(of outcome: HubrelayOutcome) -> Int { outcomes.values.count { $0 == outcome } }

    /// Publishes the next `count` ids in one write. The payload of each is its id.
    func send(_ count: UInt64) throws {
        let ids = sent + 1...sent + count
        sent += count
        try client.send(raw: ids.flatMap { HubrelayClientFrame.publish(channel, "\($0)", id: $0).bytes })
    }

    /// Reads the frames that arrive within this time.
    func read(for seconds: Double) throws {
        let deadline = TestDeadline(within: seconds)
        while !deadline.isOver {
            let left = Double(deadline.remainingMilliseconds) / 1000
            if let frame = try client.nextIfAny(within: left) { note(frame) }
        }
    }

    /// Reads the frames that have arrived, and waits for nothing.
    func readWhatIsThere() throws {
        while let frame = try client.nextIfAny(within: 0) { note(frame) }
    }

    /// Reads until every publish has its Reply.
    func settle(line: UInt = #line) throws {
        if isSettled { return }
        _ = try client.collect("the Replies to all \(sent) publishes", line: line) { frame in
            note(frame)
            return isSettled
        }
    }

    /// Reads until this state is reported.
    func read(until state: HubrelayState, line: UInt = #line) throws {
        _ = try client.collect("Status \(state)", line: line) { frame in
            note(frame)
            if case .status(let status) = frame.frame { return status.state == state }
            return false
        }
    }

    private func note(_ frame: HubrelayRelayFrame) {
        switch frame.frame {
        case .status(let status): states.append(status.state)
        case .reply(let reply): note(reply)
        default: faults.append("not expected: \(frame.summary)")
        }
    }

    private func note(_ reply: HubrelayReply) {
        if outcomes.updateValue(reply.outcome, forKey: reply.id) != nil { faults.append("\(reply.id) again") }
        // Publishes on one channel are answered in the order in which they were written.
        if reply.id != lastAnswered + 1 { faults.append("\(reply.id) after \(lastAnswered)") }
        lastAnswered = reply.id
        let isKnownBad = !client.status.publishing
        switch reply.outcome {
        case .ok, .interrupted:
            if isKnownBad { faults.append("\(reply.id) is \(reply.outcome) on a link known to be bad") }
        case .notConnected: break
        default: faults.append("\(reply.id) is \(reply.outcome)")
        }
    }
}
