package import Configuration
package import RESP

/// The connection to one sentinel. It is subscribed to `+switch-master`, and asks where the master is when it comes up,
/// when it hears of a change, and as its heartbeat. A RESP2 connection that is subscribed cannot ask, so each question
/// leaves the channel, asks and comes back, all in one write; what changes in between is in the answer. The first one has
/// nothing to leave, and Valkey 8.0 refuses to leave what was not entered.
package final class SentinelLink: Link {
    package let endpoint: RedisConfiguration.Endpoint
    package let index: Int
    private unowned let sentinels: Sentinels
    /// Why the sentinel is of no use although it answers; nil when it is.
    package private(set) var complaint: LinkFailure?

    /// What a question consists of, in the order of the answers.
    private enum Step { case unsubscribe, address, details, subscribe }
    /// Answers that are owed.
    private var owed: ArraySlice<Step> = []
    /// How many there have been to give, those included.
    private var asked: UInt64 = 0
    /// The sentinel has confirmed the subscription on this connection, and not its end.
    private var isSubscribed = false
    /// There was a change while a question was under way, which may have come too early for it.
    private var asksAgain = false
    /// The first answer of the question under way.
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

    /// `service old-host old-port new-host new-port`: what it says is asked for, with the epoch that it does not tell.
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
        // Redis 7 can deny a user this one alone; then the sentinels' word must do.
        case (.details, .error):
            if let named { told(named, epoch: 0) } else { knowsNothing() }
        // It says that the connection is not subscribed, and so it can be asked.
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
