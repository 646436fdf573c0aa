package import Configuration
package import RESP

/// The connection to one sentinel. It is subscribed to `+switch-master`, and asks where the master is when it comes up,
/// when it hears of a change, and as its heartbeat. A RESP2 connection with subscriptions cannot ask. So each question
/// unsubscribes, asks and subscribes again, all in one write; a change in between is in the answer. The first question
/// does not unsubscribe, since Valkey 8.0 refuses to unsubscribe from what was not subscribed to.
package final class SentinelLink: Link {
    package let endpoint: RedisConfiguration.Endpoint
    package let index: Int
    private unowned let sentinels: Sentinels
    /// Why the sentinel does not help although it answers; nil if it helps.
    package private(set) var complaint: LinkFailure?

    /// The commands of a question, in the order of their answers.
    private enum Step { case unsubscribe, address, details, subscribe }
    /// The commands whose answers are owed.
    private var owed: ArraySlice<Step> = []
    /// How many commands have been sent, including these.
    private var asked: UInt64 = 0
    /// The sentinel has confirmed the subscription on this connection, and not its end.
    private var isSubscribed = false
    /// A change was announced while a question was under way, and perhaps too late for the answer.
    private var asksAgain = false
    /// The answer to `address` in the current question.
    private var named: SentinelView.Master?

    private static let channel = "+switch-master"

    /// - Parameter heartbeat: nanoseconds between two questions when nothing happens.
    init(_ endpoint: RedisConfiguration.Endpoint, index: Int, of sentinels: Sentinels, heartbeat: UInt64) {
        (self.endpoint, self.index, self.sentinels) = (endpoint, index, sentinels)
        let upstream = sentinels.upstream
        super.init(
            kind: .sentinel, upstream: upstream,
            machine: Self.machine(upstream.timings, heartbeat: heartbeat, expects: .sentinel))
    }

    override package var address: String { "sentinel \(endpoint)" }
    override var location: Location { .at([endpoint]) }
    override package var credentials: RedisConfiguration.Credentials { upstream.redis.sentinelCredentials }
    override var settingsName: String { "sentinel" }
    override var debt: LinkDebt { LinkDebt(asked: asked, answered: asked - UInt64(owed.count)) }
    override package var failure: LinkFailure? {
        machine.lastFailure.map { LinkFailure(cause: $0.cause, reason: "\(address): \($0.reason)") } ?? complaint
    }

    override func established() { ask() }
    override func writePing() { ask() }

    override func lost(_ failure: LinkFailure, unsent: Int) {
        (owed, asksAgain, named, complaint, isSubscribed) = ([], false, nil, nil, false)
        sentinels.withdrew(self)
    }

    override func failed(_ failure: LinkFailure, wasEstablished: Bool) { sentinels.failed() }

    private func ask() {
        guard owed.isEmpty else {
            asksAgain = true
            return
        }
        owed = isSubscribed ? [.unsubscribe, .address, .details, .subscribe] : [.address, .details, .subscribe]
        asked += UInt64(owed.count)
        asksAgain = false
        named = nil
        write(owed.map(command))
    }

    private func command(_ step: Step) -> [String] {
        switch step {
        case .unsubscribe: ["UNSUBSCRIBE", Self.channel]
        case .address: ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinels.service]
        case .details: ["SENTINEL", "MASTER", sentinels.service]
        case .subscribe: ["SUBSCRIBE", Self.channel]
        }
    }

    // MARK: Replies

    /// A message with `service old-host old-port new-host new-port`. The relay asks for what it says, since it does not
    /// contain the epoch.
    package func heard(_ payload: UnsafeRawBufferPointer) {
        if payload.starts(with: sentinels.service.utf8 + [UInt8(ascii: " ")]) { ask() }
    }

    override func answered(_ value: RedisValue) {
        switch (owed.popFirst(), value) {
        case (.address, .array(let parts)):
            guard let master = SentinelView.Master(parts) else { return violation() }
            named = master
        case (.address, .nilValue): break
        case (.details, .array(let fields)):
            if let named { told(named, epoch: SentinelView.epoch(in: fields)) } else { knowsNothing() }
        // Redis 7 can deny a user this command alone. Then the address is believed without an epoch.
        case (.details, .error):
            if let named { told(named, epoch: 0) } else { knowsNothing() }
        // The error says that the connection is not subscribed, so it can ask.
        case (.unsubscribe, .error(let text)) where text.hasPrefix("NOSUB"): isSubscribed = false
        case (.address?, .error(let text)), (.unsubscribe?, .error(let text)), (.subscribe?, .error(let text)):
            refused(text)
        default: violation()
        }
    }

    package func confirmed(_ verb: SubscribeVerb) {
        switch (owed.popFirst(), verb) {
        case (.unsubscribe, .unsubscribe): isSubscribed = false
        case (.subscribe, .subscribe):
            isSubscribed = true
            pongReceived()
            if asksAgain { ask() }
        default: violation()
        }
    }

    private func told(_ master: SentinelView.Master, epoch: UInt64) {
        complaint = nil
        sentinels.answered(self, master, epoch: epoch)
    }

    private func knowsNothing() {
        complaint = LinkFailure(
            cause: .topology,
            reason: "\(address) does not know the master \"\(sentinels.service)\" (the name is in --redis)")
        sentinels.knowsNothing(self)
    }

    private func refused(_ text: String) {
        fail(LinkFailure.classify(error: text) ?? LinkFailure(cause: .auth, "the sentinel: ", quoting: text))
    }

    override package func violation() {
        fail(LinkFailure(cause: .protocolError, reason: "an unexpected reply from the sentinel"))
    }
}
